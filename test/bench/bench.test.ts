import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../helpers/notebook';
import { testOnLinux } from '../helpers/on-linux';
import { testWithPython311 } from '../helpers/python';
import { writeSmallData } from '../helpers/small-data';

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const out = join(folder, 'results.md');
afterAll(() => rmSync(folder, { recursive: true }));

// Each command must replace its own section of this file and keep the others.
writeFileSync(out, '# Measurements\n\n## Profile\n\nold\n\n## Memory\n\nold\n');

/** Runs the benchmark, as if this computer had two cores: the parts of a layer depend on that. @returns what it printed. */
function bench(...options: string[]): string {
  const args = [join(root, 'bench', 'bench.mjs'), '--out', out, ...options];
  const env = { ...process.env, TF_NUM_INTEROP_THREADS: '2' };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  return stdout;
}

/** The numbers in a row of the results, without those in parentheses; NaN for a cell without a number. */
function row(name: string): number[] {
  const [line] = new RegExp(`^\\| ${name} \\|.*$`, 'm').exec(readFileSync(out, 'utf8'))!;
  return line
    .split('|')
    .slice(2, -1)
    .map((cell) => parseFloat(cell));
}

testOnLinux(
  'the memory of kernels grows by what a cell allocates',
  () => {
    const sources = {
      parameters: 'const epochs = 10;',
      allocate: 'const bytes = Buffer.alloc(200e6, 1);',
      end: '1 + 1',
    };
    const cells = Object.entries(sources).map(([id, source]) => ({
      ...{ id, source, cell_type: 'code', execution_count: null, outputs: [] },
      metadata: id === 'parameters' ? { tags: ['parameters'] } : {},
    }));
    const notebook = join(folder, 'small.ipynb');
    writeFileSync(notebook, JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }));
    bench('--memory', '--notebook', notebook);
    const [idle, allocated] = [row('idle'), row('allocate')];
    for (const kind of [0, 1]) {
      expect(allocated[kind] - idle[kind]).toBeGreaterThan(180);
      expect(allocated[kind] - idle[kind]).toBeLessThan(260);
    }
    const [resident, own] = row('end, the last cell');
    expect(own).toBeLessThan(resident); // Node's program is shared
    expect(row('peak of one kernel alone')[0]).toBeGreaterThan(own);
  },
  120_000,
);

testOnLinux(
  'the kernels are measured in turn, with the same cells',
  () => {
    bench('--kernel', '--rounds', '1'); // fails if a printed line is lost
    for (const name of ['start, until it replies', 'memory when idle', 'a constant and a function']) {
      expect([name, ...row(name)]).toEqual([name, ...Array<unknown>(3).fill(expect.any(Number))]);
      expect(Math.min(...row(name))).toBeGreaterThan(0);
    }
    const [own, stock, python] = row('40,000 lines in a loop');
    expect([own > 0, stock, python > 0]).toEqual([true, NaN, true]);
  },
  120_000,
);

test('the ablation trains four networks from each seed, and keeps the best epoch of each', () => {
  const file = join(folder, 'better.md');
  writeSmallData(folder, 1200, 200);
  process.env.MNIST_DIR = folder;
  const printed = bench('--better', '--seeds', '2', '--epochs', '3', '--out', file);
  delete process.env.MNIST_DIR;
  const rows = readFileSync(file, 'utf8').match(/^\| (plain|with).*$/gm)!;
  expect(rows).toHaveLength(4);
  for (const [name, epochs, heldOut, test, wrong, , ratio] of rows.map((line) => line.split(' | '))) {
    const reached = [1, 2].map((seed) => {
      const lines = [...printed.matchAll(new RegExp(`^seed ${seed}, ${name.slice(2)}, epoch \\d: ([\\d.]+) `, 'gm'))];
      return lines.map(([, accuracy]) => Number(accuracy));
    });
    expect(reached.map(({ length }) => length)).toEqual([3, 3]);
    const best = reached.map((accuracies) => Math.max(...accuracies));
    expect(epochs).toBe(reached.map((accuracies, seed) => accuracies.indexOf(best[seed]) + 1).join(', '));
    expect(Number(heldOut)).toBeCloseTo((best[0] + best[1]) / 2, 3);
    const [mean, first, second] = test.match(/[\d.]+/g)!.map(Number);
    expect(mean).toBeCloseTo((first + second) / 2, 3);
    expect(Number(wrong) / 10_000).toBeCloseTo(1 - mean, 3);
    expect(parseFloat(ratio)).toBeGreaterThan(0);
  }
}, 120_000);

const testWithKeras = testWithPython311('Keras');

testWithKeras(
  'the rows of the profile add up to an epoch, and it counts the operations of the graph',
  () => {
    bench('--profile', '--epochs', '2');
    const section = /^## Profile\n[^#]*/m.exec(readFileSync(out, 'utf8'))![0];
    const rows = [...section.matchAll(/^\| (\w+) \| (\d*) \| ([\d.]+) \| ([\d.]+) %/gm)];
    const sum = (column: number): number => rows.reduce((total, cells) => total + Number(cells[column]), 0);
    const [, total] = row('an epoch');
    expect(Math.abs(sum(3) - total)).toBeLessThan(0.05 * (rows.length + 1)); // each is rounded
    expect(Math.abs(sum(4) - 100)).toBeLessThan(0.05 * (rows.length + 1));
    const [runs] = row('runSavedModel'); // of 50 batches of validation and 300 of training, up to 4 at a time
    expect(runs).toBeGreaterThanOrEqual(50 + 300 / 4);
    expect(runs).toBeLessThanOrEqual(50 + 300 + 1);
    // Of two kernels and two biases, all but the last bias in four parts.
    expect(row('ResourceApplyAdam')[0]).toBe((4 + 4 + 4 + 1) * 300);
    expect(row('BiasAddGrad')[0]).toBe((4 + 1) * 300);
  },
  900_000,
);

testWithKeras(
  'the benchmark trains all sides on the same data, in turn, and writes its table',
  () => {
    const printed = bench('--rounds', '1', '--epochs', '2', '--lectures', '0');
    const sides = [...printed.matchAll(/^training 1 of 1, (.*): [\d.]+, [\d.]+ s$/gm)].map(([, side]) => side);
    expect(sides).toEqual(['ours', 'Keras on JAX', 'JAX by hand', 'Keras on TensorFlow']);
    // After two epochs all reach about 97 of 100: they learn the same thing.
    for (const accuracy of row('test accuracy').slice(0, sides.length)) {
      expect(accuracy).toBeGreaterThan(0.96);
      expect(accuracy).toBeLessThan(0.985);
    }
    const [ours, onJax, , onTensorFlow, ...ratios] = row('epoch with validation, s');
    const [floor] = row('the floor: its matrix products alone, s');
    expect(floor).toBeGreaterThan(0);
    expect(ratios[0]).toBeCloseTo(ours / onJax, 1);
    expect(ratios[1]).toBeCloseTo(ours / onTensorFlow, 1);
    for (const megabytes of row('peak memory of training, MB').slice(0, sides.length)) {
      expect(megabytes).toBeGreaterThan(188 + 31); // the pixels as float32 at least
    }
  },
  900_000,
);

test('a command replaces its own section and keeps the others', () => {
  const text = readFileSync(out, 'utf8');
  const others = ['## Speed', '## Kernel']; // the tests that need Python 3.11, and Linux, made them
  expect(text.match(/^#.*$/gm)!.filter((title) => !others.includes(title))).toEqual([
    ...['# Measurements', '## Profile', '## Memory'],
  ]);
  expect(text).not.toContain('old');
  expect(text).not.toContain(root);
});
