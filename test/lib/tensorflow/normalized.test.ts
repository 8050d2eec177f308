import * as tf from '@tensorflow/tfjs-node';
import { evaluate, fit, predict, randomShift, setSeed } from 'mnist-lib';
import { Graph, GraphDescription } from 'mnist-lib/dist/tensorflow/graph';
import { bytesOf, hasBytes, normalizedTensor } from 'mnist-lib/dist/tensorflow/normalized';
import { compiled, smallMnist, smallNetwork } from '../../helpers/small-mnist';

const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
const counts = (): number[] => [tf.memory().numTensors, tf.memory().numDataBuffers, binding.getNumOfTensors()];

/** All bytes, 9 times in another order each. */
const BYTES = Uint8Array.from({ length: 9 * 256 }, (_, index) => (index * (1 + 2 * Math.floor(index / 256))) % 256);
const SHAPE = [9, 16, 16];
const normalized = (): tf.Tensor3D => normalizedTensor(BYTES, SHAPE) as tf.Tensor3D;
/** The same numbers, divided by JavaScript. */
const expected = (): tf.Tensor3D =>
  tf.tensor3d(
    Float32Array.from(BYTES, (byte) => byte / 255),
    [9, 16, 16],
  );

beforeAll(() => {
  tf.tidy(() => void normalized().add(1)); // makes the graph that divides
});

test.each<[string, (x: tf.Tensor3D) => tf.Tensor]>([
  ['slice', (x) => x.slice([2, 3, 1], [4, -1, 5])],
  ['a slice of a slice', (x) => x.slice(2, 4).slice([1, 0, 3], [2, 16, 2])],
  ['gather', (x) => tf.gather(x, [8, 0, 3, 3])],
  ['gather along another axis', (x) => tf.gather(x, [15, 2], 2)],
  [
    'gather with a dimension of batches',
    (x) => tf.gather(x, tf.tensor2d(Array(9).fill([3, 1]), [9, 2], 'int32'), 1, 1),
  ],
  ['reshape', (x) => x.reshape([18, -1])],
  ['flatten', (x) => x.flatten()],
  ['clone', (x) => x.clone()],
])('%s moves the bytes, and gives the same numbers', (_what, move) => {
  const before = counts();
  tf.tidy(() => {
    const [x, result, wanted] = [normalized(), move(normalized()), move(expected())];
    expect(hasBytes(result)).toBe(true);
    expect([result.dtype, result.shape]).toEqual(['float32', wanted.shape]);
    expect(result.dataSync()).toEqual(wanted.dataSync());
    expect([hasBytes(result), hasBytes(x)]).toEqual([false, true]);
  });
  expect(counts()).toEqual(before);
});

test.each<[string, (x: tf.Tensor3D) => tf.Tensor]>([
  ['a sum', (x) => x.sum()],
  ['arithmetic', (x) => x.mul(2).sub(x)],
  ['a product', (x) => tf.matMul(x, x, false, true)],
  ['transpose', (x) => x.transpose([2, 0, 1])],
  ['concat', (x) => tf.concat([x, x.slice(1, 2)])],
  ['split', (x) => tf.split(x, 3)[1]],
  ['unstack', (x) => tf.unstack(x)[8]],
  ['a comparison', (x) => x.greater(0.5)],
  ['cast', (x) => x.mul(10).toInt()],
  ['a gradient', (x) => tf.grad((each) => each.slice(2, 3).square().sum())(x)],
])('%s makes floats of the bytes once, and gives the same numbers', (_what, compute) => {
  const before = counts();
  tf.tidy(() => {
    const x = normalized();
    expect(compute(x).dataSync()).toEqual(compute(expected()).dataSync());
    expect(compute(x).dataSync()).toEqual(compute(expected()).dataSync());
  });
  expect(counts()).toEqual(before);
});

test('reading all numbers makes floats, once for all tensors that share them', async () => {
  const x = normalized();
  const copy = x.clone();
  expect(await x.data()).toEqual(expected().dataSync());
  expect([hasBytes(x), hasBytes(copy)]).toEqual([false, false]);
  x.dispose();
  expect(copy.dataSync()).toEqual(expected().dataSync());
  copy.dispose();
});

