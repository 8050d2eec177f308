import * as tf from '@tensorflow/tfjs-node';
import { fit, setSeed } from 'mnist-lib';
import { createFusedNetwork } from 'mnist-lib/dist/training/fused/fused-network';
import { type Weights, gradients, meanLoss, train } from '../../../helpers/reference-network';
import { compiled, smallMnist, smallNetwork } from '../../../helpers/small-mnist';

const BATCH = 20;
let data: { x: tf.Tensor2D; y: tf.Tensor2D };
beforeAll(() => {
  data = smallMnist(2000);
});
afterAll(() => {
  tf.dispose(data);
});
beforeEach(() => {
  setSeed(13);
});
afterEach(() => {
  delete process.env.FUSED_TRAINING;
});

/** Eight examples of four numbers, in three classes: small enough for the reference network. */
function tinyData(): { x: number[][]; y: number[][] } {
  const x = Array.from({ length: 8 }, (_, row) => Array.from({ length: 4 }, (_, column) => Math.sin(3 * row + column)));
  return { x, y: x.map((_, row) => [0, 1, 2].map((label) => Number(label === row % 3))) };
}

function tinyNetwork(activation: 'relu' | 'sigmoid' | 'tanh' | 'linear' = 'relu'): tf.Sequential {
  const hidden = tf.layers.dense({ inputShape: [4], units: 5, activation, biasInitializer: 'randomNormal' });
  return compiled(tf.sequential({ layers: [hidden, tf.layers.dense({ units: 3, activation: 'softmax' })] }));
}

function weightsOf(model: tf.LayersModel): Weights {
  const [kernel1, bias1, kernel2, bias2] = model.getWeights().map((weight) => weight.arraySync());
  return { kernel1, bias1, kernel2, bias2 } as Weights;
}

const flat = (values: object): number[] => Object.values(values).flat(2) as number[];
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index])), 0);

/** After one step from zero, Adam's first moments are a tenth of the gradients: (1 - beta1) g. */
async function gradientsByFusedStep(model: tf.Sequential, x: number[][], y: number[][]): Promise<number[]> {
  const [inputs, labels] = [tf.tensor2d(x), tf.tensor2d(y)];
  await fit(model, inputs, labels, { batchSize: x.length, shuffle: false, verbose: 0 });
  const moments = (await model.optimizer.getWeights()).slice(1, 5); // the number of steps comes first
  const values = moments.flatMap(({ tensor }) => Array.from(tensor.dataSync(), (moment) => moment / 0.1));
  tf.dispose([inputs, labels]);
  return values;
}

