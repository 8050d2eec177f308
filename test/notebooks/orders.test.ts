import seedrandom from 'seedrandom';
import type { Kernel, Run } from '../helpers/kernel';
import type { CodeCell } from '../helpers/notebook';
import { cells, runAll, source, startSmallKernel } from '../helpers/small-lecture';

jest.setTimeout(900_000);

let kernel: Kernel;
beforeEach(async () => {
  kernel = await startSmallKernel();
});
afterEach(() => kernel.stop());

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
        /comes from the cell with `.+`, which has not been run in this kernel or has failed: run it first|\bcompiled?\b/,
      );
    }
  }
}

test('the cells run twice each, and again, leave as many tensors as once', async () => {
  await runAll(kernel);
  const once = await tensors();
  await runAll(
    kernel,
    cells.flatMap((cell) => [cell, cell]),
  );
  expect(await tensors()).toBe(once);
});

test('in reverse, a cell that lacks an earlier one says which; then they run in order', async () => {
  await runInAnyOrder([...cells].reverse());
  await runAll(kernel);
});

test('in 20 orders at random, in a kernel where all have run, nothing breaks and no tensor is left over', async () => {
  await runAll(kernel);
  const once = await tensors();
  for (let seed = 1; seed <= 20; seed++) {
    await runInAnyOrder(shuffled(cells, seedrandom(String(seed))));
  }
  await runAll(kernel);
  expect(await tensors()).toBe(once);
});

test('in orders at random, in fresh kernels, cells fail only for want of an earlier one', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    await runInAnyOrder(shuffled(cells, seedrandom(`fresh ${seed}`)));
    await runAll(kernel);
    await kernel.restart();
  }
});

test('a kernel killed while it trains runs everything again once it is restarted', async () => {
  const [fit] = cells.filter(({ id }) => id === 'fit');
  await runAll(kernel, cells.slice(0, cells.indexOf(fit)));
  const run = kernel.start(source(fit).replace('epochs: epochs', 'epochs: 1000'));
  await run.until(/^epoch 1 of 1000/m);
  await kernel.kill();
  await expect(run.ended).rejects.toThrow();
  await kernel.restart();
  await runAll(kernel);
});

test('two kernels run the lecture at the same time', async () => {
  const other = await startSmallKernel();
  await Promise.all([runAll(kernel), runAll(other)]);
  await other.stop();
});
