import * as tf from '@tensorflow/tfjs-node';
import { randomState, restoreRandomState, type RandomState } from '../tensorflow/random';
import { SavedModelError, loadModel, saveModel } from './saved-model';

/** Options of `checkpoint`. */
export interface CheckpointOptions {
  /** Save only after an epoch with the best value of this quantity so far, for example val_loss. */
  monitor?: string;
}

/** The contents of a checkpoint besides model and optimizer. */
interface TrainingState {
  finishedEpochs: number;
  random: RandomState | null;
}

/**
 * Saves model, optimizer and random state after each epoch, so that another process can resume training. If the process
 * is killed at any moment, the last complete checkpoint remains.
 *
 * @param url `file://` and a folder.
 * @param options when to save: by default after each epoch.
 * @returns a callback for `fit` and `model.fit`.
 * @throws SavedModelError, from `fit`, if the folder cannot be written.
 * @example await fit(model, x, y, { epochs: 10, callbacks: checkpoint('file://../out/checkpoint') });
 */
export function checkpoint(url: string, { monitor }: CheckpointOptions = {}): tf.Callback {
  return new Checkpoint(url, monitor);
}

/**
 * Loads what `checkpoint` saved and restores the random state. Training resumed with `initialEpoch` has the same
 * results as if it had never been interrupted.
 *
 * @param url as for `checkpoint`.
 * @returns the compiled model, which the caller disposes of, and the number of epochs that it has been trained for.
 * @throws SavedModelError if there is no checkpoint, or if it is damaged.
 * @example const { model, initialEpoch } = await loadCheckpoint(url); await fit(model, x, y, { epochs: 10, initialEpoch });
 */
export async function loadCheckpoint(url: string): Promise<{ model: tf.LayersModel; initialEpoch: number }> {
  const model = await loadModel(url);
  const state = model.getUserDefinedMetadata() as Partial<TrainingState> | null;
  if (!state || !Number.isInteger(state.finishedEpochs)) {
    model.dispose();
    throw new SavedModelError(
      `The model at ${url} is not a checkpoint: it does not say how many epochs it has been trained for.`,
    );
  }
  if (state.random) {
    restoreRandomState(state.random); // after building the model, which uses random numbers
  }
  return { model, initialEpoch: state.finishedEpochs! };
}

class Checkpoint extends tf.Callback {
  private trained: tf.LayersModel | null = null;
  private best: number | null = null;

  constructor(
    private readonly url: string,
    private readonly monitor: string | undefined,
  ) {
    super();
  }

  override setModel(model: tf.LayersModel): void {
    this.trained = model;
  }

  override async onEpochEnd(epoch: number, logs: tf.Logs = {}): Promise<void> {
    if (this.monitor === undefined || this.improves(this.monitor, logs)) {
      const state: TrainingState = { finishedEpochs: epoch + 1, random: randomState() };
      this.trained!.setUserDefinedMetadata(state);
      await saveModel(this.trained!, this.url);
    }
  }

  private improves(monitor: string, logs: tf.Logs): boolean {
    if (!(monitor in logs)) {
      throw new RangeError(`checkpoint cannot watch ${monitor} (expected one of ${Object.keys(logs).join(', ')})`);
    }
    const value = Number(logs[monitor]);
    const isBetter = this.best === null || (monitor.includes('acc') ? value > this.best : value < this.best);
    this.best = isBetter ? value : this.best;
    return isBetter;
  }
}
