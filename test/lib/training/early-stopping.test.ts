import * as tf from '@tensorflow/tfjs-node';
import { earlyStopping, fit } from 'mnist-lib';
import { compiled, smallMnist, smallNetwork } from '../../helpers/small-mnist';

/** Simulates training with these validation losses; the weight after each epoch is the epoch's number. */
async function epochs(callback: tf.EarlyStopping, valLosses: number[]): Promise<{ ended: number; weight: number }> {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] });
  model.compile({ loss: 'meanSquaredError', optimizer: 'sgd' });
  callback.setModel(model);
  await callback.onTrainBegin();
  let ended = 0;
  for (const [epoch, val_loss] of valLosses.entries()) {
    tf.tidy(() => model.setWeights([tf.fill([1, 1], epoch + 1), tf.zeros([1])]));
    await callback.onEpochEnd(epoch, { val_loss });
    ended = epoch + 1;
    if (model.stopTraining) {
      break;
    }
  }
  await callback.onTrainEnd();
  const weight = model.getWeights()[0].dataSync()[0];
  model.dispose();
  return { ended, weight };
}

describe('earlyStopping(options)', () => {
  test('ends training after `patience` epochs without improvement, and restores the best weights', async () => {
    const before = tf.memory().numTensors;
    expect(await epochs(earlyStopping({ patience: 2 }), [3, 1, 2, 2, 0])).toEqual({ ended: 4, weight: 2 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('also restores the best weights if training ends after the last epoch', async () => {
    expect(await epochs(earlyStopping({ patience: 9 }), [3, 1, 2])).toEqual({ ended: 3, weight: 2 });
  });

  test("keeps the last weights if restoreBestWeights is false, as tfjs's does", async () => {
    expect(await epochs(earlyStopping({ patience: 1, restoreBestWeights: false }), [3, 1, 2])).toEqual({
      ended: 3,
      weight: 3,
    });
  });

  test('can be used for several trainings, one after another', async () => {
    const callback = earlyStopping({ patience: 1 });
    expect(await epochs(callback, [1, 2])).toEqual({ ended: 2, weight: 1 });
    expect(await epochs(callback, [9, 8, 8])).toEqual({ ended: 3, weight: 2 });
  });

  test.each([
    ['fit', fit],
    ['model.fit', (model: tf.LayersModel, ...rest: Parameters<tf.LayersModel['fit']>) => model.fit(...rest)],
  ])('restores, within %s, the weights of the epoch with the lowest validation loss', async (_name, train) => {
    const { x, y } = smallMnist(300);
    const [trainX, testX] = [x.slice(0, 60), x.slice(60)];
    const [trainY, testY] = [y.slice(0, 60), y.slice(60)];
    const model = compiled(smallNetwork(), tf.train.adam(0.03)); // few digits, large steps: it soon overfits
    const { history } = await train(model, trainX, trainY, {
      epochs: 60,
      batchSize: 10,
      verbose: 0,
      validationData: [testX, testY],
      callbacks: earlyStopping({ patience: 4 }),
    });
    const losses = history.val_loss as number[];
    expect(losses.length).toBeLessThan(60);
    const [loss] = (model.evaluate(testX, testY, { batchSize: 10 }) as tf.Scalar[]).map((value) => value.dataSync()[0]);
    expect(loss).toBeCloseTo(Math.min(...losses), 5);
    expect(loss).toBeLessThan(losses.at(-1)!);
    tf.dispose([x, y, trainX, trainY, testX, testY]);
    model.dispose();
  });
});
