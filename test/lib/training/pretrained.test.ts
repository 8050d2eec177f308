import * as tf from '@tensorflow/tfjs-node';
import { SavedModelError, evaluate, fit, flatten, loadMnist, loadPretrained, normalize, oneHot } from 'mnist-lib';
import { compiled, smallMnist } from '../../helpers/small-mnist';

/** The lecture's network, or one like it. */
const network = (changes: object = {}) =>
  tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', inputShape: [784], units: 1000, activation: 'relu', ...changes }),
      tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }),
    ],
  });
const weightsOf = (model: tf.LayersModel) => model.getWeights().map((weight) => weight.dataSync());

describe('loadPretrained(model)', () => {
  test('gives the network and the history of one training, of about 98 of 100 test digits right', async () => {
    const model = compiled(network());
    const { epoch, history, stopped } = await loadPretrained(model);
    expect([epoch, stopped]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], null]);
    expect(Object.keys(history).sort()).toEqual(['acc', 'loss', 'val_acc', 'val_loss']);
    const { testImages, testLabels } = loadMnist();
    const [x, y] = [normalize(flatten(testImages)), oneHot(testLabels, 10)];
    const { loss, accuracy } = evaluate(model, x, y, { batchSize: 200 });
    expect(accuracy).toBeCloseTo(history.val_acc[9] as number, 6);
    expect(accuracy).toBeGreaterThan(0.98);
    expect(loss).toBeCloseTo(history.val_loss[9] as number, 5);
    tf.dispose([x, y]);
    model.dispose();
  });

  test('gives the same weights again, of which each model has its own, and leaks no tensor', async () => {
    const [model, other] = [compiled(network()), compiled(network())];
    const before = tf.memory().numTensors;
    await loadPretrained(model);
    await loadPretrained(other);
    await loadPretrained(other);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    await loadPretrained(other);
    const weights = weightsOf(other);
    const third = compiled(network());
    await loadPretrained(third);
    expect(weightsOf(third)).toEqual(weights);
    [other, third].forEach((each) => each.dispose());
  });

  test('leaves a model that fit trains further', async () => {
    const model = compiled(network());
    await loadPretrained(model);
    const { x, y } = smallMnist(1000);
    const { history } = await fit(model, x, y, { epochs: 1, batchSize: 200, verbose: 0 });
    expect(history.loss[0]).toBeLessThan(0.05); // an untrained network begins with -log 0.1 = 2.3
    tf.dispose([x, y]);
    model.dispose();
  });

  test.each([
    ['neurons', { units: 100 }, 'hidden (Dense, relu) [batch, 100]'],
    ['activation', { activation: 'sigmoid' }, 'hidden (Dense, sigmoid) [batch, 1000]'],
    ['biases', { useBias: false }, 'hidden (Dense, relu, no bias) [batch, 1000]'],
  ])('refuses a network with other %s in a sentence, and does not change it', async (_what, changes, layer) => {
    const model = compiled(network(changes));
    const before = [weightsOf(model), tf.memory().numTensors];
    const error = await loadPretrained(model).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SavedModelError);
    expect((error as Error).message).toMatch(
      /pretrained has another architecture: \[batch, 784\] -> hidden \(Dense, relu\) \[batch, 1000\] -> .* \(expected .*\)\. Build that network, or train yours with fit\.$/,
    );
    expect((error as Error).message).toContain(`(expected [batch, 784] -> ${layer} -> output`);
    expect([weightsOf(model), tf.memory().numTensors]).toEqual(before);
    model.dispose();
  });

  test('refuses a model that is not compiled', async () => {
    const model = network();
    await expect(loadPretrained(model)).rejects.toThrow(/^the model is not compiled yet: call model\.compile/);
    model.dispose();
  });
});