describe('a fused training step', () => {
  test('has the gradients of the reference network', async () => {
    const { x, y } = tinyData();
    const model = tinyNetwork();
    const expected = flat(gradients(weightsOf(model), x, y));
    // float32 has 7 digits, and the gradients are below 1.
    expect(largestDifference(await gradientsByFusedStep(model, x, y), expected)).toBeLessThan(1e-6);
    model.dispose();
  });

  test.each(['relu', 'sigmoid', 'tanh', 'linear'] as const)(
    'has the gradients of finite differences: %s',
    async (activation) => {
      const { x, y } = tinyData();
      const model = tinyNetwork(activation);
      const weights = model.getWeights().map((weight) => Array.from(weight.dataSync()));
      const shapes = model.getWeights().map((weight) => weight.shape);
      const lossAt = (changed: number[][]): number =>
        tf.tidy(() => {
          const [kernel1, bias1, kernel2, bias2] = changed.map((values, index) => tf.tensor(values, shapes[index]));
          const inner = tf.add(tf.matMul(tf.tensor2d(x), kernel1 as tf.Tensor2D), bias1);
          const hidden = activation === 'linear' ? inner : tf[activation](inner);
          const logits = tf.add(tf.matMul(hidden as tf.Tensor2D, kernel2 as tf.Tensor2D), bias2);
          return tf.losses.softmaxCrossEntropy(tf.tensor2d(y), logits).dataSync()[0];
        });
      const step = 1e-2;
      const expected = weights.flatMap((values, index) =>
        values.map((value, position) => {
          const [above, below] = [step, -step].map((by) =>
            lossAt(
              weights.map((others, at) =>
                at === index ? Object.assign([...others], { [position]: value + by }) : others,
              ),
            ),
          );
          return (above - below) / (2 * step);
        }),
      );
      // The loss is exact to 1e-7 (float32), divided by 2e-2; the second-order error is 1e-4 of the third derivative.
      expect(largestDifference(await gradientsByFusedStep(model, x, y), expected)).toBeLessThan(5e-4);
      model.dispose();
    },
  );

  test('trains like the reference network in 64-bit floating point', async () => {
    const { x, y } = tinyData();
    const model = tinyNetwork();
    const expected = train(
      weightsOf(model),
      Array.from({ length: 100 }, () => ({ x, y })),
    );
    const [inputs, labels] = [tf.tensor2d(x), tf.tensor2d(y)];
    const { history } = await fit(model, inputs, labels, { epochs: 100, batchSize: 8, shuffle: false, verbose: 0 });
    // For a loss of about 1: float32 rounding, and 1 - beta2, which float32 represents with a relative error of 1.3e-5.
    expect(largestDifference(history.loss as number[], expected.losses)).toBeLessThan(1e-5);
    expect(largestDifference(flat(weightsOf(model)), flat(expected.weights))).toBeLessThan(1e-5);
    expect(expected.losses.at(-1)).toBeLessThan(meanLoss(weightsOf(tinyNetwork()), x, y)); // it does learn
    tf.dispose([inputs, labels]);
    model.dispose();
  });

  test("agrees with tfjs's own over 100 steps", async () => {
    const run = async (fused: '0' | '1'): Promise<{ losses: number[]; weights: Float32Array[] }> => {
      setSeed(13);
      process.env.FUSED_TRAINING = fused;
      const model = compiled(smallNetwork());
      const losses: number[] = [];
      const onBatchEnd = (_batch: number, logs?: tf.Logs): void => void losses.push(logs!.loss);
      await fit(model, data.x, data.y, { batchSize: BATCH, verbose: 0, callbacks: { onBatchEnd } });
      const weights = model.getWeights().map((weight) => weight.dataSync<'float32'>());
      model.dispose();
      return { losses, weights };
    };
    const [stock, fused] = [await run('0'), await run('1')];
    expect(fused.losses).toHaveLength(100);
    // Not to the last bit: the order of sums differs, and TensorFlow's 1 - beta2 is off by 1.3e-5 in float32. Training
    // magnifies such differences step by step; in the first 10 steps they are tiny.
    expect(largestDifference(fused.losses.slice(0, 10), stock.losses)).toBeLessThan(2e-5);
    expect(largestDifference(fused.losses, stock.losses)).toBeLessThan(2e-3);
    // A step changes a weight by about 0.001: after 100 steps, the difference is a few per cent of the whole change.
    stock.weights.forEach((weights, index) => {
      expect(largestDifference(fused.weights[index], weights)).toBeLessThan(5e-3);
    });
  });
});

