import type * as tf from '@tensorflow/tfjs-node';

/** The batch size of `model.fit` where none is given. */
export const DEFAULT_BATCH_SIZE = 32;

/** Consecutive examples: those from index `first` to before `last`. */
export interface Examples {
  /** float32 [count, ...], what the model takes. */
  x: tf.Tensor;
  /** float32 [count, numClasses]. */
  y: tf.Tensor;
  first: number;
  last: number;
}

/**
 * What is trained on and what is validated on, as `model.fit` has it: `validationData` if it is given, else the last
 * examples, as many as `validationSplit` says.
 *
 * @param x float32 [count, ...].
 * @param y float32 [count, numClasses].
 * @param options those of `model.fit`.
 * @returns the examples, and null in place of those for validation if neither option is given.
 * @example splitExamples(tf.zeros([10, 784]), tf.zeros([10, 10]), { validationSplit: 0.2 }).training.last // 8
 */
export function splitExamples(
  x: tf.Tensor,
  y: tf.Tensor,
  { validationData, validationSplit = 0 }: tf.ModelFitArgs,
): { training: Examples; validation: Examples | null } {
  const count = x.shape[0];
  if (validationData) {
    const [validationX, validationY] = validationData as tf.Tensor[];
    const validation = { x: validationX, y: validationY, first: 0, last: validationX.shape[0] };
    return { training: { x, y, first: 0, last: count }, validation };
  }
  const trained = Math.floor(count * (1 - validationSplit));
  return {
    training: { x, y, first: 0, last: trained },
    validation: validationSplit > 0 ? { x, y, first: trained, last: count } : null,
  };
}
