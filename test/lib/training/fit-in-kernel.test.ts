import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, type KernelOptions, startKernel } from '../../helpers/kernel';
import { joined } from '../../helpers/notebook';
import { installKernelFor, otherNodes } from '../../helpers/other-nodes';
import { installStockKernel } from '../../helpers/stock-kernel';

jest.setTimeout(180_000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fit-in-kernel-'));
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
const fit = (options: string) =>
  `mnist.setSeed(13);\nconst history = await mnist.fit(model, x, y, { batchSize: 20, ${options} });`;

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
  ...otherNodes.map((node): [string, () => KernelOptions] => [
    node,
    () => ({ name: node, env: installKernelFor(node, folder) }),
  ]),
];

describe.each(kernels)('fit, and Stop while it runs, in %s', (name, options) => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await prepared(options());
  });
  afterAll(() => kernel.stop());

  if (name.startsWith('the kernel of the project')) {
    test('shows one output, updated in place, with curves and a line per epoch; the same numbers in two fresh kernels', async () => {
      const other = await prepared(options());
      const [run, ...more] = await Promise.all(
        [kernel, other].map((each) => each.run(fit('epochs: 3, validationSplit: 0.1'))),
      );
      expect(more.map(({ status }) => status)).toEqual(['ok']);
      expect(run.outputs).toHaveLength(1);
      const sent = run.messages.filter(({ msg_type }) => msg_type.endsWith('display_data'));
      expect(sent.slice(0, 2).map(({ msg_type }) => msg_type)).toEqual(['display_data', 'update_display_data']);
      expect(new Set(sent.map(({ content }) => (content.transient as { display_id: string }).display_id)).size).toBe(1);
      const first = (sent[0].content.data as Record<string, string>)['text/plain'];
      expect(first).toMatch(
        /^\[\.{24}\] epoch 1 of 3, batch 1 of 135, \d+ (s|min \d+ s) left: loss \d\.\d{4}, acc \d\.\d{4}$/,
      );
      const { data } = run.outputs[0];
      expect(joined(data!['text/plain'] as string)).toMatch(
        /^(epoch [123] of 3: loss \d\.\d{4}, acc \d\.\d{4}, val_loss \d\.\d{4}, val_acc \d\.\d{4}\n){3}Trained for 3 epochs\.$/,
      );
      expect(joined(data!['image/svg+xml'] as string)).toMatch(/^<svg [^]*<\/svg>$/);
      expect(await value(other, 'history.history')).toEqual(await value(kernel, 'history.history'));
      await other.stop();
    });
  }

  test('ends the cell normally after the batch at work, with all that was learned; the cell run again goes on', async () => {
    const steps = async (): Promise<number> => (await value(kernel, 'model.optimizer.iterations')) as number;
    const before = await steps();
    const run = kernel.start(fit('epochs: 1000, validationSplit: 0.1'));
    await run.until(/^epoch 2 of 1000/m);
    await kernel.interrupt();
    await run.ended;
    expect([run.status, run.stderr]).toEqual(['ok', '']);
    const stopped = /\nStopped by an interrupt (?:in epoch (\d+), after batch (\d+) of 135|after epoch (\d+))\.$/;
    const [epoch, batch, lastEpoch] = stopped
      .exec(run.text)!
      .slice(1)
      .map((number) => Number(number ?? NaN));
    expect((await steps()) - before).toBe(batch ? 135 * (epoch - 1) + batch : 135 * lastEpoch);
    const history = (await value(kernel, 'history.history')) as Record<string, number[]>;
    const epochs = run.text.split('\n').length - 1;
    expect(
      Object.entries(history)
        .map(([name, values]) => [name, values.length])
        .sort(),
    ).toEqual(['acc', 'loss', 'val_acc', 'val_loss'].map((name) => [name, epochs]));
    expect(await value(kernel, 'history.stopped')).toBe(run.text.split('\n').at(-1));
    expect(await value(kernel, '(model.predict(x) as tf.Tensor).shape')).toEqual([3000, 3]);

    const again = await kernel.run(fit('epochs: 1, validationSplit: 0.1'));
    expect([again.status, again.text.split('\n').at(-1)]).toEqual(['ok', 'Trained for 1 epoch.']);
    expect(((await value(kernel, 'history.history.loss')) as number[])[0]).toBeLessThan(history.loss[0]);

    // No training goes on in the background.
    const end = await steps();
    await kernel.run('await new Promise((resolve) => setTimeout(resolve, 300));');
    expect(await steps()).toBe(end);
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
    const slowly = `callbacks: { onBatchBegin: (batch) => { console.log('batch', batch); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000); } }`;
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

  if (otherNodes.includes(name)) {
    const endless = `{ epochs: 1e6, verbose: 0, callbacks: { onTrainBegin: async () => console.log('started') } }`;
    test.each([
      ['an endless loop', 'console.log("started"); while (true) {}', 'Interrupted'],
      ['a loop after an await', 'await tf.nextFrame(); console.log("started"); while (true) {}', 'Interrupted'],
      [
        'a loop in a timer',
        'setTimeout(() => { console.log("started"); while (true) {} }, 10); await new Promise(() => {});',
        'Interrupted',
      ],
      ['a pending promise', 'console.log("started"); await new Promise(() => {});', 'Interrupted'],
      ['model.fit', `await model.fit(x, y, ${endless});`, 'Interrupted'],
      ['mnist.fit', `await mnist.fit(model, x, y, ${endless});`, undefined],
    ])('ends %s, too, and the next cell runs and trains', async (_what, code, ename) => {
      expect((await kernel.interruptOnceStarted(code)).ename).toBe(ename);
      // V8 collects what the cell awaited for good.
      expect(
        (
          await kernel.run(
            'require("node:v8").setFlagsFromString("--expose-gc"); require("node:vm").runInNewContext("gc")();',
          )
        ).status,
      ).toBe('ok');
      const next = await kernel.run(
        '(await mnist.fit(model, x, y, { verbose: 0 })).history.loss.every(Number.isFinite)',
      );
      expect([next.status, next.result]).toEqual(['ok', 'true']);
    });
  }
});