describe('createFusedNetwork(model)', () => {
  const dense = (more: object = {}): tf.layers.Layer =>
    tf.layers.dense({ inputShape: [784], units: 8, activation: 'relu', ...more });
  const twoInputs = (): tf.Sequential => {
    const input = tf.input({ shape: [784] });
    return tf.model({
      inputs: input,
      outputs: tf.layers.dense({ units: 10, activation: 'softmax' }).apply(input) as tf.SymbolicTensor,
    }) as tf.Sequential;
  };

  test.each<[string, () => tf.LayersModel]>([
    ['another optimizer', () => compiled(smallNetwork([dense()]), 'sgd')],
    ['another loss', () => compiled(smallNetwork([dense()]), 'adam', 'meanSquaredError')],
    [
      'another last layer',
      () => compiled(tf.sequential({ layers: [dense(), tf.layers.dense({ units: 10, activation: 'sigmoid' })] })),
    ],
    ['another activation', () => compiled(smallNetwork([dense({ activation: 'elu' })]))],
    [
      'another metric',
      () => {
        const model = smallNetwork([dense()]);
        model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['mse'] });
        return model;
      },
    ],
    ['a regularizer', () => compiled(smallNetwork([dense({ kernelRegularizer: tf.regularizers.l2() })]))],
    ['a constraint', () => compiled(smallNetwork([dense({ kernelConstraint: 'nonNeg' })]))],
    ['a frozen layer', () => compiled(smallNetwork([dense({ trainable: false })]))],
    ['a layer that is not dense', () => compiled(smallNetwork([dense(), tf.layers.dropout({ rate: 0.5 })]))],
    ['a model that is not Sequential', () => compiled(twoInputs())],
  ])('leaves a model with %s to tfjs, which trains it', async (_what, build) => {
    const model = build();
    expect(createFusedNetwork(model)).toBeNull();
    const { history } = await fit(model, data.x, data.y, { batchSize: 500, verbose: 0 });
    expect(history.loss[0]).toBeGreaterThan(0);
    model.dispose();
  });

  test("leaves every model to tfjs on other backends than tfjs-node's", async () => {
    jest.spyOn(console, 'warn').mockImplementation(); // tfjs recommends tfjs-node here
    await tf.setBackend('cpu');
    const model = compiled(smallNetwork([dense()]));
    expect(createFusedNetwork(model)).toBeNull();
    model.dispose();
    await tf.setBackend('tensorflow');
    jest.restoreAllMocks();
  });

  test('supports a stack of any depth, with and without biases', async () => {
    const [second, third] = [{ useBias: false, activation: 'tanh' }, { activation: 'linear' }].map((more) =>
      dense({ ...more, inputShape: [8] }),
    );
    const model = compiled(smallNetwork([dense(), second, third]));
    createFusedNetwork(model)!.end(); // not null
    const { history } = await fit(model, data.x, data.y, { epochs: 3, batchSize: 100, verbose: 0 });
    expect(history.loss[2]).toBeLessThan(history.loss[0] as number);
    model.dispose();
  });

  test('leaks no tensors, neither in tfjs nor in the addon', async () => {
    const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    const model = compiled(smallNetwork());
    const train = () => fit(model, data.x, data.y, { epochs: 2, batchSize: 100, validationSplit: 0.1, verbose: 0 });
    await train();
    const before = [tf.memory().numTensors, binding.getNumOfTensors()];
    await train();
    expect([tf.memory().numTensors, binding.getNumOfTensors()]).toEqual(before);
    model.dispose();
  });

  test('frees the memory of a disposed model and its optimizer', async () => {
    const before = tf.memory().numTensors;
    const model = compiled(smallNetwork());
    await fit(model, data.x, data.y, { batchSize: 500, verbose: 0 });
    model.dispose(); // with the optimizer, which compile made
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('while and after fused training', () => {
  const train = (model: tf.LayersModel, options: tf.ModelFitArgs = {}) =>
    fit(model, data.x, data.y, { batchSize: 100, shuffle: false, verbose: 0, ...options });

  test('getWeights, predict and evaluate show the trained model', async () => {
    const model = compiled(smallNetwork());
    const before = model.getWeights()[0].dataSync();
    const { history } = await train(model, { epochs: 3, validationData: [data.x, data.y] });
    expect(model.getWeights()[0].dataSync()).not.toEqual(before);
    const [loss, accuracy] = (model.evaluate(data.x, data.y, { batchSize: 100 }) as tf.Scalar[]).map(
      (value) => value.dataSync()[0],
    );
    expect(loss).toBeCloseTo(history.val_loss[2] as number, 6);
    expect(accuracy).toBeCloseTo(history.val_acc[2] as number, 6);
    expect(accuracy).toBeGreaterThan(0.8);
    model.dispose();
  });

  test('callbacks see the current weights, also within an epoch', async () => {
    const model = compiled(smallNetwork());
    const seen: number[] = [];
    await train(model, { callbacks: { onBatchEnd: () => void seen.push(model.getWeights()[0].norm().dataSync()[0]) } });
    expect(new Set(seen).size).toBe(20);
    expect(seen.at(-1)).toBe(model.getWeights()[0].norm().dataSync()[0]);
    model.dispose();
  });

  test('training continues from weights that a callback sets', async () => {
    const model = compiled(smallNetwork());
    const zeros = model.getWeights().map((weight) => tf.zerosLike(weight));
    const losses: number[] = [];
    await train(model, {
      callbacks: {
        onBatchEnd: (batch, logs) => {
          losses.push(logs!.loss);
          if (batch === 4) {
            model.setWeights(zeros);
          }
        },
      },
    });
    expect(losses[5]).toBeCloseTo(Math.log(10), 5); // with all weights 0, each of ten classes has the same probability
    model.dispose();
  });

  test("training in two parts continues where the first ended, also with tfjs's own fit for the second", async () => {
    const run = async (second: (model: tf.LayersModel) => Promise<tf.History>): Promise<number> => {
      setSeed(13);
      const model = compiled(smallNetwork());
      await train(model);
      const { history } = await second(model);
      model.dispose();
      return history.loss[0] as number;
    };
    setSeed(13);
    const whole = compiled(smallNetwork());
    const { history } = await train(whole, { epochs: 2 });
    whole.dispose();
    expect(await run((model) => train(model))).toBe(history.loss[1]);
    const stock = (model: tf.LayersModel) => model.fit(data.x, data.y, { batchSize: 100, shuffle: false, verbose: 0 });
    expect(await run(stock)).toBeCloseTo(history.loss[1] as number, 4); // float32 rounding, as above
  });

  test('models trained in turn, a repeated compile and a model disposed of in between do not affect each other', async () => {
    const alone = compiled(smallNetwork());
    const { history: expected } = await train(alone, { epochs: 2 });

    setSeed(13);
    const model = compiled(smallNetwork());
    const first = await train(model);
    const other = compiled(smallNetwork());
    await train(other);
    other.dispose();
    const second = await train(model);
    expect([first.history.loss[0], second.history.loss[0]]).toEqual(expected.loss);
    compiled(model); // with a new Adam
    expect((await train(model)).history.loss[0]).toBeLessThan(expected.loss[1] as number);
    alone.dispose();
    model.dispose();
  });

  test('a model that is disposed of while it trains ends training with a clear message', async () => {
    const model = compiled(smallNetwork());
    const dispose = (): void => void model.dispose();
    await expect(train(model, { epochs: 2, callbacks: { onEpochEnd: dispose } })).rejects.toThrow(
      /disposed of while it trained/,
    );
    const next = compiled(smallNetwork());
    expect((await train(next)).history.loss).toHaveLength(1);
    next.dispose();
  });

  test('a second training at the same time is refused, and the first continues', async () => {
    const model = compiled(smallNetwork());
    const first = train(model, { epochs: 2 });
    await expect(train(model)).rejects.toThrow('the model is being trained already');
    expect((await first).history.loss).toHaveLength(2);
    model.dispose();
  });

  test('an error in a callback reaches the caller, and the model can be trained further', async () => {
    const model = compiled(smallNetwork());
    const fail = (): void => {
      throw new Error('mine');
    };
    await expect(train(model, { callbacks: { onBatchEnd: fail } })).rejects.toThrow('mine');
    expect((await train(model)).history.loss).toHaveLength(1);
    model.dispose();
  });

  test('the optimizer is saved and loaded as with tfjs', async () => {
    const model = compiled(smallNetwork());
    await train(model);
    const weights = await model.optimizer.getWeights();
    expect(weights[0].tensor.dataSync()[0]).toBe(20); // steps
    expect(weights).toHaveLength(1 + 2 * 4);
    expect(weights[1].tensor.shape).toEqual([784, 32]);
    model.dispose();
  });
});
