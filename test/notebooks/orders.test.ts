import { execFileSync } from 'node:child_process';
import seedrandom from 'seedrandom';
import type { Kernel } from '../helpers/kernel';
import type { CodeCell } from '../helpers/notebook';
import { cells, runAll, source, startSmallKernel } from '../helpers/small-lecture';

jest.setTimeout(900_000);

function shuffled<T>(elements: T[], seed: string): T[] {
  const random = seedrandom(seed);
  return elements
    .map((element) => [random(), element] as const)
    .sort(([a], [b]) => a - b)
    .map(([, element]) => element);
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Runs cells in an order in which they may lack an earlier one: then they say which, or that the model is not compiled. */
async function runInAnyOrder(kernel: Kernel, order: CodeCell[]): Promise<void> {
  for (const cell of order) {
    const run = await kernel.run(source(cell));
    if (run.status !== 'ok') {
      const said = `${cell.id}: ${run.ename}: ${run.evalue}\n${run.traceback?.join('\n')}`;
      expect(said).toMatch(
        /comes from the cell with `.+`, which has not been run in this kernel or has failed: run it first|\bcompiled?\b/,
      );
    }
  }
}

describe('in a kernel where all cells have run', () => {
  let kernel: Kernel;
  let once: number;
  const tensors = async (): Promise<number> =>
    Number((await kernel.run('console.log(tf.memory().numTensors);')).stdout);
  const residentMegabytes = (): number =>
    Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(kernel.pid)])) / 1000);

  beforeAll(async () => {
    kernel = await startSmallKernel();
    await runAll(kernel);
    once = await tensors();
  });
  afterAll(() => kernel.stop());

  test('twice each, they leave as many tensors as once', async () => {
    await runAll(
      kernel,
      cells.flatMap((cell) => [cell, cell]),
    );
    expect(await tensors()).toBe(once);
  });

  test('in 20 orders at random, nothing breaks, no tensor is left over, and memory levels off', async () => {
    const megabytes: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      await runInAnyOrder(kernel, shuffled(cells, String(seed)));
      megabytes.push(residentMegabytes());
    }
    await runAll(kernel);
    expect(await tensors()).toBe(once);
    console.info(`resident memory after each run, in MB: ${megabytes.join(' ')}`);
    expect(Math.max(...megabytes)).toBeLessThan(850); // 690 to 760
    // The medians differ by 2 percent at most. A leak of one tensor of pixels per run would make them differ by 9.
    expect(median(megabytes.slice(10))).toBeLessThan(median(megabytes.slice(0, 10)) * 1.05);
  });

  test('killed while it trains and started again, it runs everything again', async () => {
    const fit = cells.find(({ id }) => id === 'fit')!;
    const run = kernel.start(source(fit).replace('epochs: epochs', 'epochs: 1000'));
    await run.until(/^epoch 1 of 1000/m);
    await kernel.kill();
    await expect(run.ended).rejects.toThrow();
    await kernel.restart();
    await runAll(kernel);
  });
});

test('in two fresh kernels at a time, in reverse and at random, cells fail only for want of an earlier one', async () => {
  const orders = [[...cells].reverse(), ...[1, 2, 3].map((seed) => shuffled(cells, `fresh ${seed}`))];
  const inFreshKernels = async (own: CodeCell[][]): Promise<void> => {
    const kernel = await startSmallKernel();
    for (const [index, order] of own.entries()) {
      if (index > 0) {
        await kernel.restart();
      }
      await runInAnyOrder(kernel, order);
      await runAll(kernel);
    }
    await kernel.stop();
  };
  await Promise.all([inFreshKernels(orders.slice(0, 2)), inFreshKernels(orders.slice(2))]);
});
