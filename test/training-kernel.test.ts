import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, type KernelOptions, startKernel } from './helpers/kernel';
import { joined } from './helpers/notebook';
import { installKernelFor, otherNodes } from './helpers/other-nodes';
import { installStockKernel } from './helpers/stock-kernel';

jest.setTimeout(180_000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'training-kernel-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

// Numbers at random with classes that can be learned from them: which of the first three is largest.
const PREPARE = `
import * as tf from '@tensorflow/tfjs-node';
import * as mnist from 'mnist-lib';
mnist.setSeed(13);
const x = tf.randomUniform([3000, 200], 0, 1, 'float32', 13) as tf.Tensor2D;
const y = tf.tidy(() => tf.oneHot(x.slice([0, 0], [-1, 3]).argMax(1), 3).toFloat());
const layers = [tf.layers.dense({ inputShape: [200], units: 100, activation: 'relu' }), tf.layers.dense({ units: 3, activation: 'softmax' })];
const model = tf.sequential({ layers });
model.compile({ loss: 'categoricalCrossentropy', optimizer: 'adam', metrics: ['accuracy'] });
`;
const fit = (options: string) => `mnist.setSeed(13);\nconst history = await mnist.fit(model, x, y, { batchSize: 20, ${options} });`;

async function prepared(options: KernelOptions): Promise<Kernel> {
  const kernel = await startKernel(options);
  const { status, stderr } = await kernel.run(PREPARE);
  expect([status, stderr]).toEqual(['ok', '']);
  return kernel;
}

async function value(kernel: Kernel, expression: string): Promise<unknown> {
  const { stdout, stderr } = await kernel.run(`console.log(JSON.stringify(${expression}));`);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const kernels: [string, () => KernelOptions][] = [
  ['the kernel of the project', () => ({})],
  ['the kernel of the project, without fused operations', () => ({ env: { FUSED_TRAINING: '0' } })],
  ['the kernel that tslab installs', () => ({ name: 'stock-tslab', env: installStockKernel(join(folder, 'stock')) })],
  ...otherNodes.map((node): [string, () => KernelOptions] => [node, () => ({ name: node, env: installKernelFor(node, folder) })]),
];

describe.each(kernels)('Kernel > Interrupt while fit runs, in %s', (_name, options) => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await prepared(options());
  });
  afterAll(() => kernel.stop());

  test('ends the cell normally after the batch at work, with all that was learned; the cell run again goes on', async () => {
    const run = kernel.start(fit('epochs: 1000, validationSplit: 0.1'));
    await run.until(/^epoch 2 of 1000/m);
    await kernel.interrupt();
    await run.ended;
    expect([run.status, run.stderr]).toEqual(['ok', '']);
    expect(run.text).toMatch(/\nStopped by an interrupt in epoch \d+, after batch \d+ of 135\.$/);
    const history = (await value(kernel, 'history.history')) as Record<string, number[]>;
    const epochs = run.text.split('\n').length - 1;
    expect(Object.entries(history).map(([name, values]) => [name, values.length]).sort()).toEqual(
      ['acc', 'loss', 'val_acc', 'val_loss'].map((name) => [name, epochs]),
    );
    expect(await value(kernel, 'history.stopped')).toBe(run.text.split('\n').at(-1));
    expect(await value(kernel, '(model.predict(x) as tf.Tensor).shape')).toEqual([3000, 3]);

    const again = await kernel.run(fit('epochs: 1, validationSplit: 0.1'));
    expect([again.status, again.text.split('\n').at(-1)]).toEqual(['ok', 'Trained for 1 epoch.']);
    expect(((await value(kernel, 'history.history.loss')) as number[])[0]).toBeLessThan(history.loss[0]);

    // No training goes on in the background.
    const steps = await value(kernel, 'model.optimizer.iterations');
    await kernel.run('await new Promise((resolve) => setTimeout(resolve, 300));');
    expect(await value(kernel, 'model.optimizer.iterations')).toBe(steps);
  });

  test('more than once does no harm', async () => {
    const { pid } = kernel;
    const run = kernel.start(fit('epochs: 1000'));
    await run.until(/^epoch 1 of 1000/m);
    for (let time = 0; time < 4; time++) {
      await kernel.interrupt();
    }
    await run.ended;
    await kernel.interrupt(); // ... nor when nothing runs
    expect([run.status, run.stderr]).toEqual(['ok', '']);
    expect(run.text).toMatch(/Stopped by an interrupt/);
    expect([await value(kernel, '6 * 7'), kernel.pid, kernel.isAlive()]).toEqual([42, pid, true]);
  });

  test('ends training in its first batch, too', async () => {
    const slowly = `callbacks: { onBatchBegin: (batch) => { console.log('batch', batch); const end = Date.now() + 1000; while (Date.now() < end) {} } }`;
    const run = kernel.start(fit(`epochs: 2, verbose: 0, ${slowly}`));
    await run.until(/batch 0/);
    await kernel.interrupt();
    await run.ended;
    expect([run.status, run.stdout, run.stderr]).toEqual(['ok', 'batch 0\n', '']);
    expect(await value(kernel, 'history.stopped')).toBe('Stopped by an interrupt in epoch 1, after batch 1 of 150.');
    expect(await value(kernel, 'history.history.loss.length')).toBe(1);
  });

  test('ends training during validation, too, once that is done', async () => {
    const large = `mnist.renew('large', tf.tile(x, [20, 1])) as tf.Tensor2D, mnist.renew('largeY', tf.tile(y, [20, 1]))`;
    const last = `callbacks: { onBatchBegin: (batch) => { if (batch === 149) { console.log('last batch'); } } }`;
    const run = kernel.start(fit(`epochs: 50, verbose: 0, validationData: [${large}], ${last}`));
    await run.until(/last batch/);
    await kernel.interrupt();
    await run.ended;
    expect([run.status, run.stdout, run.stderr]).toEqual(['ok', 'last batch\n', '']);
    expect(await value(kernel, 'history.stopped')).toMatch(
      /^Stopped by an interrupt (in epoch 1, after batch 150 of 150|after epoch 1)\.$/,
    );
    expect(await value(kernel, 'history.history.val_loss.length')).toBe(1);
  });
});

