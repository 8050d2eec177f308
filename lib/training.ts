import { setImmediate as nextMacrotask } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-node';
import type { TrainingProgress } from './figures/training-progress';
import { DEFAULT_BATCH_SIZE, FusedEpochs, trainingCount } from './fused-epochs';
import { type FusedTraining, fuseTraining } from './fused-training';
import { untilInterrupted } from './interrupt';
import { uninterruptible } from './notebook-kernel';
import { checkTraining } from './training-checks';
import { TrainingDisplay } from './training-display';

/** What `fit` returns: tfjs's History, and how the training ended. */
export type TrainingHistory = tf.History & {
  /** Why training ended before its last epoch, as a sentence; null where it did not. */
  stopped: string | null;
};

// Which models train now: a second training of the same one at the same time would spoil both.
const inTraining = new WeakSet<tf.LayersModel>();

type Logs = Record<string, number>;
type UnresolvedLogs = Record<string, number | tf.Scalar>;

/**
 * Trains a model as `model.fit` does, with the same arguments and the same history, and besides
 * - faster: a stack of dense layers with softmax, categorical cross-entropy and Adam is trained by TensorFlow's fused
 *   operations (fused-training.ts; the environment variable FUSED_TRAINING=0 leaves it to tfjs, as all other models are);
 * - live: one output shows epoch and batch, the time left, and the curves of loss and metrics while they grow
 *   (`verbose: 0` shows nothing);
 * - stoppable: an interrupt (Kernel > Interrupt, Ctrl-C) ends training after the batch at work. What was learned and its
 *   history stay, and `fit` can be called again to go on. A loss that is not a number ends it, too.
 *
 * @param model built and compiled.
 * @param x float32 [count, ...], what the model takes. Stays the caller's.
 * @param y float32 [count, numClasses], one-hot for categorical cross-entropy. Stays the caller's.
 * @param options those of `model.fit`.
 * @returns the history: a number an epoch for each of loss, metrics, and the same with val_ on the validation data. The
 *   epoch in which training was stopped is in it, with what its batches gave.
 * @throws RangeError for arguments that do not fit together, and Error while the model is being trained already; nothing is
 *   trained then.
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
  return untilInterrupted(async (isInterrupted) => {
    const { epochs = 1, initialEpoch = 0 } = options;
    const monitor = new TrainingMonitor(model, x, y, options, isInterrupted);
    const fusedEpochs = monitor.fused && new FusedEpochs(monitor.fused, model, x, y, options);
    try {
      await monitor.begin();
      for (let epoch = initialEpoch; epoch < epochs && !monitor.history.stopped; epoch++) {
        if (fusedEpochs) {
          await fusedEpochs.run(epoch, monitor);
        } else {
          // tfjs shuffles, within a call, from the order of the epoch before. With a call for each epoch, an epoch depends
          // on model, optimizer and random state alone, so that training can be resumed with the same numbers.
          await model.fit(x, y, { ...options, initialEpoch: epoch, epochs: epoch + 1, verbose: 0, callbacks: [monitor] });
        }
      }
      await monitor.finish();
      return monitor.history;
    } finally {
      monitor.end();
    }
  }).finally(() => inTraining.delete(model));
}

/** Stands between tfjs's fit and everybody who looks on: the user's callbacks, the history, the display, an interrupt. */
class TrainingMonitor extends tf.Callback {
  readonly history = Object.assign(new tf.History(), { stopped: null as string | null });
  readonly fused: FusedTraining | null;
  private readonly progress: TrainingProgress;
  private readonly display: TrainingDisplay | null;
  private readonly users: tf.CallbackList;
  private readonly usersWatchBatches: boolean;
  private finished = false;

  constructor(
    private readonly trained: tf.LayersModel,
    private readonly x: tf.Tensor,
    private readonly y: tf.Tensor,
    private readonly options: tf.ModelFitArgs,
    private readonly isInterrupted: () => boolean,
  ) {
    super();
    this.fused = process.env.FUSED_TRAINING === '0' ? null : fuseTraining(trained);
    const { epochs = 1, initialEpoch = 0, batchSize = DEFAULT_BATCH_SIZE, verbose = 1, callbacks = [], yieldEvery } = options;
    const batches = Math.ceil(trainingCount(x, options) / batchSize);
    this.progress = { epochs, initialEpoch, batches, epoch: initialEpoch, batch: 0, finished: [], running: {}, stopped: null };
    this.display = Number(verbose) === 0 ? null : new TrainingDisplay(this.progress);
    const users = [callbacks].flat().map((callback) => (isCallback(callback) ? callback : new tf.CustomCallback(callback, yieldEvery)));
    this.users = new tf.CallbackList([...users, this.history]);
    this.users.setModel(trained);
    this.setParams({ samples: trainingCount(x, options), batchSize, verbose: 0, metrics: trained.metricsNames });
    this.usersWatchBatches = users.some(watchesBatches);
  }

  async begin(): Promise<void> {
    await this.users.onTrainBegin();
  }

