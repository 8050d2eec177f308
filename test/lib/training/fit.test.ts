import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { fit, setSeed } from 'mnist-lib';
import { root } from '../../helpers/notebook';
import { compiled, smallMnist, smallNetwork } from '../../helpers/small-mnist';

const COUNT = 1000;
let data: { x: tf.Tensor2D; y: tf.Tensor2D };
let model: tf.Sequential;
beforeAll(() => {
  data = smallMnist(COUNT);
});
afterAll(() => {
  tf.dispose(data);
});
beforeEach(() => {
  setSeed(13);
  model = compiled(smallNetwork());
});
afterEach(() => {
  model.dispose();
  delete process.env.FUSED_TRAINING;
});

const train = (options: tf.ModelFitArgs = {}) => fit(model, data.x, data.y, { batchSize: 100, verbose: 0, ...options });

describe.each([
  ['fused', '1'],
  ["by tfjs's own operations", '0'],
])('fit(model, x, y, options), %s', (_how, fused) => {
  beforeEach(() => {
    process.env.FUSED_TRAINING = fused;
  });

  test('returns the same history as model.fit, for one epoch', async () => {
    const history = await train({ validationSplit: 0.2 });
    const stock = compiled(smallNetwork());
    setSeed(13);
    stock.setWeights(compiled(smallNetwork()).getWeights());
    const other = await stock.fit(data.x, data.y, { batchSize: 100, validationSplit: 0.2, verbose: 0, shuffle: false });
    expect(Object.keys(history.history).sort()).toEqual(Object.keys(other.history).sort());
    expect(history.epoch).toEqual([0]);
    expect(history.stopped).toBeNull();
    // With the batches in another order, the first epoch still learns about the same.
    expect(history.history.loss[0] as number).toBeCloseTo(other.history.loss[0] as number, 0);
    stock.dispose();
  });

  test('returns the same values as model.fit without shuffling', async () => {
    const options = {
      epochs: 3,
      batchSize: 64,
      shuffle: false,
      verbose: 0,
      validationData: [data.x, data.y] as [tf.Tensor, tf.Tensor],
    };
    const { history } = await fit(model, data.x, data.y, options);
    setSeed(13);
    const stock = compiled(smallNetwork());
    const { history: expected } = await stock.fit(data.x, data.y, options);
    for (const name of ['loss', 'acc', 'val_loss', 'val_acc']) {
      expect([name, history[name]]).toEqual([
        name,
        (expected[name] as number[]).map((value) => expect.closeTo(value, 4) as number),
      ]);
    }
    stock.dispose();
  });

  test('calls callbacks as model.fit does, objects and instances, with the trained model', async () => {
    const events = async (run: (callbacks: tf.CustomCallbackArgs) => Promise<unknown>): Promise<string[]> => {
      const calls: string[] = [];
      const names = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'] as const;
      await run(
        Object.fromEntries(
          names.map((name) => [
            name,
            (at: unknown, logs?: tf.Logs) => {
              calls.push(
                `${name} ${typeof at === 'number' ? at : ''} ${Object.keys(logs ?? {})
                  .sort()
                  .join()}`,
              );
            },
          ]),
        ),
      );
      return calls;
    };
    const options = { epochs: 2, batchSize: 500, validationSplit: 0.1, verbose: 0 };
    const ours = await events((callbacks) => fit(model, data.x, data.y, { ...options, callbacks }));
    expect(ours).toEqual(await events((callbacks) => model.fit(data.x, data.y, { ...options, callbacks })));

    class Watcher extends tf.Callback {
      seen: unknown;
      override setModel(watched: tf.LayersModel): void {
        this.seen = watched;
      }
    }
    const watcher = new Watcher();
    await train({ callbacks: [watcher] });
    expect(watcher.seen).toBe(model);
  });

  test('ends when a callback stops it, and says so', async () => {
    const stopAfterTwo = {
      onEpochEnd: (epoch: number): void => {
        model.stopTraining = epoch === 1;
      },
    };
    const { history, stopped } = await train({ epochs: 5, callbacks: stopAfterTwo });
    expect(history.loss).toHaveLength(2);
    expect(stopped).toBe('Stopped by a callback after epoch 2.');
    expect((await train()).stopped).toBeNull();
  });

  test.each(['onTrainBegin', 'onEpochBegin', 'onBatchBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'])(
    'rejects with the error of a callback, leaks no tensor, and can train again: %s',
    async (event) => {
      await train(); // makes the optimizer's tensors
      const before = tf.memory().numTensors;
      const calls: string[] = [];
      const fail = (): void => {
        calls.push(event);
        throw new Error('mine');
      };
      await expect(train({ epochs: 2, validationSplit: 0.2, callbacks: { [event]: fail } })).rejects.toThrow('mine');
      expect(calls).toEqual([event]);
      expect((await train()).history.loss).toHaveLength(1);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test('ends when the loss is no longer a number, and says so', async () => {
    model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, NaN)));
    const { history, stopped } = await train({ epochs: 3, validationSplit: 0.5 });
    expect(stopped).toMatch(/^Stopped in epoch 1, after batch 1 of 5: the loss is no longer a number\. Try a smaller/);
    expect(history.loss).toEqual([NaN]);
  });
});

