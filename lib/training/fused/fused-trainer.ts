import * as tf from '@tensorflow/tfjs-node';
import { uninterruptible } from '../../notebook-kernel';
import { bytesOf, hasBytes } from '../../tensorflow/normalized';
import { DEFAULT_BATCH_SIZE, type Examples, splitExamples } from '../split';
import type { BatchObserver, Logs, Trainer } from '../trainer';
import { type FusedNetwork, createFusedNetwork } from './fused-network';
import { MAX_STEPS } from './training-graph';

/** A run of the graph makes as many steps as fit into this time, in ms, but at least one: Stop waits until it ends. */
const MAX_RUN_MS = 50;

/**
 * Creates a trainer that makes a step, or a few, by one run of a TensorFlow graph. It makes several from the second epoch on
 * if no callback may look at the model between batches; the numbers are the same to the last bit.
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
  /** 1 in the first epoch: TensorFlow takes some 50 ms to prepare a run of several steps, too long for a short training. */
  private batchesPerRun = 1;
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
    const batchesPerRun = observer.watchesBatches ? 1 : this.batchesPerRun;
    const started = performance.now();
    const totals: Logs = {};
    let [batch, seen] = [0, 0];
    while (seen < order.length && !model.stopTraining) {
      const batches: Int32Array[] = [];
      for (let first = seen; first < order.length && batches.length < batchesPerRun; first += batchSize) {
        await observer.onBatchBegin(batch + batches.length, {});
        batches.push(order.slice(first, first + batchSize));
      }
      const logs = uninterruptible(() => network.trainBatches(training, batches));
      for (const [index, values] of logs.entries()) {
        const size = batches[index].length;
        for (const [name, value] of Object.entries(values)) {
          totals[name] = (totals[name] ?? 0) + value * size;
        }
        seen += size;
        await observer.onBatchEnd(batch, { batch, size, ...values });
        batch++;
      }
    }
    const msPerBatch = (performance.now() - started) / batch;
    this.batchesPerRun = Math.max(1, Math.min(MAX_STEPS, Math.floor(MAX_RUN_MS / msPerBatch)));
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
