import type * as tf from '@tensorflow/tfjs-node';

/** The default batch size of `model.fit`. */
export const DEFAULT_BATCH_SIZE = 32;

/** Consecutive examples: those from index `first` to before `last`. */
export interface Examples {
  /** float32 [count, ...], the model's inputs. */
  x: tf.Tensor;
  /** float32 [count, numClasses]. */
  y: tf.Tensor;
  first: number;
  last: number;
}

/**
 * Splits examples into those for training and those for validation, as `model.fit` does: `validationData` if it is
 * given, else the fraction `validationSplit` at the end.
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
