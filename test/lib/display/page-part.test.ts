import { type Browser, type Page } from 'playwright-core';
import { pageBundle } from 'mnist-lib/dist/display/page-part';
import { packLayer } from 'mnist-lib/dist/page/network';
import { describeInBrowser, launchBrowser } from '../../helpers/browser';
import { exportedPage, openParts } from '../../helpers/page-part';

const STILL = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>')}`;
const DESCRIPTION = 'A pad: "<b>draw</b>" & look.';
const BAD = '</script><!-- <script> "\'`${x}\\ \u2028';
const LAYER = packLayer({ activation: 'softmax', kernel: new Float32Array(784 * 2), bias: new Float32Array(2) });
const bundle = pageBundle('draw', { layers: [LAYER], extra: BAD } as never, STILL, DESCRIPTION);
const SENTENCE = /^This is a still picture, because no script runs here\./;

describeInBrowser('a part in the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

  /** For each child of the root elements, whether it is the host of a part. */
  const parts = (page: Page) =>
    page.evaluate(() => [...document.querySelectorAll('body div > *')].map((child) => child.shadowRoot !== null));

  async function expectStill(page: Page): Promise<void> {
    const picture = page.getByRole('img', { name: DESCRIPTION, exact: true });
    expect(await picture.evaluate((img: HTMLImageElement) => [img.naturalWidth, img.naturalHeight])).toEqual([40, 20]);
    expect(await page.locator('p').first().innerText()).toMatch(SENTENCE);
    expect(await page.innerText('body')).not.toContain('function');
  }

  test('takes the place of its picture, also if the same output is in the page twice', async () => {
    const page = await openParts(browser, [bundle, bundle]);
    expect(await parts(page)).toEqual([true, true]);
    expect(await page.evaluate(() => ['page' in window, 'root' in window])).toEqual([false, false]);
  });

  test('takes no style from the page, and gives none', async () => {
    const page = await openParts(browser, [bundle, { 'text/html': '<p id="other">other</p>' }]);
    const look = () =>
      page.evaluate(() =>
        ['#other', 'div > div'].map((selector) => {
          const element = document.querySelector(selector)!;
          const { color, fontFamily, margin } = getComputedStyle(element.shadowRoot?.querySelector('p') ?? element);
          return [color, fontFamily, margin].join();
        }),
      );
    const [other, own] = await look();
    expect(own).not.toBe(other);
    await page.addStyleTag({ content: 'p { color: red; font-family: serif; margin: 99px }' });
    expect(await look()).toEqual(['rgb(255, 0, 0),serif,99px', own]);
  });

  test('leaves picture and sentence where scripts do not run', async () => {
    await expectStill(await openParts(browser, [bundle], { javaScriptEnabled: false }));
  });

  test('leaves them if it fails', async () => {
    const broken = pageBundle('draw', null as never, STILL, DESCRIPTION);
    await expect(openParts(browser, [broken])).rejects.toThrow(/null/);
    await expectStill(browser.contexts()[0].pages()[0]);
  });

  test('runs in the page that npm run lecture writes, and is a picture in a page that is sanitized', async () => {
    const page = await browser.newPage();
    await page.setContent(exportedPage(bundle));
    expect((await parts(page)).filter(Boolean)).toHaveLength(1);
    await page.setContent(exportedPage(bundle, true));
    expect((await parts(page)).filter(Boolean)).toHaveLength(0);
    await expectStill(page);
  });
});

test('a page that is sanitized keeps no address of data but that of pictures', () => {
  const html =
    '<a href=" DATA:text/html,x">a</a><img src="data:image/png;base64,AA"><SCRIPT src="x">1 < 2</SCRIPT >end';
  const sanitized = exportedPage({ 'text/html': html }, true);
  expect(sanitized).toMatch(/<a>a<\/a><img [^>]*src="data:image\/png;base64,AA"\/>end/);
});

test('a picture from elsewhere is refused', () => {
  expect(() => pageBundle('draw', { layers: [LAYER] }, 'https://example.org/a.png', '')).toThrow(
    new RangeError('the still picture is at https://example.org/a.png (expected data:image/...)'),
  );
});
