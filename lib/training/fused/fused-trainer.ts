import * as tf from '@tensorflow/tfjs-node';
import { uninterruptible } from '../../notebook-kernel';
import { bytesOf, hasBytes } from '../../tensorflow/normalized';
import { DEFAULT_BATCH_SIZE, type Examples, splitExamples } from '../split';
import type { BatchObserver, Logs, Trainer } from '../trainer';
import { type FusedNetwork, createFusedNetwork } from './fused-network';

/**
 * Creates a trainer that runs a step as one TensorFlow graph.
 *
 * @param model built and compiled.
 * @param x [count, inputs]. It must live as long as the trainer.
 * @param y [count, numClasses], one-hot or other probabilities.
 * @param options those of `model.fit`.
 * @returns null if only tfjs can train the model in this way, or if the environment variable FUSED_TRAINING is 0.
 * @example const trainer = createFusedTrainer(model, x, y, { batchSize: 200 });
 */
export function createFusedTrainer(
  model: tf.LayersModel,
  x: tf.Tensor,
  y: tf.Tensor,
  options: tf.ModelFitArgs,
): Trainer | null {
  const isSupported = process.env.FUSED_TRAINING !== '0' && !options.classWeight;
  const { training, validation } = splitExamples(x, y, options);
  const areBytes = hasBytes(training.x) && (!validation || hasBytes(validation.x));
  const network = isSupported ? createFusedNetwork(model, areBytes) : null;
  return network && new FusedTrainer(network, model, training, validation, areBytes, options);
}

/** Runs an epoch as tfjs's fit does: shuffles the examples, then trains on one batch after another. */
class FusedTrainer implements Trainer {
  private readonly training: Examples;
  private readonly validation: Examples | null;
  private readonly batchSize: number;
  private readonly shuffle: boolean;
  private readonly own = new Map<tf.Tensor, tf.Tensor>();

  constructor(
    private readonly network: FusedNetwork,
    private readonly model: tf.LayersModel,
    training: Examples,
    validation: Examples | null,
    private readonly areBytes: boolean,
    { batchSize = DEFAULT_BATCH_SIZE, shuffle = true }: tf.ModelFitArgs,
  ) {
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.training = this.prepare(training);
    this.validation = validation && this.prepare(validation);
  }

  async trainEpoch(_epoch: number, observer: BatchObserver): Promise<Logs> {
    const { network, model, training, batchSize } = this;
    model.stopTraining = false;
    const order = new Int32Array(training.last).map((_, index) => index);
    if (this.shuffle) {
      tf.util.shuffle(order);
    }
    const totals: Logs = {};
    let seen = 0;
    for (let batch = 0; seen < order.length && !model.stopTraining; batch++) {
      const indices = order.slice(seen, seen + batchSize);
      await observer.onBatchBegin(batch, {});
      const values = uninterruptible(() => network.trainBatch(training, indices));
      for (const [name, value] of Object.entries(values)) {
        totals[name] = (totals[name] ?? 0) + value * indices.length;
      }
      seen += indices.length;
      await observer.onBatchEnd(batch, { batch, size: indices.length, ...values });
    }
    return Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, total / seen]));
  }

  validate(): Logs {
    if (!this.validation) {
      return {};
    }
    const { first, last } = this.validation;
    const values = this.network.evaluate(this.validation, first, last, this.batchSize);
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [`val_${name}`, value]));
  }

  sync(): void {
    this.network.syncToModel();
  }

  end(): void {
    this.network.end();
    tf.dispose([...this.own.values()]);
  }

  private prepare(examples: Examples): Examples {
    const x = this.areBytes ? this.keep(examples.x, bytesOf) : this.toFloat(examples.x);
    return { ...examples, x, y: this.toFloat(examples.y) };
  }

  /** Returns a float32 tensor as it is, and a copy of any other. */
  private toFloat(tensor: tf.Tensor): tf.Tensor {
    return tensor.dtype === 'float32' ? tensor : this.keep(tensor, (other) => other.toFloat());
  }

  /** Returns what is made of a tensor. It lives as long as the trainer. */
  private keep(tensor: tf.Tensor, make: (tensor: tf.Tensor) => tf.Tensor): tf.Tensor {
    const made = this.own.get(tensor) ?? make(tensor);
    this.own.set(tensor, made);
    return made;
  }
}