describe('fit refuses, before it trains,', () => {
  const column = (values: number[]): tf.Tensor2D => tf.tensor2d(values, [values.length, 1]);
  const cases: [string, () => Promise<unknown>, string | RegExp][] = [
    [
      'a model that is not compiled',
      () => fit(smallNetwork(), data.x, data.y),
      /the model is not compiled yet: call model\.compile/,
    ],
    ['epochs 0', () => train({ epochs: 0 }), 'epochs is 0 (expected a whole number, 1 or more)'],
    ['epochs 1.5', () => train({ epochs: 1.5 }), 'epochs is 1.5 (expected a whole number, 1 or more)'],
    ['batchSize 0', () => train({ batchSize: 0 }), 'batchSize is 0 (expected a whole number, 1 or more)'],
    [
      'an initialEpoch that is not below epochs',
      () => train({ epochs: 3, initialEpoch: 3 }),
      /initialEpoch is 3 and epochs 3: nothing is left/,
    ],
    [
      'a validationSplit of 1',
      () => train({ validationSplit: 1 }),
      'validationSplit is 1 (expected a fraction, at least 0 and below 1)',
    ],
    [
      'x of another width',
      () => fit(model, tf.zeros([5, 783]), data.y),
      'x has the shape [5, 783] (expected [count, 784], the shape that the model has)',
    ],
    [
      'x of another rank',
      () => fit(model, tf.zeros([5, 28, 28]), data.y),
      'x has the shape [5, 28, 28] (expected [count, 784]',
    ],
    [
      'y of another width',
      () => fit(model, data.x, tf.zeros([COUNT, 9])),
      `y has the shape [${COUNT}, 9] (expected [count, 10]`,
    ],
    [
      'labels in place of one-hot rows',
      () => fit(model, data.x, column(Array.from({ length: COUNT }, () => 5))),
      /^y has the shape \[1000, 1\]/,
    ],
    [
      'different numbers of inputs and targets',
      () => fit(model, tf.zeros([5, 784]), data.y),
      `x holds 5 examples and y ${COUNT} (expected the same number)`,
    ],
    [
      'no examples',
      () => fit(model, tf.zeros([0, 784]), tf.zeros([0, 10])),
      'x is empty (expected at least one example)',
    ],
    [
      'NaN in x',
      () =>
        fit(
          model,
          tf.tidy(() => tf.concat([tf.zeros([3, 784]), tf.fill([1, 784], NaN)])),
          tf.oneHot([1, 2, 3, 4], 10).toFloat(),
        ),
      'x has a value that is not a number in example 3 (expected finite numbers, no NaN)',
    ],
    [
      'NaN in y',
      () => fit(model, tf.zeros([1, 784]), tf.fill([1, 10], NaN)),
      /^y has a value that is not a number in example 0/,
    ],
    [
      'rows with two ones',
      () => fit(model, tf.zeros([1, 784]), tf.tensor2d([[1, 1, 0, 0, 0, 0, 0, 0, 0, 0]])),
      /^y has a row, number 0, whose sum is 2 \(expected one-hot rows/,
    ],
    [
      'rows of zeros',
      () => fit(model, tf.zeros([1, 784]), tf.zeros([1, 10])),
      /^y has a row, number 0, whose sum is 0 \(expected one-hot/,
    ],
    [
      'negative labels',
      () => fit(model, tf.zeros([1, 784]), tf.tensor2d([[2, -1, 0, 0, 0, 0, 0, 0, 0, 0]])),
      /^y has the value -1 \(expected one-hot/,
    ],
    [
      'validation data of another width',
      () => train({ validationData: [tf.zeros([5, 783]), tf.zeros([5, 10])] }),
      'validationData[0] has the shape [5, 783] (expected [count, 784]',
    ],
    [
      'validation labels of another width',
      () => train({ validationData: [tf.zeros([5, 784]), tf.zeros([5, 9])] }),
      'validationData[1] has the shape [5, 9] (expected [count, 10]',
    ],
    [
      'a tensor that was disposed of',
      () => {
        const x = tf.zeros([5, 784]);
        x.dispose();
        return fit(model, x, data.y);
      },
      'x was disposed of: run the cell that makes it again',
    ],
    [
      'no tensor',
      () => fit(model, [1, 2] as unknown as tf.Tensor, undefined as unknown as tf.Tensor),
      'x is a list (expected a tensor)',
    ],
  ];

  test.each(cases)('%s', async (_what, run, message) => {
    const weights = model.getWeights()[0].dataSync();
    await expect(run()).rejects.toThrow(message);
    expect(model.getWeights()[0].dataSync()).toEqual(weights);
    expect((await train()).history.loss).toHaveLength(1);
  });

  test('accepts huge but finite numbers, probabilities in place of one-hot rows, and mean squared error', async () => {
    const [x, y] = [tf.fill([4, 784], 1e37), tf.fill([4, 10], 0.1)];
    await expect(fit(model, x, y, { verbose: 0 })).resolves.toBeDefined();
    compiled(model, 'sgd', 'meanSquaredError');
    await expect(fit(model, tf.zeros([4, 784]), tf.fill([4, 10], 7), { verbose: 0 })).resolves.toBeDefined();
  });
});

// In processes of their own: tests in jest see a copy of `process`, which gets no signals.
describe('outside a notebook', () => {
  const begin = `
    const tf = require('@tensorflow/tfjs-node');
    const { fit } = require('mnist-lib');
    const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'softmax' })] });
    model.compile({ loss: 'categoricalCrossentropy', optimizer: 'adam', metrics: ['accuracy'] });
    const [x, y] = [tf.randomUniform([50, 4]), tf.oneHot(tf.zeros([50], 'int32'), 3).toFloat()];
    const pause = { onBatchEnd: () => new Promise((resolve) => setTimeout(resolve, 10)) };
  `;
  const start = (script: string, environment: object = {}) =>
    spawn(process.execPath, ['-e', begin + script], {
      cwd: join(root, 'lib'),
      env: { ...process.env, ...environment },
    });
  const untilClosed = async (
    child: ChildProcess,
    onOutput: (printed: string) => void = () => {},
  ): Promise<[string, unknown]> => {
    let printed = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      onOutput(printed);
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return [printed, signal ?? code];
  };

  test('prints a line per epoch', async () => {
    const [printed] = await untilClosed(
      start('fit(model, x, y, { epochs: 2 }).then(({ stopped }) => console.log(stopped));'),
    );
    expect(printed).toMatch(
      /^epoch 1 of 2: loss \d\.\d{4}, acc \d\.\d{4}\nepoch 2 of 2: loss \d\.\d{4}, acc \d\.\d{4}\nnull\n$/,
    );
  });

  test('reports an error in a callback and rejects with it', async () => {
    const fail = "{ onBatchEnd: () => { throw new Error('mine'); } }";
    const script = `fit(model, x, y, { epochs: 2, callbacks: ${fail} }).catch(({ message }) => console.log(message));`;
    expect(await untilClosed(start(script))).toEqual(['Stopped by an error in epoch 1.\nmine\n', 0]);
  });

  test('Ctrl-C ends training, the script continues, and the next Ctrl-C ends the script', async () => {
    const child = start(`
      fit(model, x, y, { epochs: 1000, batchSize: 1, callbacks: pause }).then(({ stopped }) => {
        console.log('then', stopped);
        setInterval(() => {}, 1000);
      });
    `);
    const [printed, signal] = await untilClosed(
      child,
      (text) => /^epoch 1 .*\n$|^then /m.test(text) && child.kill('SIGINT'),
    );
    expect(printed).toMatch(
      /^epoch 1 of 1000.*\nepoch 2 of 1000.*\n(Stopped by an interrupt in epoch 2, after batch \d+ of 50\.)\nthen \1\n$/,
    );
    expect(signal).toBe('SIGINT');
  });

  test.each([
    ['fused', '1'],
    ["by tfjs's own operations", '0'],
  ])(
    'an interrupt ends training %s after the current batch; the history is complete, and training can continue',
    async (_how, FUSED_TRAINING) => {
      const child = start(
        `
        const own = () => console.log('own');
        process.on('SIGINT', own);
        const twice = { onBatchEnd: (batch) => { if (batch === 2) { process.kill(process.pid, 'SIGINT'); process.kill(process.pid, 'SIGINT'); } } };
        (async () => {
          const options = { batchSize: 10, verbose: 0, validationData: [x, y] };
          const { history, epoch, stopped } = await fit(model, x, y, { ...options, epochs: 4, callbacks: twice });
          const [loss] = model.evaluate(x, y, { batchSize: 10 }).map((value) => value.dataSync()[0]);
          const isOwnBack = process.listeners('SIGINT').join() === String(own);
          const next = await fit(model, x, y, { ...options, epochs: 2 });
          console.log(JSON.stringify({ history, epoch, stopped, loss, isOwnBack, next: next.history, nextStopped: next.stopped }));
        })();
        `,
        { FUSED_TRAINING },
      );
      const [printed] = await untilClosed(child); // without 'own': during fit, other listeners do not get the interrupt
      const { history, epoch, stopped, loss, isOwnBack, next, nextStopped } = JSON.parse(printed) as Record<
        string,
        never
      > & {
        history: Record<string, number[]>;
        next: Record<string, number[]>;
      };
      expect(stopped).toMatch(/^Stopped by an interrupt in epoch 1, after batch [34] of 5\.$/);
      expect(epoch).toEqual([0]);
      expect(Object.keys(history).sort()).toEqual(['acc', 'loss', 'val_acc', 'val_loss']);
      expect(Object.values(history).map((values) => values.length)).toEqual([1, 1, 1, 1]);
      expect(history.val_loss[0]).toBeCloseTo(loss, 5);
      expect(isOwnBack).toBe(true);
      expect(nextStopped).toBeNull();
      expect(next.val_loss[1]).toBeLessThan(history.val_loss[0]);
    },
  );

  // A signal that reaches a thread while it multiplies a narrow matrix corrupts memory (TensorFlow 2.21, oneDNN, x64).
  test('signals while matrices of any size are multiplied change no number', async () => {
    const child = start(`
      const { spawn } = require('node:child_process');
      const { setSeed } = require('mnist-lib');
      const train = async ([inputs, hidden, classes, batchSize]) => {
        setSeed(13);
        const layers = [tf.layers.dense({ inputShape: [inputs], units: hidden, activation: 'relu' }), tf.layers.dense({ units: classes, activation: 'softmax' })];
        const network = tf.sequential({ layers });
        network.compile({ loss: 'categoricalCrossentropy', optimizer: 'adam' });
        const count = batchSize * 100 + 1;
        const x = tf.randomUniform([count, inputs], 0, 1, 'float32', 13);
        const y = tf.oneHot(tf.range(0, count, 1, 'int32').mod(tf.scalar(classes, 'int32')), classes).toFloat();
        const { history } = await fit(network, x, y, { batchSize, validationSplit: 0.01, verbose: 0 });
        return JSON.stringify([history, network.getWeights().map((weight) => weight.sum().dataSync()[0])]);
      };
      const sizes = [[784, 1000, 10, 200], [4, 1000, 10, 200], [1, 1, 2, 1], [7, 13, 3, 31], [97, 101, 11, 17], [5, 16, 15, 1], [1000, 17, 16, 33], [2, 9, 1000, 8]];
      (async () => {
        const undisturbed = [];
        for (const size of sizes) {
          undisturbed.push(await train(size));
        }
        let received = 0;
        process.on('SIGUSR2', () => received++);
        const send = 'const pause = new Int32Array(new SharedArrayBuffer(4)); for (;;) { process.kill(' + process.pid + ', "SIGUSR2"); Atomics.wait(pause, 0, 0, 0.3); }';
        const sender = spawn(process.execPath, ['-e', send], { stdio: 'ignore' });
        while (received === 0) {
          await new Promise(setImmediate);
        }
        for (const [index, size] of sizes.entries()) {
          console.log(size.join(), (await train(size)) === undisturbed[index]);
        }
        sender.kill();
        console.log(received > 100);
        process.exit();
      })();
    `);
    const sizes = [
      '784,1000,10,200',
      '4,1000,10,200',
      '1,1,2,1',
      '7,13,3,31',
      '97,101,11,17',
      '5,16,15,1',
      '1000,17,16,33',
      '2,9,1000,8',
    ];
    expect(await untilClosed(child)).toEqual([[...sizes.map((size) => `${size} true\n`), 'true\n'].join(''), 0]);
  });
});
