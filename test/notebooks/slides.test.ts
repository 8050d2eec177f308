import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type Page } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../helpers/browser';
import { readNotebook, root } from '../helpers/notebook';
import { python } from '../helpers/python';

const MINUTES = 60_000;
const english = join(root, 'notebooks', 'mnist-dense.ipynb');
const korean = join(root, 'notebooks', 'ko', 'mnist-dense.ipynb');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slides-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const editions: [language: string, notebook: string, file: string][] = [
  ['en', english, 'mnist-dense.slides.html'],
  ['ko', korean, 'mnist-dense.ko.slides.html'],
];

describe.each(editions.filter(([, notebook]) => existsSync(notebook)))(
  'npm run slides in %s',
  (language, path, file) => {
    const { cells } = readNotebook(path);
    const codeIds = cells.filter(({ cell_type }) => cell_type === 'code').map(({ id }) => id);

    beforeAll(() => {
      const script = join(root, 'scripts', 'slides.mjs');
      const options = ['--language', language, '--out', folder];
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...options], { encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toBe(`wrote ${join(folder, file)}\n`);
    }, MINUTES);

    describeInBrowser('writes slides', () => {
      let browser: Browser;
      let page: Page;
      const requests: string[] = [];
      const errors: string[] = [];
      beforeAll(async () => {
        browser = await launchBrowser();
        const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
        context.on('request', (request) => requests.push(request.url()));
        context.on('weberror', (error) => errors.push(String(error.error())));
        context.on('console', (message) => errors.push(message.text()));
        page = await context.newPage();
        await page.goto(`file://${join(folder, file)}`);
        await page.waitForFunction('Reveal.isReady()');
      }, MINUTES);
      afterAll(() => browser?.close());

      test('that have every code cell once, in order, and every paragraph at most once', async () => {
        expect(await page.locator('html').getAttribute('lang')).toBe(language);
        expect(
          await page
            .locator('.jp-CodeCell')
            .evaluateAll((found) => found.map((cell) => cell.id.replace('cell-id=', ''))),
        ).toEqual(codeIds);
        const letters = (text: string): string => text.replace(/[^\p{L}]/gu, '');
        const shown = letters((await page.locator('.slides').textContent())!);
        const paragraphs = cells
          .filter(({ cell_type }) => cell_type === 'markdown')
          .flatMap(({ source }) => source.split('\n\n').filter((text) => !/^#|[$\\]/.test(text)))
          .map(letters);
        const count = (text: string): number => shown.split(text).length - 1;
        expect(paragraphs.filter((text) => count(text) > 1)).toEqual([]);
        // The notes on the source are left out: two sentences, each with a list.
        expect(paragraphs.filter((text) => count(text) === 0)).toEqual(paragraphs.slice(-4));
      });

      test(
        'of which none is higher or wider than the screen, with text and code that the last row can read',
        async () => {
          const measure = () =>
            page.evaluate(() => {
              const slide = document.querySelector('section.present section.present .slide')!;
              const outside: string[] = [];
              const pictures: number[] = [];
              let [text, code] = [Infinity, Infinity];
              for (const element of slide.querySelectorAll<HTMLElement>('p, li, h1, h2, h3, math, pre, img')) {
                if (element.closest('.notes')) {
                  continue;
                }
                const { left, top, right, bottom } = element.getBoundingClientRect();
                const isCut =
                  element.scrollHeight > element.clientHeight + 1 || element.scrollWidth > element.clientWidth + 1;
                if (left < 0 || top < 0 || right > 1280 || bottom > 700 || (element.tagName === 'PRE' && isCut)) {
                  outside.push(`${element.tagName} ${element.textContent.slice(0, 60)}`);
                }
                const size = parseFloat(getComputedStyle(element).fontSize);
                if (element instanceof HTMLImageElement) {
                  const scale = Math.min((right - left) / element.naturalWidth, (bottom - top) / element.naturalHeight);
                  pictures.push(element.naturalWidth > 0 ? scale : 0);
                } else if (element.tagName === 'PRE') {
                  code = Math.min(code, size);
                } else {
                  text = Math.min(text, size);
                }
              }
              return { outside, text, code, pictures };
            });
          const slides = await page.evaluate<{ h: number; v: number }[]>(
            'Reveal.getSlides().map((s) => Reveal.getIndices(s))',
          );
          expect(slides.length).toBeGreaterThan(40);
          const numPictures = [];
          for (const [index, { h, v }] of slides.entries()) {
            await page.evaluate(`Reveal.slide(${h}, ${v}, 9)`); // with all its fragments
            const { outside, text, code, pictures } = await measure();
            await page.screenshot({
              path: join(screenshots, `slide-${language}-${String(index + 1).padStart(2, '0')}.png`),
            });
            expect([index + 1, outside]).toEqual([index + 1, []]);
            expect(Math.min(text, code)).toBeGreaterThanOrEqual(20);
            for (const scale of pictures) {
              expect([index + 1, scale]).toEqual([index + 1, expect.closeTo(Math.max(scale, 0.8), 5)]);
            }
            numPictures.push(...pictures);
          }
          expect(numPictures).toHaveLength(
            cells.filter(
              (cell) => cell.cell_type === 'code' && cell.outputs.some(({ data }) => data?.['image/svg+xml']),
            ).length,
          );
        },
        MINUTES,
      );

      test('that show the code first, and what it prints at the next key', async () => {
        const code = page.locator('[id="cell-id=first-digit"]');
        const output = code.locator('.jp-Cell-outputWrapper');
        await page.evaluate(`Reveal.slide(0); {
        const { h, v } = Reveal.getIndices(document.getElementById('cell-id=first-digit').closest('section'));
        Reveal.slide(h, v, -1);
      }`);
        expect([await code.isVisible(), await output.isVisible()]).toEqual([true, false]);
        await page.keyboard.press('Space');
        expect(await output.isVisible()).toBe(true);
      });

      test.each([
        ['light', 'rgb(255, 255, 255)', 'rgb(31, 35, 40)'],
        ['dark', 'rgb(22, 25, 29)', 'rgb(227, 230, 234)'],
      ] as const)('that are %s in a browser set to it', async (colorScheme, paper, text) => {
        await page.emulateMedia({ colorScheme });
        const colours = await page.evaluate(() => {
          const { backgroundColor, color } = getComputedStyle(document.body);
          return [backgroundColor, color];
        });
        expect(colours).toEqual([paper, text]);
        await page.screenshot({ path: join(screenshots, `slide-${language}-${colorScheme}.png`) });
        await page.emulateMedia({ colorScheme: 'light' });
      });

      test('whose notes the speaker reads in a window of its own', async () => {
        await page.evaluate(`{
        const { h, v } = Reveal.getIndices(document.getElementById('cell-id=normalize').closest('section'));
        Reveal.slide(h, v);
      }`);
        const [speaker] = await Promise.all([page.waitForEvent('popup'), page.keyboard.press('s')]);
        const notes = speaker.locator('.speaker-controls-notes .value');
        await notes.getByText('renew').waitFor();
        await speaker.screenshot({ path: join(screenshots, `speaker-${language}.png`) });
        expect(await page.locator('.reveal').getByText('JavaScript').first().isVisible()).toBe(false);
      });

      test('that load nothing from elsewhere', () => {
        const own = `file://${join(folder, file)}`;
        expect(requests.filter((url) => !url.startsWith('data:') && !url.startsWith(own))).toEqual([]);
        expect(errors).toEqual([]);
      });
    });
  },
);

test('npm run slides says which text has too few paragraphs for its places', () => {
  const cell = { cell_type: 'markdown', id: 'short', source: 'One.\n\nTwo.' };
  const metadata = { slideshow: { slide_type: 'slide', next_paragraphs: ['-', 'notes'] } };
  const path = join(folder, 'short.ipynb');
  writeFileSync(path, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [{ ...cell, metadata }] }));
  const args = ['--language=en', `--out=${folder}`, `--notebook=${path}`, `--structure=${path}`];
  const { status, stderr } = spawnSync(python, [join(root, 'scripts', 'make_slides.py'), ...args], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^Cell short has 2 paragraphs, but .* 3 .*\.\n$/)]);
  expect(existsSync(join(folder, 'short.slides.html'))).toBe(false);
});
