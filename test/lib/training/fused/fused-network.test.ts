import * as tf from '@tensorflow/tfjs-node';
import { evaluate, fit, randomShift, setSeed } from 'mnist-lib';
import { Graph, GraphDescription } from 'mnist-lib/dist/tensorflow/graph';
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

type Activation = 'relu' | 'sigmoid' | 'tanh' | 'linear';
type Dropout = { rate: number; seed: number };

/** With dropout of the inputs and of the hidden layer, if that is given. */
function tinyNetwork(activation: Activation = 'relu', [input, hidden]: Dropout[] = []): tf.Sequential {
  const layers = [
    ...(input ? [tf.layers.dropout({ ...input, inputShape: [4] })] : []),
    tf.layers.dense({ inputShape: [4], units: 5, activation, biasInitializer: 'randomNormal' }),
    ...(hidden ? [tf.layers.dropout(hidden)] : []),
    tf.layers.dense({ units: 3, activation: 'softmax' }),
  ];
  return compiled(tf.sequential({ layers }));
}

const DROPOUT: Dropout[] = [
  { rate: 0.25, seed: 7 },
  { rate: 0.5, seed: 8 },
];

/** What dropout multiplies the inputs and the hidden layer of the tiny network by, from TensorFlow's random numbers. */
function factorsOfStep(step: number, batchSize: number): tf.Tensor2D[] {
  const int = { type: 'DT_INT32' } as const;
  const description = new GraphDescription();
  const inputs = [description.input('shape', 'DT_INT32', [2]), description.input('seed', 'DT_INT32', [2])];
  description.add('uniform', 'StatelessRandomUniform', inputs, { dtype: { type: 'DT_FLOAT' }, T: int, Tseed: int });
  const graph = new Graph(description);
  const factors = DROPOUT.map(({ rate, seed }, index) => {
    const shape: [number, number] = [batchSize, [4, 5][index]];
    const [uniform] = graph.compute({ shape: Int32Array.from(shape), seed: Int32Array.of(seed, step) }, ['uniform']);
    return tf.tensor2d(
      uniform.map((number) => (number < rate ? 0 : 1 / (1 - rate))),
      shape,
    );
  });
  graph.delete();
  return factors;
}

/** The mean loss of the tiny network with these weights, by tfjs. */
function lossOf(
  [kernel1, bias1, kernel2, bias2]: tf.Tensor[],
  x: number[][],
  y: number[][],
  activation: Activation,
  [inputFactors, hiddenFactors]: tf.Tensor[] = [],
): tf.Scalar {
  const inputs = inputFactors ? tf.mul(tf.tensor2d(x), inputFactors) : tf.tensor2d(x);
  const inner = tf.add(tf.matMul(inputs as tf.Tensor2D, kernel1 as tf.Tensor2D), bias1);
  const active = activation === 'linear' ? inner : tf[activation](inner);
  const hidden = hiddenFactors ? tf.mul(active, hiddenFactors) : active;
  const logits = tf.add(tf.matMul(hidden as tf.Tensor2D, kernel2 as tf.Tensor2D), bias2);
  return tf.losses.softmaxCrossEntropy(tf.tensor2d(y), logits);
}

/**
 * The gradients of the tiny network by finite differences, good to 5e-4: the loss is exact to 1e-7 (float32), divided by
 * 2e-2; the second-order error is 1e-4 of the third derivative.
 */
function finiteDifferences(
  model: tf.Sequential,
  x: number[][],
  y: number[][],
  activation: Activation,
  factors: tf.Tensor[] = [],
): number[] {
  const weights = model.getWeights().map((weight) => Array.from(weight.dataSync()));
  const shapes = model.getWeights().map((weight) => weight.shape);
  const lossAt = (changed: number[][]): number =>
    tf.tidy(() => {
      const tensors = changed.map((values, index) => tf.tensor(values, shapes[index]));
      return lossOf(tensors, x, y, activation, factors).dataSync()[0];
    });
  const step = 1e-2;
  return weights.flatMap((values, index) =>
    values.map((value, position) => {
      const [above, below] = [step, -step].map((by) =>
        lossAt(
          weights.map((others, at) => (at === index ? Object.assign([...others], { [position]: value + by }) : others)),
        ),
      );
      return (above - below) / (2 * step);
    }),
  );
}

