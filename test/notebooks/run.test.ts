import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type Browser, type Page } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../helpers/browser';
import { HOSTILE } from '../helpers/checkout';
import {
  type CodeCell,
  type CodeOutput,
  FIGURES,
  joined,
  readNotebook,
  shownText,
  root,
  streamText,
} from '../helpers/notebook';
import { installStockKernel } from '../helpers/stock-kernel';

const MINUTES = 60_000;

let folder: string;
let stock: Record<string, string> = {};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lecture-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function runLecture(...args: string[]) {
  const script = join(root, 'scripts', 'lecture.mjs');
  const environment = { ...process.env, ...HOSTILE, ...stock };
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: environment });
}

function codeCells(out: string): Map<string, CodeCell> {
  const { cells } = readNotebook(join(out, 'mnist-dense.ipynb'));
  return new Map(cells.flatMap((cell) => (cell.cell_type === 'code' ? [[cell.id, cell]] : [])));
}

describe('the whole lecture, one epoch on a fresh kernel', () => {
  let printed: string;
  let cells: Map<string, CodeCell>;
  beforeAll(() => {
    const { status, stdout, stderr } = runLecture('--epochs', '1', '--out', join(folder, 'own'));
    expect([status, stderr]).toEqual([0, '']);
    printed = stdout;
    cells = codeCells(join(folder, 'own'));
  }, 10 * MINUTES);

  const text = (id: string): string => streamText(cells.get(id)!);
  const number = (id: string, pattern: RegExp): number => Number(pattern.exec(text(id))![1]);

  test('prints a line per cell while it runs, and the test loss and accuracy at the end', () => {
    for (const id of cells.keys()) {
      expect(printed).toMatch(new RegExp(`^\\[ ?\\d+/${cells.size}\\] ${id} +[\\d.]+ s$`, 'm'));
    }
    expect(printed.trimEnd().split('\n').slice(-2).join('\n')).toMatch(
      /^Test loss: 0\.\d{4}\nTest accuracy: 0\.\d{4}$/,
    );
  });

  test('leaves no error and nothing on stderr', () => {
    for (const [id, cell] of cells) {
      expect([id, streamText(cell, 'stderr')]).toEqual([id, '']);
      expect(cell.outputs.map((output) => output.output_type)).not.toContain('error');
    }
  });

  test.each(FIGURES)('shows %s as plotly figure, SVG and words, in one output', (id) => {
    const shown = cells.get(id)!.outputs.filter((output) => output.output_type === 'display_data');
    expect(shown).toHaveLength(1);
    const data = shown[0].data!;
    expect(data['application/vnd.plotly.v1+json']).toMatchObject({ data: expect.any(Array) as unknown });
    expect(joined(data['image/svg+xml'] as string)).toMatch(/^<svg [^]*<\/svg>$/);
    expect(joined(data['text/plain'] as string)).toMatch(/^\S.*\.$/);
  });

  test('shows the diagram of the layers as SVG and words', () => {
    const { data } = cells.get('diagram')!.outputs[0];
    expect(joined(data!['image/svg+xml'] as string)).toContain('[batch, 784]');
    expect(joined(data!['text/plain'] as string)).toContain('[batch, 1000]');
  });

  test('prints the values that are known in advance', () => {
    expect(text('imports')).toContain('seed: 13');
    expect(text('load-data')).toContain('trainImages: uint8 [60000, 28, 28]');
    expect(shownText(cells.get('flatten')!)).toBe('[ [ 60000, 784 ], [ 10000, 784 ] ]');
    // The eight bytes 3, 18, 18, 18, 126, 136, 175, 26 begin the ink of MNIST's first training picture; 18 / 255 = 0.071.
    expect(text('normalize')).toMatch(/before: 3, 18, 18, 18, 126, 136, 175, 26\nafter: +0\.012, 0\.071/);
    expect(text('one-hot')).toBe('5 becomes [0,0,0,0,0,1,0,0,0,0]\n');
    expect(text('summary')).toContain('Total params: 795010');
    expect(text('softmax')).toContain('0.090, 0.245, 0.665');
    expect(text('first-digit')).toBe('The answer is 7\n');
    expect(text('test-labels')).toBe('[7, 2, 1, ..., 4, 5, 6]\n');
  });

  test('learns: after one epoch about 96 of 100 test digits are recognised', () => {
    const accuracy = number('evaluate', /accuracy: ([\d.]+)/);
    expect(accuracy).toBeGreaterThan(0.94);
    expect(accuracy).toBeLessThan(0.98);
    expect(number('evaluate', /loss: ([\d.]+)/)).toBeLessThan(0.2);
    expect(number('wrong', /^(\d+) of 10000/)).toBe(Math.round((1 - accuracy) * 10_000));
    expect(shownText(cells.get('fit')!)).toMatch(/^epoch 1 of 1: loss .*\nTrained for 1 epoch\.$/);
    expect(text('load')).toBe('0 of 10000 answers are different\n');
  });

  describeInBrowser('writes a page', () => {
    let browser: Browser;
    let page: Page;
    const requests: string[] = [];
    beforeAll(async () => {
      browser = await launchBrowser();
      page = await browser.newPage();
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(`file://${join(folder, 'own', 'mnist-dense.html')}`);
    });
    afterAll(() => browser?.close());

    test('that loads nothing and runs no script, not even for formulas', async () => {
      expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([page.url()]);
      expect(await page.locator('script').count()).toBe(0);
      expect(await page.locator('math[display=block]').first().textContent()).toMatch(/^softmax/);
      const text = await page.locator('main').innerText();
      expect(text).toContain('The answer is 7');
      expect(text).not.toMatch(/\bIn \[|\$\$/);
    });

    test('whose pictures are described by the words of their outputs', async () => {
      const pictures = [...cells.values()]
        .flatMap(({ outputs }) => outputs)
        .filter(({ data }) => data?.['image/svg+xml']);
      const words = pictures.map(({ data }) => joined(data!['text/plain'] as string));
      expect(words.length).toBeGreaterThan(7);
      expect(
        await page.locator('img').evaluateAll((images) => images.map((image) => image.getAttribute('alt'))),
      ).toEqual(words);
    });

    test('that colours names in an object as names, and keywords as keywords', async () => {
      const colours = (token: string) =>
        page
          .locator('[id="cell-id=fit"] .highlight span', { hasText: new RegExp(`^${token}$`) })
          .evaluateAll((spans) => spans.map((span) => getComputedStyle(span).color));
      const [key, value] = await colours('epochs');
      expect(value).toBe(key);
      expect(await colours('await')).not.toEqual([key]);
    });

    test('whose lines of prose have about 80 characters', async () => {
      await page.setViewportSize({ width: 1280, height: 720 });
      const lengths = await page.locator('p').evaluateAll((paragraphs) =>
        paragraphs.flatMap((paragraph) => {
          const lines: string[] = [];
          let bottom = 0;
          const texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
          for (let text = texts.nextNode(); text; text = texts.nextNode()) {
            for (let i = 0; i < text.textContent!.length; i++) {
              const range = new Range();
              range.setStart(text, i);
              range.setEnd(text, i + 1);
              const box = range.getBoundingClientRect();
              if (box.top > bottom) {
                lines.push('');
                bottom = box.bottom;
              }
              lines[lines.length - 1] += text.textContent![i];
            }
          }
          return lines.map((line) => line.length);
        }),
      );
      expect(lengths.length).toBeGreaterThan(100);
      expect(Math.max(...lengths)).toBeLessThan(100);
      expect(lengths.filter((length) => length > 85).length / lengths.length).toBeLessThan(0.1);
    });

    /** The pictures, code and output that are wider than their place. */
    const cutOff = (selector: string) =>
      page
        .locator(`html, ${selector}`)
        .evaluateAll((elements) =>
          elements
            .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth)
            .map((e) => `${e.tagName} ${e.textContent.slice(0, 100)}`),
        );
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

    test.each([
      [1280, 720, 'light', 'rgb(255, 255, 255)'],
      [1280, 720, 'dark', 'rgb(22, 25, 29)'],
      [400, 800, 'light', 'rgb(255, 255, 255)'],
    ] as const)('that fits into %d × %d in a browser set to %s, on %s', async (width, height, colorScheme, colour) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(screenshots, `page-${width}-${colorScheme}.png`), fullPage: true });
      expect(await cutOff('img, .jp-InputArea pre')).toEqual([]);
      expect(await paper()).toBe(colour);
    });

    test('that prints on white, with wrapped code and output, and with whole figures', async () => {
      const [width, height] = [670, 980]; // A4 without the page's margins, at 96 dpi
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await paper()).toBe('rgb(255, 255, 255)');
      expect(await cutOff('img, pre')).toEqual([]);
      for (const figure of await page.locator('.jp-OutputArea-child:has(img)').all()) {
        expect((await figure.boundingBox())!.height).toBeLessThan(height);
        expect(await figure.evaluate((output) => getComputedStyle(output).breakInside)).toBe('avoid');
      }
      await page.pdf({ path: join(screenshots, 'page.pdf'), format: 'A4' });
    });
  });

  test(
    'has the same outputs, to the last digit, with the kernel of `tslab install`',
    () => {
      stock = installStockKernel(join(folder, 'stock'));
      const out = join(folder, 'stock-run');
      const { status, stderr } = runLecture('--epochs', '1', '--kernel', 'stock-tslab', '--out', out);
      expect([status, stderr]).toEqual([0, '']);
      // tslab prints the version of its own TypeScript, and prints the value of a cell.
      const printed = ({ output_type, name = 'stdout', text, data }: CodeOutput): object => {
        if (output_type === 'display_data') {
          return { data };
        }
        return { name, text: joined(text ?? `${joined(data!['text/plain'] as string)}\n`) };
      };
      const shown = ({ outputs }: CodeCell): string =>
        JSON.stringify(outputs.map(printed)).replace(/typescript: '[\d.]+'/, 'typescript: …');
      for (const [id, cell] of codeCells(out)) {
        expect([id, shown(cell)]).toEqual([id, shown(cells.get(id)!)]);
      }
    },
    10 * MINUTES,
  );
});

describe('npm run lecture', () => {
  test(
    'names the cell that fails and the reason, without a stack, and writes what came before',
    () => {
      process.env.MNIST_DIR = relative(process.cwd(), folder);
      const { status, stderr } = runLecture('--out', join(folder, 'failed'));
      delete process.env.MNIST_DIR;
      expect(status).toBe(1);
      expect(stderr).toMatch(/^Cell load-data failed:\n\n[^]*train-images-idx3-ubyte is missing: MNIST_DIR names/);
      expect(stderr).not.toMatch(/^ +at /m);
      const cells = codeCells(join(folder, 'failed'));
      expect(streamText(cells.get('imports')!)).toContain('seed: 13');
      expect(cells.get('load-data')!.outputs).toMatchObject([{ output_type: 'error', ename: 'DataError' }]);
      expect(cells.get('evaluate')!.outputs).toEqual([]); // not those of the committed notebook
      expect(readFileSync(join(folder, 'failed', 'mnist-dense.html'), 'utf8')).toContain('MNIST_DIR names');
    },
    2 * MINUTES,
  );
});
