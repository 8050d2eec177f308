import { execFileSync } from 'node:child_process';
import seedrandom from 'seedrandom';
import type { Kernel } from '../helpers/kernel';
import type { CodeCell } from '../helpers/notebook';
import { SmallNotebook } from '../helpers/small-notebook';

jest.setTimeout(900_000);

const lecture = new SmallNotebook('mnist-dense');
const lookInside = new SmallNotebook('look-inside');

/** Collects garbage, and prints what JavaScript uses then, in MB. */
const USED = `{
  require('node:v8').setFlagsFromString('--expose-gc');
  require('node:vm').runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  console.log((heapUsed + arrayBuffers) / 1e6);
}`;

function shuffled<T>(elements: T[], seed: string): T[] {
  const random = seedrandom(seed);
  return elements
    .map((element) => [random(), element] as const)
    .sort(([a], [b]) => a - b)
    .map(([, element]) => element);
}

/** The lower one of the two in the middle: of two runs of look-inside, one may have some 20 MB that are freed only later. */
function lowerMedian(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)];
}

/** Runs cells in an order in which they may lack an earlier one: then they say which, or that the model is not compiled. */
async function runInAnyOrder(notebook: SmallNotebook, kernel: Kernel, order: CodeCell[]): Promise<void> {
  for (const cell of order) {
    const run = await kernel.run(notebook.source(cell));
    if (run.status !== 'ok') {
      const said = `${cell.id}: ${run.ename}: ${run.evalue}\n${run.traceback?.join('\n')}`;
      expect(said).toMatch(/has not been run in this kernel or has failed: run it first|\bcompiled?\b/);
    }
  }
}

describe.each([
  ['the lecture', lecture, 20],
  ['look-inside', lookInside, 4],
])('%s, in a kernel where all cells have run', (_title, notebook, numOrders) => {
  const { cells } = notebook;
  let kernel: Kernel;
  let once: number;
  const tensors = async (): Promise<number> =>
    Number((await kernel.run('console.log(tf.memory().numTensors);')).stdout);
  const residentMegabytes = (): number =>
    Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(kernel.pid)])) / 1000);

  beforeAll(async () => {
    kernel = await notebook.startKernel();
    await notebook.runAll(kernel);
    once = await tensors();
  });
  afterAll(() => kernel.stop());

  test('twice each, they leave as many tensors as once', async () => {
    await notebook.runAll(
      kernel,
      cells.flatMap((cell) => [cell, cell]),
    );
    expect(await tensors()).toBe(once);
  });

  test(`in ${numOrders} orders at random, nothing breaks, no tensor is left over, and memory levels off`, async () => {
    const [used, resident]: number[][] = [[], []];
    for (let seed = 1; seed <= numOrders; seed++) {
      await runInAnyOrder(notebook, kernel, shuffled(cells, String(seed)));
      used.push(Number((await kernel.run(USED)).stdout));
      resident.push(residentMegabytes());
    }
    await notebook.runAll(kernel);
    expect(await tensors()).toBe(once);
    console.info(`MB used, and resident, after each run: ${used.map(Math.round).join(' ')}, ${resident.join(' ')}`);
    // JavaScript's memory is 150 to 165 MB in the lecture's runs; a leak of 2 MB per run would add 20.
    const growth = (megabytes: number[]): number =>
      lowerMedian(megabytes.slice(numOrders / 2)) / lowerMedian(megabytes.slice(0, numOrders / 2));
    expect(growth(used)).toBeLessThan(1.1);
    // Freed memory between pieces in use stays with the process: in some orders, 50 MB more than in others.
    expect(growth(resident)).toBeLessThan(1.15);
    expect(Math.max(...resident)).toBeLessThan(1000); // 680 to 830
  });
});

test('the lecture, killed while it trains and started again, runs everything again', async () => {
  const kernel = await lecture.startKernel();
  const fit = lecture.cells.findIndex(({ id }) => id === 'fit');
  await lecture.runAll(kernel, lecture.cells.slice(0, fit));
  const run = kernel.start(lecture.cells[fit].source.replace('epochs: epochs', 'epochs: 1000'));
  await run.until(/^epoch 1 of 1000/m);
  await kernel.kill();
  await expect(run.ended).rejects.toThrow();
  await kernel.restart();
  await lecture.runAll(kernel);
});

test.each([
  ['the lecture', lecture, 4],
  ['look-inside', lookInside, 2],
])(
  '%s, in two fresh kernels at a time, in reverse and at random: cells fail only for want of an earlier one',
  async (_title, notebook, numOrders) => {
    const { cells } = notebook;
    const atRandom = Array.from({ length: numOrders - 1 }, (_, index) => shuffled(cells, `fresh ${index + 1}`));
    const orders = [[...cells].reverse(), ...atRandom];
    const inFreshKernels = async (own: CodeCell[][]): Promise<void> => {
      const kernel = await notebook.startKernel();
      for (const [index, order] of own.entries()) {
        if (index > 0) {
          await kernel.restart();
        }
        await runInAnyOrder(notebook, kernel, order);
        await notebook.runAll(kernel);
      }
      await kernel.stop();
    };
    await Promise.all([orders.slice(0, numOrders / 2), orders.slice(numOrders / 2)].map(inFreshKernels));
  },
);