  override setParams(params: Parameters<tf.Callback['setParams']>[0]): void {
    const { epochs, initialEpoch } = this.progress;
    this.users.setParams({ ...params, epochs, initialEpoch });
  }

  override setModel(): void {
    // The user's callbacks have the model that the user trains; tfjs would show them the one inside a Sequential.
  }

  override async onEpochBegin(epoch: number, logs?: UnresolvedLogs): Promise<void> {
    const running = Object.fromEntries(this.trained.metricsNames.map((name) => [name, 0]));
    Object.assign(this.progress, { epoch, batch: 0, running });
    await this.users.onEpochBegin(epoch, logs);
  }

  override async onBatchBegin(batch: number, logs?: UnresolvedLogs): Promise<void> {
    await this.users.onBatchBegin(batch, logs);
  }

  override async onBatchEnd(batch: number, logs: UnresolvedLogs = {}): Promise<void> {
    const { progress } = this;
    const values = toNumbers(logs);
    progress.batch = batch + 1;
    for (const [name, mean] of Object.entries(progress.running)) {
      progress.running[name] = mean + (values[name] - mean) / progress.batch;
    }
    await nextMacrotask(); // lets an interrupt come in
    const where = `in epoch ${progress.epoch + 1}, after batch ${progress.batch} of ${progress.batches}`;
    if (this.isInterrupted()) {
      this.stop(`Stopped by an interrupt ${where}.`);
    } else if (Number.isNaN(values.loss)) {
      this.stop(`Stopped ${where}: the loss is not a number any more. Try a smaller learning rate.`);
    }
    if (this.usersWatchBatches) {
      this.fused?.publish();
    }
    await this.users.onBatchEnd(batch, logs);
    this.display?.update();
  }

  override async onEpochEnd(epoch: number, logs: UnresolvedLogs = {}): Promise<void> {
    this.fused?.publish();
    if (!('val_loss' in logs)) {
      const values = uninterruptible(() => validate(this.trained, this.x, this.y, this.options));
      Object.assign(logs, values); // tfjs does it after the last batch only
    }
    const values = toNumbers(logs);
    tf.dispose(logs);
    Object.assign(logs, values);
    this.progress.finished.push(values);
    await nextMacrotask(); // an interrupt may have come during validation
    if (this.isInterrupted() && epoch + 1 < this.progress.epochs) {
      this.stop(this.progress.stopped ?? `Stopped by an interrupt after epoch ${epoch + 1}.`);
    }
    await this.users.onEpochEnd(epoch, logs);
    if (this.trained.stopTraining && epoch + 1 < this.progress.epochs) {
      this.stop(this.progress.stopped ?? `Stopped by a callback after epoch ${epoch + 1}.`);
    }
    this.display?.update(true);
  }

  async finish(): Promise<void> {
    await this.users.onTrainEnd();
    this.finished = true;
  }

  /** To be called however training ended. */
  end(): void {
    this.fused?.end();
    if (!this.finished) {
      this.stop(`Stopped by an error in epoch ${this.progress.epoch + 1}.`);
    }
    this.display?.end();
  }

  private stop(reason: string): void {
    this.progress.stopped = reason;
    this.history.stopped = reason;
    this.trained.stopTraining = true;
  }
}

function isCallback(callback: tf.CustomCallbackArgs | tf.CustomCallback): callback is tf.CustomCallback {
  return 'setParams' in callback;
}

/** Whether a callback looks at the model, or may, between two batches. */
function watchesBatches(callback: tf.CustomCallback): boolean {
  if (callback instanceof tf.CustomCallback) {
    const { batchBegin, batchEnd, yield: onYield } = callback as unknown as Record<string, unknown>;
    return [batchBegin, batchEnd, onYield].some(Boolean);
  }
  const nothing = tf.Callback.prototype as unknown as Record<string, unknown>;
  return ['onBatchBegin', 'onBatchEnd'].some((name) => (callback as unknown as Record<string, unknown>)[name] !== nothing[name]);
}

function toNumbers(logs: UnresolvedLogs): Logs {
  return Object.fromEntries(
    Object.entries(logs).map(([name, value]) => [name, typeof value === 'number' ? value : value.dataSync()[0]]),
  );
}

/** Loss and metrics on the validation data that `fit` was given; none where it was given none. */
function validate(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor, options: tf.ModelFitArgs): Logs {
  const { validationData, validationSplit, batchSize = DEFAULT_BATCH_SIZE } = options;
  if (!validationData && !validationSplit) {
    return {};
  }
  return tf.tidy(() => {
    const count = trainingCount(x, options);
    const [validationX, validationY] = (validationData ?? [x, y].map((all) => all.slice(count))) as tf.Tensor[];
    const results = [model.evaluate(validationX, validationY, { batchSize })].flat();
    const values = results.map((result) => result.dataSync()[0]);
    return Object.fromEntries(values.map((value, index) => [`val_${model.metricsNames[index]}`, value]));
  });
}
