import { type Morph, morphFrames } from 'mnist-lib';
import { type Browser, type Locator } from 'playwright-core';
import { join } from 'node:path';
import { describeInBrowser, launchBrowser, screenshots } from '../../helpers/browser';
import { openParts } from '../../helpers/page-part';

// A 2 that becomes a 0, of three classes, in two steps; pictures of 2 × 2 pixels.
const morph: Morph = {
  images: { dtype: 'uint8', shape: [3, 2, 2], data: Uint8Array.of(0, 255, 255, 0, 64, 128, 192, 255, 255, 0, 0, 255) },
  probabilities: [[0, 0.25, 0.75], [0.5, 0.004, 0.496], [0.9999, 0.0001, 0]], // prettier-ignore
  target: 0,
};
const bundle = morphFrames(morph) as { 'text/html': string; 'text/plain': string };

test('morphFrames(morph) says in words what happens when, also if it does not', () => {
  expect(bundle['text/plain']).toBe('A 2 becomes a 0 in 2 steps. From step 1, the network sees a 0.');
  expect(morphFrames({ ...morph, target: 1 })['text/plain']).toBe(
    'A 2 becomes a 1 in 2 steps. The network never sees a 1.',
  );
});

test('morphFrames(morph) has a still picture with the pictures and the answers', () => {
  const still = Buffer.from(/src="data:image\/svg\+xml;base64,([^"]+)"/.exec(bundle['text/html'])![1], 'base64');
  const texts = [...still.toString().matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  expect(texts).toEqual(['2 (75 %)', '0 (50 %)', '0 (&#62;99 %)']);
});

describeInBrowser('frames in the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

  const greys = (canvas: Locator) =>
    canvas.evaluate((element: HTMLCanvasElement) => {
      const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
      return [...data].filter((_, index) => index % 4 === 0);
    });

  test('are stepped through by the keys of the slider: pictures, bars and words follow', async () => {
    const page = await openParts(browser, [bundle]);
    const group = page.getByRole('group', { name: 'A 2 becomes a 0' });
    const slider = group.getByRole('slider', { name: 'Step' });
    const canvas = group.getByRole('img');
    const valueText = () => slider.getAttribute('aria-valuetext');
    expect(await greys(canvas)).toEqual([255, 0, 0, 255]);
    expect(await valueText()).toBe('Step 0 of 2: the network sees a 2, 75 %');
    expect(await group.locator('dd.value').allInnerTexts()).toEqual(['0 %', '25 %', '75 %']);

    await slider.press('ArrowRight');
    expect(await greys(canvas)).toEqual([191, 127, 63, 0]);
    expect(await valueText()).toBe('Step 1 of 2: the network sees a 0, 50 %');
    expect(await group.locator('.step').innerText()).toContain('Step 1 of 2: the network sees a 0, 50 %');
    expect(await group.locator('dd.value').allInnerTexts()).toEqual(['50 %', '<1 %', '50 %']);
    const widths = await group
      .locator('.bar > div')
      .evaluateAll((all) => all.map((bar) => bar.getBoundingClientRect().width));
    expect(widths[0] / widths[2]).toBeCloseTo(0.5 / 0.496, 1);
    expect(await group.locator('.largest dt').allInnerTexts()).toEqual(['0']);

    await slider.press('End');
    expect(await greys(canvas)).toEqual([0, 255, 255, 0]);
    expect(await group.locator('dd.value').allInnerTexts()).toEqual(['>99 %', '<1 %', '0 %']);
    await slider.press('Home');
    expect(await greys(canvas)).toEqual([255, 0, 0, 255]);
  });

  test('follow the mouse on the slider, and each its own slider if they are in the page twice', async () => {
    const page = await openParts(browser, [bundle, bundle]);
    const sliders = page.getByRole('slider');
    const { x, y, width, height } = (await sliders.nth(1).boundingBox())!;
    await page.mouse.click(x + width / 2, y + height / 2);
    expect(await sliders.evaluateAll((all) => all.map((slider) => (slider as HTMLInputElement).value))).toEqual([
      '0',
      '1',
    ]);
  });

  test.each([
    ['dark', { colorScheme: 'dark' as const, viewport: { width: 800, height: 500 } }],
    ['narrow', { viewport: { width: 320, height: 640 } }],
  ])('fit into a page that is %s', async (look, options) => {
    const page = await openParts(browser, [bundle], options);
    await page.screenshot({ path: join(screenshots, `frames-${look}.png`) });
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1]);
  });
});
