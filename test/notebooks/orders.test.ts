import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { type Kernel, type Run, startKernel } from '../helpers/kernel';
import { type CodeCell, readNotebook } from '../helpers/notebook';
import { writeSmallData } from '../helpers/small-data';

jest.setTimeout(900_000);

// The lecture's own cells, with fewer digits and one short epoch.
const cells = readNotebook().cells.filter((cell): cell is CodeCell => cell.cell_type === 'code');
const source = ({ id, source: text }: CodeCell): string =>
  id === 'parameters' ? text.replace(/epochs = \d+/, 'epochs = 1') : text;

let folder: string;
let kernel: Kernel;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-'));
  writeSmallData(folder, 2000, 1000);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  kernel = await startKernel({ env: { MNIST_DIR: folder } });
});
afterEach(() => kernel.stop());

async function runAll(order: CodeCell[] = cells, on = kernel): Promise<void> {
  for (const cell of order) {
    const { status, traceback, stderr } = await on.run(source(cell));
    expect([cell.id, status, traceback?.join('\n'), stderr]).toEqual([cell.id, 'ok', undefined, '']);
  }
}

async function tensors(): Promise<number> {
  return Number((await kernel.run('console.log(tf.memory().numTensors);')).stdout);
}

function shuffled<T>(elements: T[], random: () => number): T[] {
  return elements
    .map((element) => [random(), element] as const)
    .sort(([a], [b]) => a - b)
    .map(([, element]) => element);
}

/** Runs cells in an order in which they may lack an earlier one: then they say which, or that the model is not compiled. */
async function runInAnyOrder(order: CodeCell[]): Promise<void> {
  for (const cell of order) {
    const run: Run = await kernel.run(source(cell));
    if (run.status !== 'ok') {
      const said = `${cell.id}: ${run.ename}: ${run.evalue}\n${run.traceback?.join('\n')}`;
      expect(said).toMatch(
        /comes from the cell `[a-z-]+`, which has not been run in this kernel or has failed: run it first|\bcompiled?\b/,
      );
    }
  }
}

test('the cells run twice each, and again, leave as many tensors as once', async () => {
  await runAll();
  const once = await tensors();
  await runAll(cells.flatMap((cell) => [cell, cell]));
  expect(await tensors()).toBe(once);
});

test('in reverse, a cell that lacks an earlier one says which; then they run in order', async () => {
  await runInAnyOrder([...cells].reverse());
  await runAll();
});

test('in 20 orders at random, in a kernel where all have run, nothing breaks and no tensor is left over', async () => {
  await runAll();
  const once = await tensors();
  for (let seed = 1; seed <= 20; seed++) {
    await runInAnyOrder(shuffled(cells, seedrandom(String(seed))));
  }
  await runAll();
  expect(await tensors()).toBe(once);
});

test('in orders at random, in fresh kernels, cells fail only for want of an earlier one', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    await runInAnyOrder(shuffled(cells, seedrandom(`fresh ${seed}`)));
    await runAll();
    await kernel.restart();
  }
});

test('a kernel killed while it trains runs everything again once it is restarted', async () => {
  const [fit] = cells.filter(({ id }) => id === 'fit');
  await runAll(cells.slice(0, cells.indexOf(fit)));
  const run = kernel.start(source(fit).replace('epochs: epochs', 'epochs: 1000'));
  await run.until(/^epoch 1 of 1000/m);
  await kernel.kill();
  await expect(run.ended).rejects.toThrow();
  await kernel.restart();
  await runAll();
});

test('two kernels run the lecture at the same time', async () => {
  const other = await startKernel({ env: { MNIST_DIR: folder } });
  await Promise.all([runAll(), runAll(cells, other)]);
  await other.stop();
});

test('memory levels off over 50 runs of the whole notebook in one kernel', async () => {
  const megabytes: number[] = [];
  for (let round = 0; round < 50; round++) {
    await runAll();
    const status = readFileSync(`/proc/${kernel.pid}/status`, 'utf8');
    megabytes.push(Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1000));
  }
  const highest = (from: number, to: number): number => Math.max(...megabytes.slice(from, to));
  console.info(`resident memory after each run, in MB: ${megabytes.join(' ')}`);
  // After the first half it grows no more: a leak of one tensor of pixels a run alone would add 150 MB.
  expect(highest(25, 50)).toBeLessThan(highest(0, 25) * 1.1);
});
