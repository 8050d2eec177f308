import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, startKernel } from '../helpers/kernel';
import { LimitedClass, describeIfLimited } from '../helpers/limits';

/** As in a class. */
const LIMIT_MB = 2000;

describeIfLimited('in a control group with a limit of memory', () => {
  const group = new LimitedClass();
  let kernel: Kernel;
  let pid: number;
  beforeAll(async () => {
    kernel = await startKernel({ env: { NODE_OPTIONS: '--max-old-space-size=3000' } });
    group.add('student', LIMIT_MB, kernel.pid);
    ({ pid } = kernel);
    await kernel.run(`import * as tf from '@tensorflow/tfjs-node';
const kept: unknown[] = [];
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const wait = (ms: number) => { for (const start = Date.now(); Date.now() < start + ms; ); };
async function train(onBatchEnd: () => void): Promise<void> {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [4] })] });
  model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
  const [xs, ys] = [tf.ones([64, 4]), tf.ones([64, 1])];
  try {
    await model.fit(xs, ys, { epochs: 1000, batchSize: 4, verbose: 0, callbacks: { onBatchEnd } });
    console.log('after');
  } finally {
    model.dispose();
    tf.dispose([xs, ys]);
  }
}`);
  });
  afterEach(async () => {
    const freed = await kernel.run('kept.length = 0; tf.disposeVariables(); tf.memory().numTensors');
    expect([freed.status, freed.result, kernel.pid, kernel.isAlive()]).toEqual(['ok', '0', pid, true]);
  });
  afterAll(async () => {
    await kernel.stop();
    group.remove();
  });

  // These tests are first, with arrays of more than 8 MB, which go back to Linux: no cell begins when memory is short.
  test.each([
    ['takes little at a time', 'kept.push(new Float32Array(2_500_000).fill(1))'],
    ['computes for long in between', 'kept.push(new Float32Array(6_000_000).fill(1)); wait(40)'],
  ])('training that fills it and %s ends after a batch, with the sentence', async (_what, code) => {
    const run = await kernel.run(`await train(() => { ${code}; });`);
    expect([run.ename, run.stdout]).toEqual(['OutOfMemory', '']);
  });

  test('memory that Linux can drop does not count: a cell reads a file that is larger than the limit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'memory-'));
    const file = join(folder, 'large');
    writeFileSync(file, '');
    const run = await kernel.run(`import { appendFileSync, openSync, readSync } from 'node:fs';
const part = Buffer.alloc(10_000_000, 'a');
for (let i = 0; i < 210; i++) appendFileSync(${JSON.stringify(file)}, part);
const descriptor = openSync(${JSON.stringify(file)}, 'r');
let size = 0;
for (let n = 1; n > 0; size += n) n = readSync(descriptor, part);
size`);
    rmSync(folder, { recursive: true });
    expect([run.status, run.result]).toEqual(['ok', '2100000000']);
  });

  test.each([
    ['objects', 'while (true) kept.push(new Array(100_000).fill(Math.random()));'],
    ['text', "while (true) kept.push(Buffer.alloc(1_000_000, 'a').toString('utf16le'));"],
    ['typed arrays', 'while (true) kept.push(new Float32Array(1_000_000).fill(1));'],
    ['buffers, after awaits', 'while (true) { await sleep(1); kept.push(Buffer.alloc(4_000_000, 1)); }'],
    ['errors that it catches', 'while (true) { try { kept.push(new Array(100_000).fill(0.5)); throw 0; } catch {} }'],
    ['batches of training', 'await train(() => void kept.push(new Float32Array(1_000_000).fill(1)));'],
    ['tensors', 'tf.tidy(() => { while (true) kept.push(tf.randomUniform([1000, 1000])); });'],
  ])(
    'a cell that fills it with %s is stopped with a sentence, also when it is run again, and the kernel lives',
    async (_what, code) => {
      for (let i = 0; i < 2; i++) {
        const run = await kernel.run(code);
        expect([run.status, run.ename]).toEqual(['error', 'OutOfMemory']);
        expect(run.evalue).toMatch(
          /^the cell was stopped, because your notebooks use (1,)?\d+ of the 2,000 MB of memory/,
        );
        const used = Number(/[\d,]+(?= of)/.exec(run.evalue!)![0].replace(',', ''));
        expect(used).toBeGreaterThanOrEqual(0.7 * LIMIT_MB);
        expect(used).toBeLessThanOrEqual(LIMIT_MB);
      }
    },
  );
});

describeIfLimited('in a class with a limit of memory for all students together', () => {
  const CLASS_MB = 1200;
  const limitedClass = new LimitedClass(CLASS_MB);
  let [greedy, modest]: Kernel[] = [];
  beforeAll(async () => {
    [greedy, modest] = await Promise.all([startKernel(), startKernel()]);
    limitedClass.add('greedy', 1000, greedy.pid);
    limitedClass.add('modest', 1000, modest.pid);
    await Promise.all(
      [greedy, modest].map((kernel) =>
        kernel.run(`const kept: unknown[] = []; const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const take = (count: number) => kept.push(Buffer.alloc(count * 1e6, 1));`),
      ),
    );
  });
  afterAll(async () => {
    await Promise.all([greedy, modest].map((kernel) => kernel.stop()));
    limitedClass.remove();
  });

  test('the cell that takes what is left is stopped with a sentence that names the class, and others go on', async () => {
    await modest.run('take(400); undefined');
    const others = modest.start("take(20); console.log('taken'); while (true) await sleep(10);");
    await others.until(/taken/);
    const run = await greedy.run('while (true) { take(5); await sleep(5); }');
    expect([run.status, run.ename]).toEqual(['error', 'OutOfMemory']);
    expect(run.evalue).toMatch(
      /^the cell was stopped, because all students together use (1,)?\d+ of the 1,200 MB of memory of the class server\./,
    );
    const next = await greedy.run("kept.length = 0; console.log('again')");
    expect([next.stdout, greedy.isAlive(), others.status]).toEqual(['again\n', true, undefined]);
    await modest.interrupt();
    expect((await others.ended).ename).toBe('Interrupted');
  });
});