describe('fit in a notebook', () => {
  test('shows one output, which is updated in place and stays with curves and a line an epoch', async () => {
    const kernel = await prepared({});
    const run = await kernel.run(fit('epochs: 3, validationSplit: 0.1'));
    expect(run.outputs).toHaveLength(1);
    const sent = run.messages.filter(({ msg_type }) => msg_type.endsWith('display_data'));
    expect(sent.slice(0, 2).map(({ msg_type }) => msg_type)).toEqual(['display_data', 'update_display_data']);
    expect(new Set(sent.map(({ content }) => (content.transient as { display_id: string }).display_id)).size).toBe(1);
    const first = (sent[0].content.data as Record<string, string>)['text/plain'];
    expect(first).toMatch(/^\[\.{24}\] epoch 1 of 3, batch 1 of 135, \d+ (s|min \d+ s) left: loss \d\.\d{4}, acc \d\.\d{4}$/);
    const { data } = run.outputs[0];
    expect(joined(data!['text/plain'] as string)).toMatch(
      /^(epoch [123] of 3: loss \d\.\d{4}, acc \d\.\d{4}, val_loss \d\.\d{4}, val_acc \d\.\d{4}\n){3}Trained for 3 epochs\.$/,
    );
    expect(joined(data!['image/svg+xml'] as string)).toMatch(/^<svg [^]*<\/svg>$/);
    await kernel.stop();
  });

  test.each([['with fused operations', '1'], ['without', '0']])('gives the same numbers in two fresh kernels, %s', async (_how, fused) => {
    const histories = [];
    for (let round = 0; round < 2; round++) {
      const kernel = await prepared({ env: { FUSED_TRAINING: fused } });
      await kernel.run(fit('epochs: 2, validationSplit: 0.1'));
      histories.push(await value(kernel, 'history.history'));
      await kernel.stop();
    }
    expect(histories[1]).toEqual(histories[0]);
  });
});