/** What the softmax of a stack of dense layers gets, by tfjs. */
function logitsOf(model: tf.Sequential, x: tf.Tensor): tf.Tensor {
  return model.layers.reduce((input, layer) => {
    const [kernel, bias] = layer.trainableWeights.map((weight) => weight.read());
    const product = tf.matMul(input, kernel);
    const sum = bias ? tf.add(product, bias) : product;
    const activation = layer.getConfig().activation as Activation | 'softmax';
    return activation === 'softmax' || activation === 'linear' ? sum : tf[activation](sum);
  }, x);
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
      const expected = finiteDifferences(model, x, y, activation);
      expect(largestDifference(await gradientsByFusedStep(model, x, y), expected)).toBeLessThan(5e-4);
      model.dispose();
    },
  );

  test.each(['relu', 'sigmoid', 'tanh', 'linear'] as const)(
    'has the gradients of finite differences with dropout before and after a layer: %s',
    async (activation) => {
      const { x, y } = tinyData();
      const model = tinyNetwork(activation, DROPOUT);
      const expected = finiteDifferences(model, x, y, activation, factorsOfStep(0, x.length));
      expect(largestDifference(await gradientsByFusedStep(model, x, y), expected)).toBeLessThan(5e-4);
      model.dispose();
    },
  );

  test.each([true, false])(
    'has the gradients of tfjs in layers that are divided into parts, with bias: %p',
    async (useBias) => {
      const layers = [130, 70, 200, 64, 10].map((units, index, { length }) =>
        tf.layers.dense({
          units,
          useBias,
          biasInitializer: 'randomNormal',
          activation: index === length - 1 ? 'softmax' : (['relu', 'tanh', 'linear', 'sigmoid'] as const)[index],
          ...(index === 0 && { inputShape: [784] }),
        }),
      );
      const model = compiled(tf.sequential({ layers }));
      const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(data.y, logitsOf(model, data.x)));
      const expected = model.trainableWeights.flatMap(({ name }) => Array.from(grads[name].dataSync()));
      await fit(model, data.x, data.y, { batchSize: 2000, verbose: 0 });
      const moments = (await model.optimizer.getWeights()).slice(1, 1 + model.trainableWeights.length);
      const actual = moments.flatMap(({ tensor }) => Array.from(tensor.dataSync(), (moment) => moment / 0.1));
      expect(actual).toHaveLength(expected.length);
      expect(largestDifference(actual, expected)).toBeLessThan(1e-6);
      expect(
        largestDifference(
          expected,
          expected.map(() => 0),
        ),
      ).toBeGreaterThan(1e-2); // of this size
      tf.dispose([value, grads]);
      model.dispose();
    },
  );

  test('trains like tfjs with the same dropout put in by hand', async () => {
    const { x, y } = tinyData();
    const model = tinyNetwork('relu', DROPOUT);
    const variables = model.getWeights().map((weight) => tf.variable(weight));
    const adam = tf.train.adam();
    const expected = Array.from({ length: 100 }, (_, step) => {
      const factors = factorsOfStep(step, x.length);
      const loss = (): tf.Scalar => lossOf(variables, x, y, 'relu', factors);
      return tf.tidy(() => adam.minimize(loss, true)!.dataSync()[0]);
    });
    const [inputs, labels] = [tf.tensor2d(x), tf.tensor2d(y)];
    const { history } = await fit(model, inputs, labels, { epochs: 100, batchSize: 8, shuffle: false, verbose: 0 });
    expect(largestDifference(history.loss as number[], expected)).toBeLessThan(1e-4); // of about 1, as above
    tf.dispose([inputs, labels, variables]);
    adam.dispose();
    model.dispose();
  });

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

  test.each<[string, () => tf.layers.Layer[]]>([
    ['', () => []],
    [', with random shifts', () => [randomShift({ pixels: 1, inputShape: [784] })]],
  ])("agrees with tfjs's own over 100 steps%s", async (_what, first) => {
    const run = async (fused: '0' | '1'): Promise<{ losses: number[]; weights: Float32Array[] }> => {
      setSeed(13);
      process.env.FUSED_TRAINING = fused;
      const hidden = tf.layers.dense({ inputShape: [784], units: 100, activation: 'relu' });
      const model = compiled(smallNetwork([...first(), hidden]));
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

describe('several training steps in one run of the graph', () => {
  /** With everything that is random in a step. */
  const network = (): tf.Sequential => {
    setSeed(13);
    const hidden = tf.layers.dense({ units: 100, activation: 'relu' });
    const layers = [randomShift({ pixels: 1, inputShape: [784] }), hidden, tf.layers.dropout({ rate: 0.5 })];
    return compiled(smallNetwork(layers));
  };
  const stateOf = async (model: tf.LayersModel): Promise<number[][]> => {
    const ofOptimizer = (await model.optimizer.getWeights()).map(({ tensor }) => tensor);
    return [...model.getWeights(), ...ofOptimizer].map((tensor) => Array.from(tensor.dataSync()));
  };

  test('have the results of as many runs, to the last bit', async () => {
    const batches = [30, 20, 40, 10].map((size, index) => Int32Array.from({ length: size }, (_, i) => 100 * index + i));
    const train = async (runs: Int32Array[][]): Promise<[object, number[][]]> => {
      const model = network();
      const fused = createFusedNetwork(model)!;
      const logs = runs.flatMap((run) => fused.trainBatches(data, run));
      fused.end();
      const state = await stateOf(model);
      model.dispose();
      return [logs, state];
    };
    const oneByOne = await train(batches.map((batch) => [batch]));
    expect(oneByOne[0]).toHaveLength(4);
    expect(await train([batches])).toEqual(oneByOne);
    expect(await train([batches.slice(0, 3), batches.slice(3)])).toEqual(oneByOne);
  });

  test('are made by fit if no callback looks at the model between batches, which changes no bit', async () => {
    const runs = jest.spyOn(Graph.prototype, 'compute');
    const train = async (callbacks: tf.CustomCallbackArgs): Promise<[object, number[][], number]> => {
      const model = network();
      runs.mockClear();
      const options = { epochs: 3, batchSize: 60, verbose: 0 as const, callbacks };
      const { history } = await fit(model, data.x, data.y, options);
      const state = await stateOf(model);
      model.dispose();
      return [history, state, runs.mock.calls.length];
    };
    const [batches, epochs] = [[] as number[], [] as number[]];
    const [history, state, count] = await train({ onBatchEnd: (batch) => void batches.push(batch) });
    const [otherHistory, otherState, otherCount] = await train({ onEpochEnd: (epoch) => void epochs.push(epoch) });
    runs.mockRestore();
    expect([batches.length, epochs.length]).toEqual([3 * 34, 3]);
    expect([otherHistory, otherState]).toEqual([history, state]);
    expect(count).toBe(3 * 34);
    expect(otherCount).toBeLessThan(3 * 34);
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
    ['a layer that it does not know', () => compiled(smallNetwork([dense(), tf.layers.batchNormalization()]))],
    [
      'dropout of the same inputs in the whole batch',
      () => compiled(smallNetwork([dense(), tf.layers.dropout({ rate: 0.5, noiseShape: [1, 8] })])),
    ],
    [
      'dropout at the end',
      () => compiled(tf.sequential({ layers: [...smallNetwork([dense()]).layers, tf.layers.dropout({ rate: 0.01 })] })),
    ],
    ['shifts behind a layer', () => compiled(smallNetwork([dense({ units: 9 }), randomShift({ pixels: 1 })]))],
    ['a model that is not Sequential', () => compiled(twoInputs())],
  ])('leaves a model with %s to tfjs, which trains it', async (_what, build) => {
    const model = build();
    expect(createFusedNetwork(model)).toBeNull();
    const { history } = await fit(model, data.x, data.y, { batchSize: 500, verbose: 0 });
    expect(history.loss[0]).toBeGreaterThan(0);
    model.dispose();
  });

  test('leaves a model without a dense layer to tfjs', () => {
    const model = compiled(tf.sequential({ layers: [tf.layers.dropout({ rate: 0, inputShape: [784] })] }));
    expect(createFusedNetwork(model)).toBeNull();
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

describe('random layers in fused training', () => {
  /**
   * What the softmax layer behind some layers gets of two digits in a step: with all weights 0, the gradients of its kernel are
   * the sum over both digits of what it gets times (1 / numClasses - label) / 2.
   */
  async function seenByLastLayer(layers: tf.layers.Layer[], x: tf.Tensor2D): Promise<number[][]> {
    const last = tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: 'zeros' });
    const model = compiled(tf.sequential({ layers: [...layers, last] }));
    const y = tf.tensor2d([[1, 0, 0], [0, 1, 0]]); // prettier-ignore
    createFusedNetwork(model)!.end(); // not null
    await fit(model, x, y, { batchSize: 2, shuffle: false, verbose: 0 });
    const moment = (await model.optimizer.getWeights())[
      2 * layers.filter((layer) => layer.weights.length > 0).length + 1
    ];
    const gradients = (moment.tensor as tf.Tensor2D).arraySync().map((row) => row.map((value) => value / 0.1));
    y.dispose();
    model.dispose();
    return [0, 1].map((digit) => gradients.map((row) => 2 * (row[2] - row[digit])));
  }
  const dropped = (seed?: number): Promise<number[][]> =>
    seenByLastLayer([tf.layers.dropout({ rate: 0.3, seed, inputShape: [5000] })], ones);
  let ones: tf.Tensor2D;
  beforeAll(() => (ones = tf.ones([2, 5000])));
  afterAll(() => ones.dispose());

  test('dropout sets its share of the outputs to 0, others of each example, and enlarges the rest', async () => {
    const rows = await dropped();
    for (const row of rows) {
      const zeros = row.filter((value) => Math.abs(value) < 1e-4).length;
      expect(Math.abs(zeros - 1500)).toBeLessThan(5 * Math.sqrt(5000 * 0.3 * 0.7)); // 5 standard deviations
      expect(row.filter((value) => Math.abs(value - 1 / 0.7) < 1e-4)).toHaveLength(5000 - zeros);
    }
    const differing = rows[0].filter((value, index) => Math.abs(value - rows[1][index]) > 1).length;
    expect(Math.abs(differing - 2100)).toBeLessThan(5 * Math.sqrt(5000 * 0.42 * 0.58)); // 2 · 0.3 · 0.7 of them
  });

  test('dropout drops other outputs in each part of a layer', async () => {
    const hidden = tf.layers.dense({
      units: 4 * 64,
      kernelInitializer: 'zeros',
      biasInitializer: 'ones',
      inputShape: [5000],
    });
    const [row] = await seenByLastLayer([hidden, tf.layers.dropout({ rate: 0.5, seed: 5 })], ones);
    const masks = [0, 1, 2, 3].map((part) => row.slice(64 * part, 64 * (part + 1)).map((value) => value > 1));
    masks.forEach((mask, part) => {
      masks.slice(0, part).forEach((other) => {
        const differing = mask.filter((isKept, index) => isKept !== other[index]).length;
        expect(Math.abs(differing - 32)).toBeLessThan(5 * Math.sqrt(64 * 0.25)); // half of them; 5 standard deviations
      });
    });
  });

  test("dropout follows setSeed, and a layer's own seed whatever setSeed was", async () => {
    const first = await dropped();
    expect(await dropped()).not.toEqual(first);
    setSeed(13);
    expect(await dropped()).toEqual(first);
    const own = await dropped(5);
    expect(await dropped(5)).toEqual(own);
    expect(await dropped(6)).not.toEqual(own);
  });

  test('shifts give the last layer the digits that the layer itself gives', async () => {
    const x = data.x.slice([0, 0], [2, 784]);
    for (const seed of [1, 2, 3, 4]) {
      const layer = randomShift({ pixels: 3, inputShape: [784] });
      setSeed(seed);
      const expected = tf.tidy(() => (layer.apply(x, { training: true }) as tf.Tensor2D).arraySync());
      setSeed(seed);
      const seen = await seenByLastLayer([layer], x);
      expect(largestDifference(seen.flat(), expected.flat())).toBeLessThan(1e-5);
    }
    x.dispose();
  });

  test('validation is without dropout and shifts', async () => {
    const hidden = tf.layers.dense({ units: 100, activation: 'relu' });
    const layers = [randomShift({ pixels: 2, inputShape: [784] }), hidden, tf.layers.dropout({ rate: 0.7 })];
    const model = compiled(smallNetwork(layers));
    const options = {
      batchSize: 100,
      verbose: 0 as const,
      validationData: [data.x, data.y] as [tf.Tensor, tf.Tensor],
    };
    const { history } = await fit(model, data.x, data.y, options);
    expect(history.val_loss[0]).toBeCloseTo(evaluate(model, data.x, data.y).loss, 5);
    model.dispose();
  });

  test.each([0, 1])('dropout of %p drops nothing, as in tfjs', async (rate) => {
    const train = async (more: tf.layers.Layer[]): Promise<unknown> => {
      setSeed(13);
      const hidden = tf.layers.dense({ inputShape: [784], units: 8, activation: 'relu' });
      const model = compiled(smallNetwork([hidden, ...more]));
      const { history } = await fit(model, data.x, data.y, { batchSize: 200, verbose: 0 });
      model.dispose();
      return history;
    };
    expect(await train([tf.layers.dropout({ rate })])).toEqual(await train([]));
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
    expect(weights[1].tensor.shape).toEqual([784, 100]);
    model.dispose();
  });
});
