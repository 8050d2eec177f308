import { setImmediate as nextMacrotask } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-node';
import { watchesBatches } from '../tensorflow/internals';
import { LiveProgress } from './live-progress';
import type { TrainingProgress } from './progress-figure';
import { DEFAULT_BATCH_SIZE, splitExamples } from './split';
import { type BatchObserver, type Logs, type UnresolvedLogs, toNumbers } from './trainer';

/** Informs all observers of training: the user's callbacks, the history, the live display. Ends it if necessary. */
export class TrainingMonitor implements BatchObserver {
  readonly watchesBatches: boolean;
  readonly history = Object.assign(new tf.History(), { stopped: null as string | null });
  private readonly progress: TrainingProgress;
  private readonly display: LiveProgress | null;
  private readonly callbacks: tf.CallbackList;
  private hasFinished = false;

  /**
   * @param sync brings the model's variables up to date before a callback looks at them.
   * @param isInterrupted whether the user has asked training to end.
   */
  constructor(
    private readonly model: tf.LayersModel,
    x: tf.Tensor,
    y: tf.Tensor,
    options: tf.ModelFitArgs,
    private readonly sync: () => void,
    private readonly isInterrupted: () => boolean,
  ) {
    const {
      epochs = 1,
      initialEpoch = 0,
      batchSize = DEFAULT_BATCH_SIZE,
      verbose = 1,
      callbacks = [],
      yieldEvery,
    } = options;
    const samples = splitExamples(x, y, options).training.last;
    const batches = Math.ceil(samples / batchSize);
    this.progress = {
      epochs,
      initialEpoch,
      batches,
      epoch: initialEpoch,
      batch: 0,
      finished: [],
      running: {},
      stopped: null,
    };
    this.display = Number(verbose) === 0 ? null : new LiveProgress(this.progress);
    const userCallbacks = [callbacks]
      .flat()
      .map((callback) => (isCallback(callback) ? callback : new tf.CustomCallback(callback, yieldEvery)));
    this.watchesBatches = userCallbacks.some(watchesBatches);
    this.callbacks = new tf.CallbackList([...userCallbacks, this.history]);
    this.callbacks.setModel(model);
    this.callbacks.setParams({ epochs, initialEpoch, samples, batchSize, verbose: 0, metrics: model.metricsNames });
  }

  async onTrainBegin(): Promise<void> {
    await this.callbacks.onTrainBegin();
  }

  async onEpochBegin(epoch: number): Promise<void> {
    const running = Object.fromEntries(this.model.metricsNames.map((name) => [name, 0]));
    Object.assign(this.progress, { epoch, batch: 0, running });
    await this.callbacks.onEpochBegin(epoch);
  }

  async onBatchBegin(batch: number, logs?: UnresolvedLogs): Promise<void> {
    await this.callbacks.onBatchBegin(batch, logs);
  }

  async onBatchEnd(batch: number, logs: UnresolvedLogs = {}): Promise<void> {
    const { progress } = this;
    const values = toNumbers(logs);
    progress.batch = batch + 1;
    for (const [name, mean] of Object.entries(progress.running)) {
      progress.running[name] = mean + (values[name] - mean) / progress.batch;
    }
    await nextMacrotask(); // lets an interrupt arrive
    const where = `in epoch ${progress.epoch + 1}, after batch ${progress.batch} of ${progress.batches}`;
    if (this.isInterrupted()) {
      this.stop(`Stopped by an interrupt ${where}.`);
    } else if (Number.isNaN(values.loss)) {
      this.stop(`Stopped ${where}: the loss is no longer a number. Try a smaller learning rate.`);
    }
    if (this.watchesBatches) {
      this.sync();
    }
    await this.callbacks.onBatchEnd(batch, logs);
    this.display?.update();
  }

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    this.sync();
    this.progress.finished.push(logs);
    const isLast = epoch + 1 === this.progress.epochs;
    await nextMacrotask(); // an interrupt may have come during validation
    if (this.isInterrupted() && !isLast) {
      this.stop(this.progress.stopped ?? `Stopped by an interrupt after epoch ${epoch + 1}.`);
    }
    await this.callbacks.onEpochEnd(epoch, logs);
    if (this.model.stopTraining && !isLast) {
      this.stop(this.progress.stopped ?? `Stopped by a callback after epoch ${epoch + 1}.`);
    }
    this.display?.update(true);
  }

  async onTrainEnd(): Promise<void> {
    await this.callbacks.onTrainEnd();
    this.hasFinished = true;
  }

  /** Must be called when training has ended, also after an error or if it was terminated. */
  end(): void {
    if (!this.hasFinished) {
      const reason = this.isInterrupted() ? 'interrupt' : 'error';
      this.stop(`Stopped by an ${reason} in epoch ${this.progress.epoch + 1}.`);
    }
    this.display?.end();
  }

  private stop(reason: string): void {
    this.progress.stopped = reason;
    this.history.stopped = reason;
    this.model.stopTraining = true;
  }
}

function isCallback(callback: tf.CustomCallbackArgs | tf.CustomCallback): callback is tf.CustomCallback {
  return 'setParams' in callback;
}
