import * as tf from '@tensorflow/tfjs-node';
import { DEFAULT_BATCH_SIZE, type Examples, splitExamples } from './split';
import { type BatchObserver, type Logs, type Trainer, type UnresolvedLogs, toNumbers } from './trainer';

/** Trains by tfjs's own operations, one call of `model.fit` per epoch. */
export class TfjsTrainer implements Trainer {
  private readonly training: [tf.Tensor, tf.Tensor];
  private readonly validation: [tf.Tensor, tf.Tensor] | null;
  private readonly slices: tf.Tensor[] = [];

  constructor(
    private readonly model: tf.LayersModel,
    x: tf.Tensor,
    y: tf.Tensor,
    private readonly options: tf.ModelFitArgs,
  ) {
    const { training, validation } = splitExamples(x, y, options);
    this.training = this.slice(training);
    this.validation = validation && this.slice(validation);
  }

  async trainEpoch(epoch: number, observer: BatchObserver): Promise<Logs> {
    const [x, y] = this.training;
    // Within one call, tfjs shuffles the order of the previous epoch again. With a call per epoch, an epoch depends
    // only on model, optimizer and random state, so that training can be resumed with the same numbers.
    const oneEpoch = { initialEpoch: epoch, epochs: epoch + 1, verbose: 0 as const };
    const noValidation = { validationData: undefined, validationSplit: undefined };
    const callback = new EpochCallback(observer, this.model);
    await this.model.fit(x, y, { ...this.options, ...oneEpoch, ...noValidation, callbacks: [callback] });
    return callback.result();
  }

  validate(): Logs {
    if (!this.validation) {
      return {};
    }
    const [x, y] = this.validation;
    const { batchSize = DEFAULT_BATCH_SIZE } = this.options;
    return tf.tidy(() => {
      const results = [this.model.evaluate(x, y, { batchSize })].flat();
      return Object.fromEntries(
        results.map((result, index) => [`val_${this.model.metricsNames[index]}`, result.dataSync()[0]]),
      );
    });
  }

  sync(): void {
    // tfjs trains the variables of model and optimizer themselves.
  }

  end(): void {
    tf.dispose(this.slices);
  }

  private slice({ x, y, first, last }: Examples): [tf.Tensor, tf.Tensor] {
    if (first === 0 && last === x.shape[0]) {
      return [x, y];
    }
    const slices = [x, y].map((all) => all.slice(first, last - first)) as [tf.Tensor, tf.Tensor];
    this.slices.push(...slices);
    return slices;
  }
}

/**
 * Forwards the events of batches, and keeps the means of the epoch. An error of the observer ends the epoch as Stop does,
 * since tfjs would not dispose of the batch's tensors after an error.
 */
class EpochCallback extends tf.Callback {
  private means: Logs = {};
  private failure: { error: unknown } | null = null;

  constructor(
    private readonly observer: BatchObserver,
    private readonly trained: tf.LayersModel,
  ) {
    super();
  }

  /** Returns the means of the epoch, or throws the observer's error. */
  result(): Logs {
    if (this.failure) {
      throw this.failure.error;
    }
    return this.means;
  }

  override onBatchBegin(batch: number, logs?: UnresolvedLogs): Promise<void> {
    return this.forward(() => this.observer.onBatchBegin(batch, logs));
  }

  override onBatchEnd(batch: number, logs?: UnresolvedLogs): Promise<void> {
    return this.forward(() => this.observer.onBatchEnd(batch, logs));
  }

  override onEpochEnd(_epoch: number, logs: UnresolvedLogs = {}): Promise<void> {
    this.means = toNumbers(logs);
    tf.dispose(logs);
    Object.assign(logs, this.means); // tfjs's own History reads them
    return Promise.resolve();
  }

  private async forward(event: () => Promise<void>): Promise<void> {
    try {
      await (this.failure ? undefined : event());
    } catch (error) {
      this.failure = { error };
      this.trained.stopTraining = true;
    }
  }
}
