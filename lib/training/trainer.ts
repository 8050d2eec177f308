import type * as tf from '@tensorflow/tfjs-node';
import { createFusedTrainer } from './fused/fused-trainer';
import { TfjsTrainer } from './tfjs-trainer';

/** Loss and metrics by tfjs's names for them: `loss`, `acc`; on the validation data `val_loss`, `val_acc`. */
export type Logs = Record<string, number>;

/** The same before the numbers are read out of their tensors. */
export type UnresolvedLogs = Record<string, number | tf.Scalar>;

/** Who is called before and after each batch. */
export interface BatchObserver {
  onBatchBegin(batch: number, logs?: UnresolvedLogs): Promise<void>;
  onBatchEnd(batch: number, logs?: UnresolvedLogs): Promise<void>;
}

/** Trains a model an epoch at a time. */
export interface Trainer {
  /**
   * Trains an epoch, or until `model.stopTraining` is set.
   *
   * @param epoch counted from 0.
   * @returns means of loss and metrics over the batches that were trained.
   */
  trainEpoch(epoch: number, observer: BatchObserver): Promise<Logs>;
  /** Loss and metrics on the validation data, by names with `val_`; none if there is no such data. */
  validate(): Logs;
  /** Brings the variables of model and optimizer up to date, before anybody looks at them. */
  sync(): void;
  /** Does the same a last time, and frees what the trainer holds. */
  end(): void;
}

/** Chooses TensorFlow's fused operations where they can train the model, and tfjs itself elsewhere. */
export function createTrainer(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor, options: tf.ModelFitArgs): Trainer {
  return createFusedTrainer(model, x, y, options) ?? new TfjsTrainer(model, x, y, options);
}

/** Reads the numbers out of their tensors; the tensors stay the caller's. */
export function toNumbers(logs: UnresolvedLogs): Logs {
  const numberOf = (value: number | tf.Scalar): number => (typeof value === 'number' ? value : value.dataSync()[0]);
  return Object.fromEntries(Object.entries(logs).map(([name, value]) => [name, numberOf(value)]));
}
