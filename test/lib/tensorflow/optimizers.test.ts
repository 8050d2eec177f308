import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { checkpoint, fit, loadCheckpoint, setSeed } from 'mnist-lib';
import { compiled } from '../../helpers/small-mnist';

// A new optimizer of tfjs fails the type check here.
const OPTIMIZERS: Record<Exclude<keyof typeof tf.train, 'prototype'>, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.5),
  adam: () => tf.train.adam(),
  adamax: () => tf.train.adamax(0.01),
  rmsprop: () => tf.train.rmsprop(0.01),
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'optimizers-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  delete process.env.FUSED_TRAINING;
});

test.each<[string, () => tf.Optimizer, string]>([
  ...Object.entries(OPTIMIZERS).map(([name, make]): [string, () => tf.Optimizer, string] => [name, make, '0']),
  ['adam, fused', OPTIMIZERS.adam, '1'],
  ['momentum by Nesterov', () => tf.train.momentum(0.1, 0.9, true), '0'],
  ['adamax with decay', () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1), '0'],
  ['rmsprop with momentum, centered', () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-16, true), '0'],
])('training resumed from a checkpoint has the same numbers, and leaks no tensor: %s', async (name, make, fused) => {
  process.env.FUSED_TRAINING = fused;
  const url = `file://${join(folder, name)}`;
  const before = tf.memory().numTensors;
  setSeed(3);
  const labels = Array.from({ length: 60 }, (_, index) => index % 3);
  const [x, y] = tf.tidy(() => [tf.randomNormal([60, 4]), tf.oneHot(labels, 3).toFloat()]);
  const network = (optimizer: tf.Optimizer): tf.Sequential => {
    setSeed(13);
    const hidden = tf.layers.dense({ inputShape: [4], units: 5, activation: 'tanh' });
    const model = tf.sequential({ layers: [hidden, tf.layers.dense({ units: 3, activation: 'softmax' })] });
    return compiled(model, optimizer);
  };
  const train = async (model: tf.LayersModel, options: tf.ModelFitArgs): Promise<unknown[]> =>
    (await fit(model, x, y, { batchSize: 10, verbose: 0, ...options })).history.loss;
  const weights = (model: tf.LayersModel): number[][] =>
    model.getWeights().map((weight) => Array.from(weight.dataSync()));
  const optimizers = [make(), make()];

  const whole = network(optimizers[0]);
  const expected = await train(whole, { epochs: 6 });
  const model = network(optimizers[1]);
  const first = await train(model, { epochs: 3, callbacks: checkpoint(url) });
  expect(weights(model)).not.toEqual(weights(whole));

  setSeed(99); // another process would not have the random state
  const { model: resumed, initialEpoch } = await loadCheckpoint(url);
  const second = await train(resumed, { epochs: 6, initialEpoch });
  expect([...first, ...second]).toEqual(expected);
  expect(weights(resumed)).toEqual(weights(whole));
  expect(expected.every(Number.isFinite)).toBe(true);

  [whole, model, resumed, ...optimizers, x, y].forEach((value) => value.dispose());
  expect(tf.memory().numTensors).toBe(before);
});