// Of the seeds of these layers come the same weights in every kernel.
const MODELS = `
const seeded = (seed: number) => tf.initializers.glorotUniform({ seed });
const compiled = (model: tf.LayersModel) => {
  model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.sgd(0.1), metrics: ['accuracy'] });
  return model;
};
const dense = () => compiled(tf.sequential({ layers: [
  tf.layers.dense({ inputShape: [200], units: 8, activation: 'relu', kernelInitializer: seeded(1) }),
  tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: seeded(2) }),
] }));
const input = tf.input({ shape: [200] });
const functional = compiled(tf.model({ inputs: input, outputs: tf.layers.dense({ units: 3, activation: 'softmax' }).apply(input) as tf.SymbolicTensor }));
const cnn = compiled(tf.sequential({ layers: [
  tf.layers.conv2d({ inputShape: [28, 28, 1], filters: 32, kernelSize: 5, activation: 'relu' }),
  tf.layers.conv2d({ filters: 32, kernelSize: 5, activation: 'relu' }),
  tf.layers.flatten(),
  tf.layers.dense({ units: 3, activation: 'softmax' }),
] }));
const images = tf.randomUniform([300, 28, 28, 1], 0, 1, 'float32', 13);
const imageLabels = y.slice(0, 300);
const dataset = tf.data.generator(function* () { for (let i = 0; i < 40; i++) yield { xs: tf.ones([20, 200]), ys: tf.ones([20, 3]).div(3) }; });
const stack = dense();
const began = { onTrainBegin: async () => console.log('started') };
const isFinite = (model: tf.LayersModel) => model.getWeights().every((weight) => weight.dataSync().every(Number.isFinite));
`;

