import * as tf from '@tensorflow/tfjs-node';
import { JSDOM } from 'jsdom';
import {
  type MimeBundle,
  digitPad,
  evaluate,
  flatten,
  loadMnist,
  normalize,
  oneHot,
  predict,
  toLabels,
} from 'mnist-lib';
import { unpackLayer } from 'mnist-lib/dist/page/network';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { pretrainedNetwork } from '../../helpers/pretrained-network';

const { testImages, testLabels } = loadMnist();
const dense = (units: number, activation: string, inputShape?: number[]) =>
  tf.layers.dense({ units, activation: activation as 'relu', ...(inputShape && { inputShape }) });
const stack = (...layers: tf.layers.Layer[]) => tf.sequential({ layers });

test('8 bits a weight cost the trained network no accuracy on the 10,000 test digits, and 0.8 MB', async () => {
  const model = await pretrainedNetwork();
  const [x, y] = [normalize(flatten(testImages)), oneHot(testLabels, 10)];
  const before = evaluate(model, x, y);
  const labels = toLabels(predict(model, x));
  const pad = digitPad(model, testImages);
  const weights = pad.layers.map(unpackLayer).flatMap(({ kernel, bias }) => [kernel, bias]);
  model.setWeights(model.getWeights().map((weight, index) => tf.tensor(weights[index], weight.shape)));
  const after = evaluate(model, x, y);
  expect([before.accuracy, after.accuracy]).toEqual([0.9829, 0.9829]);
  expect(Math.abs(after.loss - before.loss)).toBeLessThan(1e-4);
  expect(toLabels(predict(model, x)).filter((label, index) => label !== labels[index])).toHaveLength(2);
  const bytes = pad.layers.reduce((sum, { kernel }) => sum + Buffer.from(kernel, 'base64').length, 0);
  expect(bytes).toBe(784 * 1000 + 1000 * 10);
  tf.dispose([x, y]);
});

test('each weight is off by at most half a step of 127 to the largest of its unit', () => {
  const model = stack(dense(5, 'tanh', [784]), dense(3, 'softmax'));
  const layers = digitPad(model, testImages).layers.map(unpackLayer);
  model.layers.forEach((layer, index) => {
    const [kernel, bias] = layer.getWeights().map((weights) => weights.dataSync());
    const units = bias.length;
    const largest = Array.from({ length: units }, (_, unit) =>
      Math.max(...kernel.filter((_, at) => at % units === unit).map(Math.abs)),
    );
    kernel.forEach((weight, at) => {
      const error = Math.abs(layers[index].kernel[at] - weight);
      expect(error).toBeLessThanOrEqual((largest[at % units] / 127 / 2) * 1.001);
    });
    expect(layers[index].bias).toEqual(bias);
  });
});

test('keeps the weights as they are, leaves out what acts in training only, and makes no tensor', () => {
  const model = stack(dense(4, 'relu', [784]), tf.layers.dropout({ rate: 0.5 }), dense(2, 'softmax'));
  expectNoLeak(() => {
    const pad = digitPad(model, testImages);
    expect(pad.layers.map(({ activation }) => activation)).toEqual(['relu', 'softmax']);
    const before = JSON.stringify(pad);
    tf.tidy(() => model.setWeights(model.getWeights().map((weight) => weight.mul(2))));
    expect(JSON.stringify(pad)).toBe(before);
  });
});

test('is described in words, with a picture of the first image and its bars', () => {
  const model = stack(
    tf.layers.dense({ units: 2, activation: 'softmax', inputShape: [784], kernelInitializer: 'zeros' }),
  );
  const pad = digitPad(model, testImages) as unknown as Record<symbol, () => MimeBundle>;
  const bundle = pad[Symbol.for('Jupyter.display')]();
  expect(bundle['text/plain']).toBe(
    'A pad to draw a digit on, with the probability of each class as a bar. In the picture, the network answers 0 with 50 %.',
  );
  const html = new JSDOM(bundle['text/html'] as string).window.document;
  const address = html.querySelector('img')!.src;
  const svg = new JSDOM(Buffer.from(address.split(',')[1], 'base64'), { contentType: 'image/svg+xml' }).window.document;
  const texts = [...svg.querySelectorAll('text')].map(({ textContent }) => textContent);
  expect(texts).toEqual(['0', '50 %', '1', '50 %']);
  expect([...svg.querySelectorAll('rect[width="100.0"]')]).toHaveLength(2);
  expect(svg.querySelector('image')!.getAttribute('href')).toMatch(/^data:image\/png;base64,/);
});

test.each<[string, () => tf.LayersModel, string]>([
  [
    'layers that are not dense',
    () => stack(dense(4, 'relu', [784]), tf.layers.batchNormalization({ name: 'norm' }), dense(2, 'softmax')),
    'the layer norm is of the kind BatchNormalization (expected Dense): the pad computes dense layers only',
  ],
  [
    'other activations',
    () => stack(tf.layers.dense({ units: 4, activation: 'elu', inputShape: [784], name: 'odd' }), dense(2, 'softmax')),
    'the layer odd has the activation elu (expected one of linear, relu, sigmoid, tanh, softmax)',
  ],
  [
    'outputs that are no probabilities',
    () => stack(tf.layers.dense({ units: 2, activation: 'sigmoid', inputShape: [784], name: 'end' })),
    'the last layer, end, has the activation sigmoid (expected softmax, which gives a probability per class)',
  ],
  [
    'other inputs',
    () => stack(dense(2, 'softmax', [100])),
    'the model takes 100 inputs (expected 784, one per pixel of 28 × 28)',
  ],
  [
    'no stack',
    () => {
      const input = tf.input({ shape: [784] });
      return tf.model({ inputs: input, outputs: dense(2, 'softmax').apply(input) as tf.SymbolicTensor });
    },
    'the model is not a stack of layers (expected tf.sequential with dense layers)',
  ],
])('a model with %s is refused in a sentence', (_what, model, sentence) => {
  expect(() => digitPad(model(), testImages)).toThrow(new RangeError(sentence));
});

test('images of another form are refused', () => {
  const model = stack(dense(2, 'softmax', [784]));
  expect(() => digitPad(model, { shape: [0, 28, 28], data: new Uint8Array(0) } as never)).toThrow(
    new RangeError('the images have the shape [0, 28, 28] (expected [1 or more, 28, 28])'),
  );
});
