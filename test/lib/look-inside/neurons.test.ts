import { firstOf, flatten, hiddenActivations, loadMnist, normalize, strongestNeurons } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';

/** Two inputs, three neurons, dropout, two classes. */
function network(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', inputShape: [2], units: 3, activation: 'relu' }),
      tf.layers.dropout({ name: 'drop', rate: 0.5 }),
      tf.layers.dense({ name: 'answer', units: 2, activation: 'softmax' }),
    ],
  });
  const weightsIn = [
    [3, 0, 1],
    [4, 1, 0],
  ]; // prettier-ignore -- lengths of the columns: 5, 1, 1
  const weightsOut = [
    [1, 0],
    [0, 6],
    [3, 4],
  ]; // prettier-ignore -- lengths of the rows: 1, 6, 5
  tf.tidy(() =>
    model.setWeights([tf.tensor2d(weightsIn), tf.tensor1d([0, -1, 0]), tf.tensor2d(weightsOut), tf.zeros([2])]),
  );
  return model;
}

let model: tf.Sequential;
beforeEach(() => {
  model = network();
});
afterEach(() => {
  model.dispose();
});

describe('strongestNeurons(model, count, layer)', () => {
  test('orders by the length of the weights in times the length of the weights out, past dropout', () => {
    expectNoLeak(() => {
      expect(strongestNeurons(model, 3)).toEqual([1, 0, 2]); // 1 · 6, 5 · 1, 1 · 5: among equal ones the first
      expect(strongestNeurons(model, 1, 'hidden')).toEqual([1]);
      expect(strongestNeurons(model, 1, 0)).toEqual([1]);
    });
  });

  test('stays the same if a neuron has more weight in and as much less out, with which ReLU computes the same', () => {
    tf.tidy(() => {
      const [kernel, bias, out, outBias] = model.getWeights();
      const [more, less] = [tf.tensor1d([8, 1, 1]), tf.tensor2d([[1 / 8], [1], [1]])];
      model.setWeights([kernel.mul(more), bias.mul(more), out.mul(less), outBias]);
    });
    expect(strongestNeurons(model, 3)).toEqual([1, 0, 2]);
  });

  test.each<[string, [number, (string | number)?], string]>([
    ['more neurons than there are', [4], 'cannot choose 4 of the 3 neurons of hidden (expected 1-3)'],
    ['no neuron', [0], 'cannot choose 0 of the 3 neurons of hidden (expected 1-3)'],
    [
      'an unknown layer',
      [1, 'hiden'],
      'the model has no layer hiden (expected the index or the name of one: 0 hidden, 1 drop, 2 answer)',
    ],
    ['the last layer', [1, 'answer'], 'after answer comes no layer with weights (expected a Dense layer)'],
    ['a layer without neurons', [1, 1], 'drop is a layer of the kind Dropout (expected Dense)'],
  ])('refuses %s', (_what, args, message) => {
    expect(() => strongestNeurons(model, ...args)).toThrow(new RangeError(message));
  });

  test('refuses a model without a Dense layer', () => {
    const flat = tf.sequential({ layers: [tf.layers.flatten({ name: 'flat', inputShape: [2, 2] })] });
    expect(() => strongestNeurons(flat, 1)).toThrow(
      new RangeError('the model has no Dense layer (its layers: 0 flat)'),
    );
  });
});

describe('hiddenActivations(model, x, layer)', () => {
  test('gives the outputs of the layer, computed by hand, for which dropout does nothing', () => {
    expectNoLeak(() => {
      const x = tf.tensor2d([[1, 2], [-1, 0.5]]); // prettier-ignore
      for (const layer of [undefined, 0, 'hidden', 1, 'drop']) {
        const activations = hiddenActivations(model, x, layer);
        expect(activations.arraySync()).toEqual([[11, 1, 1], [0, 0, 0]]); // prettier-ignore
        activations.dispose();
      }
      x.dispose();
    });
  });

  test('agrees with numpy for 1000 neurons and real digits', () => {
    // numpy 2.4.6, on the first three test digits, x of 0-1:
    // h = numpy.maximum(x @ numpy.sin(numpy.arange(784_000.).reshape(784, 1000)) / 10, 0); (h > 0).sum(1), h.sum(1)
    const wide = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [784], units: 1000, activation: 'relu', useBias: false })],
    });
    tf.tidy(() => wide.setWeights([tf.tensor2d(sines(784_000), [784, 1000])]));
    tf.tidy(() => {
      const activations = hiddenActivations(wide, normalize(flatten(firstOf(loadMnist().testImages, 3))));
      expect([activations.shape, activations.dtype]).toEqual([[3, 1000], 'float32']);
      expect(Array.from(activations.greater(0).sum(1).dataSync())).toEqual([499, 499, 500]);
      const sums = activations.sum(1).dataSync();
      [69.0212229, 13.32575031, 31.17153606].forEach((sum, index) => expect(sums[index]).toBeCloseTo(sum, 3));
    });
    wide.dispose();
  });

  test('refuses inputs that do not suit the model', () => {
    expect(() => hiddenActivations(model, tf.zeros([1, 3]))).toThrow(
      /x has the shape \[1, 3\] \(expected \[count, 2\]/,
    );
  });
});

/** sin(0), sin(1), ..., divided by 10. */
function sines(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => Math.sin(index) / 10);
}
