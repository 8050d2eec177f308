import * as tf from '@tensorflow/tfjs-node';
import { ACTIVATIONS, type DenseLayer, forward, packLayer, unpackLayer } from 'mnist-lib/dist/page/network';

test.each(ACTIVATIONS)('computes a dense layer with %s as tfjs does', (activation) => {
  const layer = tf.layers.dense({ units: 6, activation, inputShape: [5], biasInitializer: 'randomNormal' });
  const model = tf.sequential({ layers: [layer] });
  const inputs = [0, 1.5, -2, 0.25, 40];
  const [kernel, bias] = layer.getWeights().map((weights) => weights.dataSync<'float32'>());
  const outputs = forward([{ activation, kernel, bias }], inputs);
  const expected = tf.tidy(() => (model.predict(tf.tensor2d([inputs])) as tf.Tensor).dataSync());
  expected.forEach((value, unit) => expect(outputs[unit]).toBeCloseTo(value, 4));
});

test('softmax of large sums stays a share', () => {
  const layer: DenseLayer = { activation: 'softmax', kernel: Float32Array.of(1000, 999), bias: new Float32Array(2) };
  const [first, second] = Array.from(forward([layer], [2]));
  expect([first + second, second]).toEqual([
    expect.closeTo(1, 12),
    expect.closeTo(Math.exp(-2) / (1 + Math.exp(-2)), 6),
  ]);
});

test('rounds by unit: small weights beside large ones keep their digits, and a silent unit stays silent', () => {
  const kernel = Float32Array.of(127, 0.00127, 0, -64, -0.00064, 0); // [2, 3]
  const { kernel: rounded } = unpackLayer(packLayer({ activation: 'relu', kernel, bias: new Float32Array(3) }));
  rounded.forEach((weight, index) => expect(weight).toBeCloseTo(kernel[index], 8));
});
