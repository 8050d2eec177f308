import { inputGradient } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';

const INPUTS = 4;
const CLASSES = 3;
const dense = (units: number, activation?: 'relu' | 'tanh' | 'softmax', more: object = {}) =>
  tf.layers.dense({ units, activation, biasInitializer: 'glorotNormal', ...more });
const first = { inputShape: [INPUTS] };

const NETWORKS: Record<string, () => tf.layers.Layer[]> = {
  'with ReLU and dropout': () => [dense(8, 'relu', first), tf.layers.dropout({ rate: 0.5 }), dense(CLASSES, 'softmax')],
  'with two layers of tanh': () => [dense(6, 'tanh', first), dense(5, 'tanh'), dense(CLASSES, 'softmax')],
  'without a hidden layer': () => [dense(CLASSES, 'softmax', first)],
  'without biases': () => [
    dense(6, 'tanh', { ...first, useBias: false }),
    dense(CLASSES, 'softmax', { useBias: false }),
  ],
  'with softmax as an activation layer': () => [
    dense(6, 'tanh', first),
    dense(CLASSES),
    tf.layers.activation({ activation: 'softmax' }),
  ],
  'with softmax as a layer of its own': () => [dense(6, 'tanh', first), dense(CLASSES), tf.layers.softmax()],
};

/** The log-odds of a class, computed in double precision, without TensorFlow. */
function logOdds(model: tf.Sequential, x: number[], label: number): number {
  let values = x;
  for (const layer of model.layers.filter(({ weights }) => weights.length > 0)) {
    const [kernel, bias] = layer.getWeights().map((weight) => weight.arraySync()) as [number[][], number[] | undefined];
    const { activation } = layer.getConfig();
    values = kernel[0].map((_, unit) => {
      const sum = values.reduce((total, value, input) => total + value * kernel[input][unit], bias?.[unit] ?? 0);
      return activation === 'relu' ? Math.max(0, sum) : activation === 'tanh' ? Math.tanh(sum) : sum;
    });
  }
  const others = values.filter((_, index) => index !== label);
  return values[label] - Math.log(others.reduce((sum, value) => sum + Math.exp(value), 0));
}

describe('inputGradient(model, x, labels)', () => {
  test.each(Object.entries(NETWORKS))('agrees with finite differences for a network %s', (_what, layers) => {
    expectNoLeak(() => {
      const model = tf.sequential({ layers: layers() });
      const x = [[0.3, -0.8, 0.1, 0.7], [1, 0, 0.5, -0.2]]; // prettier-ignore
      const labels = [2, 0];
      const inputs = tf.tensor2d(x);
      const gradients = inputGradient(model, inputs, labels);
      const found = gradients.arraySync() as number[][];
      tf.dispose([inputs, gradients]);
      const h = 1e-6;
      labels.forEach((label, example) =>
        x[example].forEach((_, pixel) => {
          const moved = [h, -h].map((by) => x[example].map((value, index) => value + (index === pixel ? by : 0)));
          const [above, below] = moved.map((values) => logOdds(model, values, label));
          expect(found[example][pixel]).toBeCloseTo((above - below) / (2 * h), 4);
        }),
      );
      model.dispose();
    });
  });

  test('is the gradient of log p, divided by 1 - p', () => {
    const model = tf.sequential({ layers: NETWORKS['with two layers of tanh']() });
    tf.tidy(() => {
      const x = tf.tensor2d([[0.3, -0.8, 0.1, 0.7]]);
      const p = (inputs: tf.Tensor) => (model.apply(inputs) as tf.Tensor).slice([0, 1], [1, 1]).sum();
      const ofLog = tf.grad((inputs: tf.Tensor) => tf.log(p(inputs)))(x);
      const expected = ofLog.div(tf.sub(1, p(x))).dataSync();
      inputGradient(model, x, [1])
        .dataSync()
        .forEach((value, pixel) => expect(value).toBeCloseTo(expected[pixel], 4));
    });
    model.dispose();
  });

  test('does not fade where float32 rounds p to 1, nor where it rounds it to 0', () => {
    const model = tf.sequential({ layers: [dense(2, 'softmax', { inputShape: [1] })] });
    tf.tidy(() => model.setWeights([tf.tensor2d([[200, -100]]), tf.zeros([2])])); // logits 200 and -100
    tf.tidy(() => {
      const x = tf.ones([1, 1]);
      expect(Array.from((model.predict(x) as tf.Tensor).dataSync())).toEqual([1, 0]);
      expect(inputGradient(model, x, [0]).dataSync()[0]).toBeCloseTo(300, 3);
      expect(inputGradient(model, x, [1]).dataSync()[0]).toBeCloseTo(-300, 3);
    });
    model.dispose();
  });

  test.each<[string, number[], string]>([
    ['too few labels', [1], '1 labels for 2 inputs (expected one each)'],
    ['a label that is not a class', [1, 3], 'label 3 at index 1 is not a class (expected 0-2)'],
    ['a label that is not whole', [0.5, 1], 'label 0.5 at index 0 is not a class (expected 0-2)'],
  ])('refuses %s', (_what, labels, message) => {
    const model = tf.sequential({ layers: NETWORKS['without a hidden layer']() });
    tf.tidy(() => expect(() => inputGradient(model, tf.zeros([2, INPUTS]), labels)).toThrow(new RangeError(message)));
    model.dispose();
  });

  test('refuses a model that does not end with softmax', () => {
    const model = tf.sequential({ layers: [dense(CLASSES, 'tanh', { ...first, name: 'answer' })] });
    tf.tidy(() =>
      expect(() => inputGradient(model, tf.zeros([1, INPUTS]), [0])).toThrow(
        new RangeError('the model ends with answer (Dense, tanh) (expected a layer with the activation softmax)'),
      ),
    );
    model.dispose();
  });
});