describe('Stop ends tfjs, and the model can be trained again, with finite weights:', () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await prepared({});
    expect((await kernel.run(MODELS)).status).toBe('ok');
  });
  afterAll(() => kernel.stop());

  const endless = 'epochs: 1e6, verbose: 0';
  test.each([
    ['fit', 'stack', `await stack.fit(x, y, { ${endless}, callbacks: began });`],
    [
      'fit with validationSplit',
      'stack',
      `await stack.fit(x, y, { ${endless}, validationSplit: 0.2, callbacks: began });`,
    ],
    [
      'fit with validationData',
      'stack',
      `await stack.fit(x, y, { ${endless}, validationData: [x, y], callbacks: began });`,
    ],
    ['fit of a functional model', 'functional', `await functional.fit(x, y, { ${endless}, callbacks: began });`],
    [
      'fit with the progress of tfjs',
      'stack',
      `await stack.fit(x, y, { epochs: 1e6, batchSize: 100, callbacks: began });`,
    ],
    ['fit without yielding', 'stack', `await stack.fit(x, y, { ${endless}, yieldEvery: 'never', callbacks: began });`],
    [
      'fit with a callback that awaits',
      'stack',
      `await stack.fit(x, y, { ${endless}, callbacks: { onBatchEnd: async (batch) => { await tf.nextFrame(); if (batch === 3) console.log('started'); } } });`,
    ],
    [
      'fit with a callback that never ends',
      'stack',
      `await stack.fit(x, y, { ${endless}, callbacks: { onBatchEnd: async () => { console.log('started'); for (;;) await tf.nextFrame(); } } });`,
    ],
    ...[
      ['fit', 'onBatchBegin', 'stack.fit(', ''],
      ['fit', 'onBatchEnd', 'stack.fit(', ''],
      ['fit', 'onTrainEnd', 'stack.fit(', ''],
      ['fit', 'onEpochBegin', 'stack.fit(', ''],
      ['mnist.fit', 'onBatchBegin', 'mnist.fit(stack, ', ''],
      ['mnist.fit', 'onEpochEnd', 'mnist.fit(stack, ', ''],
      ['mnist.fit by tfjs', 'onBatchEnd', 'mnist.fit(stack, ', 'classWeight: { 0: 1, 1: 1, 2: 1 }, '],
    ].map(([name, event, call, options]) => [
      `${name} with ${event} in an endless loop`,
      'stack',
      `await ${call}x, y, { ${options}verbose: 0, callbacks: { ${event}: () => { console.log('started'); for (;;); } } });`,
    ]),
    [
      'fit with callback objects',
      'stack',
      `await stack.fit(x, y, { ${endless}, callbacks: [tf.callbacks.earlyStopping({ monitor: 'loss', patience: 1e6 }), new tf.CustomCallback(began)] });`,
    ],
    [
      'fit of a convolutional network',
      'cnn',
      `await cnn.fit(images, imageLabels, { ${endless}, batchSize: 150, callbacks: began });`,
    ],
    ['fitDataset', 'stack', `await stack.fitDataset(dataset as never, { epochs: 1e6, verbose: 0, callbacks: began });`],
    [
      'trainOnBatch in a loop',
      'stack',
      `for (let i = 0; ; i++) { await stack.trainOnBatch(x, y); if (i === 5) console.log('started'); }`,
    ],
    [
      'a forgotten await before fit, and a loop',
      'stack',
      `void stack.fit(x, y, { ${endless} }); console.log('started'); while (true) {}`,
    ],
    [
      'a forgotten await before fit, which has begun, and a loop',
      'stack',
      `void stack.fit(x, y, { ${endless}, callbacks: began }); await tf.nextFrame(); while (true) {}`,
    ],
    [
      'a forgotten await before mnist.fit, and a loop',
      'stack',
      `void mnist.fit(stack, x, y, { ${endless} }); console.log('started'); while (true) {}`,
    ],
  ])('%s', async (_what, model, code) => {
    expect((await kernel.interruptOnceStarted(code)).ename).toBe('Interrupted');
    const [data, labels] = model === 'cnn' ? ['images', 'imageLabels'] : ['x', 'y'];
    for (const fit of [
      `await ${model}.fit(${data}, ${labels}, { epochs: 1, verbose: 0, batchSize: 150 })`,
      `await mnist.fit(${model}, ${data}, ${labels}, { verbose: 0, batchSize: 150 })`,
    ]) {
      const again = await kernel.run(`${fit};\nisFinite(${model})`);
      expect([again.status, again.result]).toEqual(['ok', 'true']);
    }
  });

  test.each([
    ['fit', `void stack.fit(x, y, { ${endless} });`],
    ['mnist.fit', `void mnist.fit(stack, x, y, { ${endless} });`],
    ['fitDataset', `void stack.fitDataset(dataset as never, { epochs: 1e6, verbose: 0 });`],
  ])('a loop in the cell after a forgotten await before %s', async (_what, code) => {
    await kernel.run(code);
    expect((await kernel.interruptOnceStarted('console.log("started"); while (true) {}')).ename).toBe('Interrupted');
    const again = await kernel.run(
      'await tf.nextFrame(); await mnist.fit(stack, x, y, { verbose: 0 }); isFinite(stack)',
    );
    expect([again.status, again.result]).toEqual(['ok', 'true']);
  });

  test('an endless loop in a callback of a training that an ended cell has begun', async () => {
    const run = await kernel.run(
      "void mnist.fit(stack, x, y, { verbose: 0, callbacks: { onEpochEnd: () => { console.log('started'); for (;;); } } });",
    );
    await run.until(/started/);
    await kernel.interrupt();
    const again = await kernel.run(
      // For 100 ms, the kernel waits whether training ends by itself.
      'await new Promise((resolve) => setTimeout(resolve, 200)); await mnist.fit(stack, x, y, { verbose: 0 }); isFinite(stack)',
    );
    expect([again.status, again.result]).toEqual(['ok', 'true']);
  });

  test('a forgotten await before mnist.fit, and a loop that awaits, by a Stop each', async () => {
    const run = kernel.start('void mnist.fit(stack, x, y, { epochs: 1e6 });\nfor (;;) { await tf.nextFrame(); }');
    await run.until(/epoch 1 /);
    await kernel.interrupt();
    await run.until(/Stopped by an interrupt/);
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
    const again = await kernel.run(
      '(await mnist.fit(stack, x, y, { verbose: 0 })).history.loss.every(Number.isFinite)',
    );
    expect([again.status, again.result]).toEqual(['ok', 'true']);
  });
});

