import * as tf from '@tensorflow/tfjs-node';
import { earlyStoppingState } from '../tensorflow/internals';

/**
 * Ends training when a quantity no longer improves, and restores the weights of the best epoch: tfjs's EarlyStopping
 * with `restoreBestWeights`, which tfjs does not implement.
 *
 * @param options those of `tf.callbacks.earlyStopping`: `monitor` (by default val_loss), `patience` (epochs to wait for
 *   an improvement), `minDelta`, `mode`, `baseline`; and `restoreBestWeights` (by default true).
 * @returns a callback for `fit` and `model.fit`. It frees the weights that it keeps when training ends.
 * @example await fit(model, x, y, { epochs: 50, validationSplit: 0.1, callbacks: earlyStopping({ patience: 3 }) });
 */
export function earlyStopping(options: tf.EarlyStoppingCallbackArgs = {}): tf.EarlyStopping {
  return options.restoreBestWeights === false ? tf.callbacks.earlyStopping(options) : new BestWeightsKeeper(options);
}

class BestWeightsKeeper extends tf.EarlyStopping {
  private bestWeights: tf.Tensor[] = [];

  constructor(options: tf.EarlyStoppingCallbackArgs) {
    super({ ...options, restoreBestWeights: false });
  }

  override async onEpochEnd(epoch: number, logs?: tf.Logs): Promise<void> {
    const { best } = earlyStoppingState(this);
    await super.onEpochEnd(epoch, logs);
    const { best: current, model } = earlyStoppingState(this);
    if (current !== best) {
      tf.dispose(this.bestWeights);
      this.bestWeights = model.getWeights().map((weight) => tf.keep(weight.clone()));
    }
  }

  override async onTrainEnd(logs?: tf.Logs): Promise<void> {
    await super.onTrainEnd(logs);
    if (this.bestWeights.length > 0) {
      earlyStoppingState(this).model.setWeights(this.bestWeights);
      tf.dispose(this.bestWeights);
      this.bestWeights = [];
    }
  }
}
