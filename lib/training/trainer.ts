import type * as tf from '@tensorflow/tfjs-node';
import { createFusedTrainer } from './fused/fused-trainer';
import { TfjsTrainer } from './tfjs-trainer';

/** Loss and metrics by tfjs's names for them: `loss`, `acc`; on the validation data `val_loss`, `val_acc`. */
export type Logs = Record<string, number>;

/** Logs before the numbers are read from their tensors. */
export type UnresolvedLogs = Record<string, number | tf.Scalar>;

/** Is called before and after each batch. */
export interface BatchObserver {
  /** Whether it may look at the model there. Else a trainer may call it for several batches after it has trained on all. */
  readonly watchesBatches: boolean;
  onBatchBegin(batch: number, logs?: UnresolvedLogs): Promise<void>;
  onBatchEnd(batch: number, logs?: UnresolvedLogs): Promise<void>;
}

/** Trains a model one epoch at a time. */
export interface Trainer {
  /**
   * Trains an epoch, or until `model.stopTraining` is set.
   *
   * @param epoch counted from 0.
   * @returns the means of loss and metrics over the batches that were trained.
   */
  trainEpoch(epoch: number, observer: BatchObserver): Promise<Logs>;
  /** Returns loss and metrics on the validation data, with names in `val_`; none if there is no such data. */
  validate(): Logs;
  /** Brings the variables of model and optimizer up to date; to be called before they are read. */
  sync(): void;
  /** Brings them up to date a last time and frees the trainer's memory. */
  end(): void;
}

/** Chooses a TensorFlow graph if that can train the model, else tfjs's own operations. */
export function createTrainer(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor, options: tf.ModelFitArgs): Trainer {
  return createFusedTrainer(model, x, y, options) ?? new TfjsTrainer(model, x, y, options);
}

/** Reads the numbers from their tensors. The caller disposes of the tensors. */
export function toNumbers(logs: UnresolvedLogs): Logs {
  const numberOf = (value: number | tf.Scalar): number => (typeof value === 'number' ? value : value.dataSync()[0]);
  return Object.fromEntries(Object.entries(logs).map(([name, value]) => [name, numberOf(value)]));
}
