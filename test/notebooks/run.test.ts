import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { HOSTILE } from '../helpers/checkout';
import { type CodeCell, joined, readNotebook, shownText, root, streamText } from '../helpers/notebook';
import { installStockKernel } from '../helpers/stock-kernel';

const MINUTES = 60_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lecture-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function runLecture(...args: string[]) {
  const script = join(root, 'scripts', 'lecture.mjs');
  const environment = { ...process.env, ...HOSTILE, JUPYTER_PATH: join(folder, 'stock', 'share', 'jupyter') };
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
      expect(printed).toMatch(new RegExp(`^\\[ ?\\d+/25\\] ${id} +[\\d.]+ s$`, 'm'));
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

  test.each(['sample-grid', 'softmax', 'activations', 'history', 'first-digit', 'wrong-grid'])(
    'shows %s as plotly figure, SVG and words, in one output',
    (id) => {
      const shown = cells.get(id)!.outputs.filter((output) => output.output_type === 'display_data');
      expect(shown).toHaveLength(1);
      const data = shown[0].data!;
      expect(data['application/vnd.plotly.v1+json']).toMatchObject({ data: expect.any(Array) as unknown });
      expect(joined(data['image/svg+xml'] as string)).toMatch(/^<svg [^]*<\/svg>$/);
      expect(joined(data['text/plain'] as string)).toMatch(/^\S.*\.$/);
    },
  );

  test('shows the diagram of the layers as SVG and words', () => {
    const { data } = cells.get('diagram')!.outputs[0];
    expect(joined(data!['image/svg+xml'] as string)).toContain('[batch, 784]');
    expect(joined(data!['text/plain'] as string)).toContain('[batch, 1000]');
  });

  test('prints the values that are known in advance', () => {
    expect(text('imports')).toContain('seed: 13');
    expect(text('load-data')).toContain('trainImages: uint8 [60000, 28, 28]');
    expect(text('flatten')).toBe('trainPixels: float32 [60000, 784]\ntestPixels: float32 [10000, 784]\n');
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
    expect(text('load')).toBe('same answer for 100 % of the test digits\n');
  });

  test('writes a page that loads nothing from other hosts', () => {
    const page = readFileSync(join(folder, 'own', 'mnist-dense.html'), 'utf8');
    expect(page).toContain('The answer is 7');
    expect(page).not.toMatch(/<script\b[^>]*\bsrc=|<link\b[^>]*\bhref="http|@import|<img\b[^>]*\bsrc="http/);
  });

  test(
    'has the same outputs, to the last digit, with the kernel of `tslab install`',
    () => {
      installStockKernel(join(folder, 'stock'));
      const out = join(folder, 'stock-run');
      const { status, stderr } = runLecture('--epochs', '1', '--kernel', 'stock-tslab', '--out', out);
      expect([status, stderr]).toEqual([0, '']);
      // tslab prints the version of its own TypeScript.
      const shown = ({ outputs }: CodeCell): string =>
        JSON.stringify(outputs).replace(/typescript: '[\d.]+'/, 'typescript: …');
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
