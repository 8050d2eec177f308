import * as tf from '@tensorflow/tfjs-node';
import { uninterruptible } from '../notebook-kernel';
import { checkTraining } from './check-arguments';
import { untilInterrupted } from './interrupt';
import { TrainingMonitor } from './monitor';
import { type Trainer, createTrainer } from './trainer';

/** The result of `fit`: tfjs's History, and how training ended. */
export type TrainingHistory = tf.History & {
  /** Why training ended before its last epoch, as a sentence; null if it did not. */
  stopped: string | null;
};

// The models being trained: a second training of the same model at the same time would corrupt both.
const inTraining = new WeakSet<tf.LayersModel>();

/**
 * Trains a model as `model.fit` does, with the same arguments and the same history, and adds three things:
 * - Speed: a stack of dense layers with softmax, categorical cross-entropy and Adam is trained by one TensorFlow graph
 *   (training/fused), also with dropout and random shifts. tfjs trains every other model, and all of them with
 *   `classWeight` or if the environment variable FUSED_TRAINING is 0.
 * - A live display: one output shows epoch, batch, the time left, and growing curves of loss and metrics. `verbose: 0`
 *   shows nothing.
 * - Stop: an interrupt (Kernel > Interrupt, Ctrl-C) ends training after the current batch and keeps what was learned,
 *   with its history. (Short batches may be computed up to four at a time, within 50 ms.) `fit` called again continues
 *   from there. A loss that is not a number ends training, too.
 *
 * @param model built and compiled.
 * @param x [count, ...], the model's inputs: float32; int32 and bool are converted. The caller disposes of it.
 * @param y [count, numClasses], one-hot for categorical cross-entropy, of the same dtypes. The caller disposes of it.
 * @param options those of `model.fit`, without those that tfjs refuses or ignores: sample weights and numbers of steps.
 * @returns the history: a number per epoch for the loss and each metric, and the same with `val_` on the validation
 *   data. An epoch in which training was stopped is included, with the means over its batches.
 * @throws RangeError if arguments are invalid or do not match, and Error if the model is being trained already. Nothing
 *   is trained then.
 * @example const history = await fit(model, trainX, trainY, { epochs: 10, batchSize: 200, validationData: [testX, testY] });
 */
export async function fit(
  model: tf.LayersModel,
  x: tf.Tensor,
  y: tf.Tensor,
  options: tf.ModelFitArgs = {},
): Promise<TrainingHistory> {
  checkTraining(model, x, y, options);
  if (inTraining.has(model)) {
    throw new Error('the model is being trained already: wait until that has ended, or stop it');
  }
  inTraining.add(model);
  let trainer: Trainer | undefined;
  let monitor: TrainingMonitor | undefined;
  const train = async (isInterrupted: () => boolean): Promise<TrainingHistory> => {
    const { epochs = 1, initialEpoch = 0 } = options;
    monitor = new TrainingMonitor(model, x, y, options, () => trainer!.sync(), isInterrupted);
    trainer = createTrainer(model, x, y, options);
    await monitor.onTrainBegin();
    for (let epoch = initialEpoch; epoch < epochs && !monitor.history.stopped; epoch++) {
      await monitor.onEpochBegin(epoch);
      const means = await trainer.trainEpoch(epoch, monitor);
      const validation = uninterruptible(() => trainer!.validate());
      await monitor.onEpochEnd(epoch, { ...validation, ...means });
    }
    await monitor.onTrainEnd();
    return monitor.history;
  };
  return untilInterrupted(train, () => {
    trainer?.end();
    monitor?.end();
    inTraining.delete(model);
  });
}