test('bytes that change afterwards do not change the tensor, wherever they lie in memory', () => {
  const memory = new Uint8Array(256);
  for (let offset = 0; offset <= 128; offset++) {
    const bytes = memory.subarray(offset, offset + 100).fill(51);
    const x = normalizedTensor(bytes, [100]);
    bytes.fill(255);
    expect(x.dataSync()[0]).toBe(Math.fround(0.2));
    x.dispose();
  }
});

test('the bytes stay when floats are made of them, and when the tensor is disposed of', () => {
  const description = new GraphDescription();
  const input = description.input('bytes', 'DT_UINT8');
  description.add('numbers', 'Cast', [input], { SrcT: { type: 'DT_UINT8' }, DstT: { type: 'DT_INT32' } });
  const graph = new Graph(description);
  const before = counts();
  const x = normalized();
  const bytes = bytesOf(x);
  x.dataSync();
  x.dispose();
  const [numbers] = graph.run({ bytes }, ['numbers']);
  expect(numbers.dataSync()).toEqual(Int32Array.from(BYTES));
  tf.dispose([bytes, numbers]);
  expect(counts()).toEqual(before);
  graph.delete();
});

describe('training', () => {
  const layers = (): tf.layers.Layer[] => [
    tf.layers.dense({ inputShape: [784], units: 32, activation: 'relu' }),
    tf.layers.dropout({ rate: 0.2, seed: 5 }),
  ];
  type Options = Pick<tf.ModelFitArgs, 'callbacks' | 'validationSplit'>;

  /** Trains, and returns what came of it. */
  async function train(x: tf.Tensor, y: tf.Tensor, first: tf.layers.Layer[], options: Options): Promise<unknown> {
    setSeed(13);
    const model = compiled(smallNetwork([...first, ...layers()]));
    const { history } = await fit(model, x, y, { epochs: 2, batchSize: 70, verbose: 0, ...options });
    const result: unknown[] = [history, ...model.getWeights().map((weight) => weight.dataSync())];
    const { loss } = evaluate(model, x, y);
    const probabilities = predict(model, x);
    result.push(loss, probabilities.dataSync());
    probabilities.dispose();
    model.dispose();
    return result;
  }

  test.each<[string, () => tf.layers.Layer[], (x: tf.Tensor, y: tf.Tensor) => tf.ModelFitArgs, boolean]>([
    ['', () => [], () => ({}), true],
    [', with validation on a part', () => [], () => ({ validationSplit: 0.3 }), true],
    [', with validation on others', () => [], (x, y) => ({ validationData: [x.slice(5, 9), y.slice(5, 9)] }), true],
    [
      ', with validation on floats',
      () => [],
      (x, y) => ({ validationData: [x.slice(5, 9).add(0), y.slice(5, 9)] }),
      false,
    ],
    [', with random shifts', () => [randomShift({ pixels: 1, inputShape: [784] })], () => ({}), true],
    [
      ', while a callback needs the floats',
      () => [],
      (x) => ({ callbacks: { onEpochEnd: () => x.add(0).dispose() } }),
      false,
    ],
  ])('gives to the last bit what it gives on floats%s', async (_what, first, optionsOf, staysBytes) => {
    const data = smallMnist(500);
    const floats = tf.tensor2d(data.x.slice(0, 500).dataSync(), [500, 784]);
    const run = async (x: tf.Tensor): Promise<unknown> => {
      const options = optionsOf(x, data.y);
      const result = await train(x, data.y, first(), options);
      tf.dispose(options.validationData ?? []);
      return result;
    };
    expect(hasBytes(floats)).toBe(false);
    expect(await run(data.x)).toEqual(await run(floats));
    expect(hasBytes(data.x)).toBe(staysBytes);
    tf.dispose([data, floats]);
  });

  test("tfjs's own training takes batches of bytes", async () => {
    const data = smallMnist(500);
    const model = compiled(smallNetwork(), 'sgd');
    await fit(model, data.x, data.y, { batchSize: 70, verbose: 0 });
    expect(hasBytes(data.x)).toBe(true);
    model.dispose();
    tf.dispose(data);
  });
});
