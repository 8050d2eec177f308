import * as tf from '@tensorflow/tfjs-node';
import type { Examples, FusedTraining } from './fused-training';
import { uninterruptible } from './notebook-kernel';

/** That of tfjs's fit. */
export const DEFAULT_BATCH_SIZE = 32;

type Logs = Record<string, number>;

/** How many of the examples are trained on: `validationSplit` takes its share from the end. */
export function trainingCount(x: tf.Tensor, { validationSplit = 0 }: tf.ModelFitArgs): number {
  return Math.floor(x.shape[0] * (1 - validationSplit));
}

/** What tfjs's fit does in an epoch, by fused operations: shuffles, learns from batch after batch, validates. */
export class FusedEpochs {
  private readonly examples: Examples;
  private readonly validation: { examples: Examples; first: number; last: number } | null;
  private readonly count: number;
  private readonly batchSize: number;

  constructor(
    private readonly fused: FusedTraining,
    private readonly model: tf.LayersModel,
    x: tf.Tensor,
    y: tf.Tensor,
    private readonly options: tf.ModelFitArgs,
  ) {
    const { batchSize = DEFAULT_BATCH_SIZE, validationData, validationSplit } = options;
    this.batchSize = batchSize;
    this.count = trainingCount(x, options);
    this.examples = fused.examples(x, y);
    if (validationData) {
      const [validationX, validationY] = validationData as tf.Tensor[];
      this.validation = { examples: fused.examples(validationX, validationY), first: 0, last: validationX.shape[0] };
    } else {
      this.validation = validationSplit ? { examples: this.examples, first: this.count, last: x.shape[0] } : null;
    }
  }

  async run(epoch: number, callback: tf.Callback): Promise<void> {
    const { fused, model, validation, count, batchSize } = this;
    model.stopTraining = false;
    await callback.onEpochBegin(epoch);
    const order = Int32Array.from({ length: count }, (_, index) => index);
    if (this.options.shuffle ?? true) {
      tf.util.shuffle(order);
    }
    const totals: Logs = {};
    let seen = 0;
    for (let batch = 0; seen < count && !model.stopTraining; batch++) {
      const indices = order.slice(seen, seen + batchSize);
      await callback.onBatchBegin(batch, {});
      const values = uninterruptible(() => fused.trainBatch(this.examples, indices));
      for (const [name, value] of Object.entries(values)) {
        totals[name] = (totals[name] ?? 0) + value * indices.length;
      }
      seen += indices.length;
      await callback.onBatchEnd(batch, { batch, size: indices.length, ...values });
    }
    const logs: Logs = {};
    if (validation) {
      const values = uninterruptible(() => fused.evaluate(validation.examples, validation.first, validation.last, batchSize));
      Object.entries(values).forEach(([name, value]) => (logs[`val_${name}`] = value));
    }
    Object.entries(totals).forEach(([name, total]) => (logs[name] = total / seen));
    await callback.onEpochEnd(epoch, logs);
  }
}
