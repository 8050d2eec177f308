// Korean letters in Chromium: in the page of the Korean edition, and in figures whose texts are Korean.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digitGrid } from 'mnist-lib';
import { renderSvg } from 'mnist-lib/dist/display/svg';
import { card } from 'mnist-lib/dist/figures/style';
import { textExtent } from 'mnist-lib/dist/display/text-metrics';
import { JSDOM } from 'jsdom';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../helpers/browser';
import { EDITIONS } from '../helpers/notebook';
import { python } from '../helpers/python';

const HANGUL = /\p{Script=Hangul}/gu;

/** The families of fonts with Korean letters, by fontconfig. */
const koreanFonts = (spawnSync('fc-list', [':lang=ko', 'family'], { encoding: 'utf8' }).stdout ?? '')
  .split(/[\n,]/)
  .filter(Boolean);

const describeWithKoreanFont = koreanFonts.length
  ? describeInBrowser
  : (title: string, tests: () => void) =>
      describe.skip(`${title} (skipped: no font with Korean letters, on Debian \`apt install fonts-noto-cjk\`)`, tests);

/** A student's own figure, with a legend, whose width plotly measures. */
const chart = (): string =>
  renderSvg(
    [
      { x: [1, 2, 3], y: [3, 2, 1], name: '훈련 데이터의 손실', mode: 'lines' },
      { x: [1, 2, 3], y: [3, 2, 2], name: '검증 데이터의 손실', mode: 'lines' },
    ],
    card(720, 360, '', { title: { text: '손실은 <b>얼마나</b> 줄었을까요?' }, xaxis: { title: { text: '에포크' } } }),
  );

/** A figure of the lecture. */
function grid(): string {
  const images = { dtype: 'uint8' as const, shape: [2, 28, 28], data: new Uint8Array(2 * 28 * 28) };
  const { data, layout } = digitGrid(images, [0, 1], ['정답 7', '1은 오답']);
  return renderSvg(data, layout);
}

describeWithKoreanFont('in Chromium, Korean letters are drawn', () => {
  let browser: Browser;
  let page: Page;
  let devtools: CDPSession;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'korean-'));
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    devtools = await page.context().newCDPSession(page);
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  /** The elements with Korean letters that are drawn, at least in part, by a font that has none. */
  async function unreadable(selector: string): Promise<string[]> {
    await devtools.send('DOM.enable');
    await devtools.send('CSS.enable');
    const { root: document } = await devtools.send('DOM.getDocument', { depth: 0 });
    const { nodeIds } = await devtools.send('DOM.querySelectorAll', { nodeId: document.nodeId, selector });
    const texts = await page.locator(selector).evaluateAll((elements) => elements.map((e) => e.textContent));
    const found: string[] = [];
    let letters = 0;
    for (const [index, text] of texts.entries()) {
      const { fonts } = await devtools.send('CSS.getPlatformFontsForNode', { nodeId: nodeIds[index] });
      const korean = fonts.filter(({ familyName }) => koreanFonts.includes(familyName));
      const drawn = korean.reduce((sum, { glyphCount }) => sum + glyphCount, 0);
      const needed = text.match(HANGUL)?.length ?? 0;
      letters += needed;
      if (drawn < needed) {
        found.push(`${text}: ${JSON.stringify(fonts)}`);
      }
    }
    expect(letters).toBeGreaterThan(0);
    return found;
  }

  test('in figures, as wide as the layout of a figure takes them to be', async () => {
    const svgs = [chart(), grid()];
    await page.setContent(svgs.join('<hr>'));
    await page.screenshot({ path: join(screenshots, 'korean-figures.png'), fullPage: true });
    expect(await unreadable('svg text')).toEqual([]);

    const boxes = await page
      .locator('svg text')
      .evaluateAll((texts) =>
        texts.map((text) => ({ markup: text.outerHTML, width: (text as SVGTextElement).getBBox().width })),
      );
    for (const { markup, width } of boxes.filter((box) => box.markup.match(HANGUL))) {
      const { document } = new JSDOM(`<svg xmlns="http://www.w3.org/2000/svg">${markup}</svg>`).window;
      const measured = textExtent(document.querySelector('text')!).width;
      expect([markup, Math.abs(measured / width - 1) < 0.06]).toEqual([markup, true]);
    }
  });

  test('in the page of the Korean edition, whose language is Korean and whose marks are all read', async () => {
    const args = ['-m', 'nbconvert', '--to', 'html', '--output-dir', folder, EDITIONS.ko];
    const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, expect.stringContaining('Writing')]);
    await page.goto(`file://${join(folder, 'mnist-dense.html')}`);
    await page.screenshot({ path: join(screenshots, 'korean-page.png'), fullPage: true });
    expect(await page.locator('html').getAttribute('lang')).toBe('ko');
    expect(await page.locator('.jp-RenderedMarkdown').allInnerTexts()).not.toContainEqual(
      expect.stringMatching(/\*\*|\$/),
    );
    expect(await unreadable(':is(h1, h2, h3, p, li, pre)')).toEqual([]);
  });
});