describe('Stop within an operation of tfjs leaves no tensors and trains as in a fresh kernel:', () => {
  const LOSSES =
    'const fresh = dense(); const { history: { loss } } = await fresh.fit(x, y, { epochs: 3, batchSize: 300, shuffle: false, verbose: 0 }); fresh.dispose(); JSON.stringify(loss)';
  let kernel: Kernel;
  let losses: string | undefined;
  beforeAll(async () => {
    kernel = await prepared({});
    await kernel.run(`${MODELS}
const weights = tf.variable(tf.ones([200, 3]));
const sgd = tf.train.sgd(0.1);
const loss2 = () => tf.losses.softmaxCrossEntropy(y, x.matMul(weights)) as tf.Scalar;`);
    losses = (await kernel.run(LOSSES)).result;
    const [first, second, third] = JSON.parse(losses!.slice(1, -1)) as number[];
    expect([second < first, third < second]).toEqual([true, true]);
  });
  afterAll(() => kernel.stop());

  const forever = (step: string) => `for (let i = 0; ; i++) { ${step} if (i === 3) console.log('started'); }`;
  const block = 'console.log("started"); while (true) {}';
  test.each([
    ['minimize in a loop', forever('sgd.minimize(loss2);')],
    ['minimize, in the loss', `sgd.minimize(() => { const cost = loss2(); ${block} return cost; });`],
    ['predict', forever('tf.dispose(stack.predict(x));')],
    ['evaluate', forever('tf.dispose(stack.evaluate(x, y));')],
    ['apply', forever('tf.dispose(stack.apply(x) as tf.Tensor);')],
    ['apply of a layer', forever('tf.dispose(stack.layers[0].apply(x) as tf.Tensor);')],
    ['grad', `const gradient = tf.grad((each) => each.square().sum()); ${forever('gradient(x).dispose();')}`],
    ['grad, in the function', `tf.grad((each) => { const square = each.square().sum(); ${block} return square; })(x);`],
    [
      'valueAndGrads',
      `const both = tf.valueAndGrads((a, b) => a.mul(b).sum() as tf.Scalar); ${forever('const { value, grads } = both([x, x]); tf.dispose([value, ...grads]);')}`,
    ],
    [
      'variableGrads',
      forever('const { value, grads } = tf.variableGrads(loss2); tf.dispose([value, ...Object.values(grads)]);'),
    ],
    [
      'customGrad, with saved tensors',
      `const square = tf.customGrad((tensor: any, save: any) => {
  save([tensor.add(1)]);
  ${block}
  return { value: tensor.square(), gradFunc: (dy: tf.Tensor) => dy };
});
tf.grad((each) => square(each).sum())(x);`,
    ],
    [
      'customGrad, with saved tensors, before an operation',
      `const endless = tf.customGrad((tensor: any, save: any) => {
  save([tensor.add(1)]);
  ${forever('tensor.add(1).dispose();')}
  return { value: tensor, gradFunc: (dy: tf.Tensor) => dy };
});
tf.grad((each) => endless(each).sum())(x);`,
    ],
    ['nested tidy', `tf.tidy(() => { const one = x.add(1); tf.tidy(() => { one.mul(2); ${block} }); });`],
    ['tidy that keeps', `tf.tidy(() => { tf.keep(x.add(1)); ${block} });`],
    [
      'tidy that keeps, before an operation',
      `tf.tidy(() => { tf.keep(x.add(1)); ${forever('x.add(1).dispose();')} });`,
    ],
    ['tidy with ever more tensors', `tf.tidy(() => { console.log('started'); while (true) x.add(1); });`],
    [
      'a function that holds tensors',
      `const hold = () => { const held = x.add(1); ${block} held.dispose(); }; hold();`,
    ],
    [
      'a timer that holds a tensor',
      `const later = (held: tf.Tensor) => setTimeout(() => { if (held.rank > 0) { ${block} } }); later(x.add(1)); await new Promise(() => {});`,
    ],
    [
      'awaited data',
      forever('const product = x.slice(0, 100).matMul(x, false, true); await product.data(); product.dispose();'),
    ],
  ])('%s', async (_what, code) => {
    const before = (await value(kernel, 'tf.memory().numTensors')) as number;
    expect((await kernel.interruptOnceStarted(code)).ename).toBe('Interrupted');
    const left = ((await value(kernel, 'tf.memory().numTensors')) as number) - before;
    expect(left).toBe(0);
    expect((await kernel.run(LOSSES)).result).toBe(losses);
  });

  test.each([
    [
      'finally',
      `try { for (let i = 0; ; i++) { x.add(1).dispose(); if (i === 3) console.log('started'); } } finally { console.log('tidied'); }`,
    ],
    [
      'finally with operations',
      `try { for (let i = 0; ; i++) { x.add(1).dispose(); if (i === 3) console.log('started'); } } finally { console.log(tf.tidy(() => x.add(1).shape[1]) === 200 ? 'tidied' : ''); }`,
    ],
    [
      'catch',
      `try { for (let i = 0; ; i++) { tf.tidy(() => x.add(1).sum()).dispose(); if (i === 3) console.log('started'); } } catch (error) { console.log('tidied'); }`,
    ],
    [
      'finally of a function within tidy',
      `const work = () => { try { for (let i = 0; ; i++) { x.add(1); if (i === 3) console.log('started'); } } finally { console.log('tidied'); } };\ntf.tidy(work);`,
    ],
  ])('runs %s of the code that it ends', async (_what, code) => {
    const run = await kernel.interruptOnceStarted(code);
    expect([run.ename, run.stdout]).toEqual(['Interrupted', 'started\ntidied\n']);
  });
});
