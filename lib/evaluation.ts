import * as tf from '@tensorflow/tfjs-node';

/**
 * Returns the label of each row, the index of its largest value. Takes predictions as well as one-hot rows.
 *
 * @param rows float32 [count, numClasses]. The caller disposes of it.
 * @returns count labels, 0 to numClasses - 1; among equal values, the first one wins.
 * @example toLabels(tf.tensor2d([[0.1, 0.7, 0.2]])) // [1]
 */
export function toLabels(rows: tf.Tensor2D): number[] {
  return tf.tidy(() => Array.from(rows.argMax(1).dataSync()));
}

/**
 * The fraction of predicted labels that are correct.
 *
 * @param trueLabels one label per image.
 * @param predictedLabels the same number, in the same order.
 * @returns between 0 and 1.
 * @throws RangeError if the lists have different lengths or are empty.
 * @example accuracy([7, 2, 1, 0], [7, 2, 1, 6]) // 0.75
 */
export function accuracy(trueLabels: number[], predictedLabels: number[]): number {
  if (trueLabels.length === 0) {
    throw new RangeError('there is no label, so the accuracy is not defined (expected at least one)');
  }
  return 1 - wrongPredictions(trueLabels, predictedLabels).length / trueLabels.length;
}

/**
 * Finds the wrong predictions.
 *
 * @param trueLabels one label per image.
 * @param predictedLabels the same number, in the same order.
 * @returns the indices of the wrong predictions, ascending.
 * @throws RangeError if the lists have different lengths.
 * @example wrongPredictions([7, 2, 1, 0], [7, 2, 1, 6]) // [3]
 */
export function wrongPredictions(trueLabels: number[], predictedLabels: number[]): number[] {
  checkLengths(trueLabels, predictedLabels);
  return [...trueLabels.keys()].filter((index) => trueLabels[index] !== predictedLabels[index]);
}

/**
 * Counts how often each class was predicted as each class.
 *
 * @param trueLabels one label per image, 0 to numClasses - 1.
 * @param predictedLabels the same number, in the same order.
 * @param numClasses the number of classes.
 * @returns numClasses rows of numClasses counts: row is the true label, column the predicted one.
 * @throws RangeError if the lists have different lengths, or if a label is not a class.
 * @example confusionMatrix([0, 1, 1], [0, 1, 0], 2) // [[1, 0], [1, 1]]
 */
export function confusionMatrix(trueLabels: number[], predictedLabels: number[], numClasses: number): number[][] {
  checkLengths(trueLabels, predictedLabels);
  const matrix = Array.from({ length: numClasses }, () => new Array<number>(numClasses).fill(0));
  trueLabels.forEach((trueLabel, index) => {
    const predicted = predictedLabels[index];
    if (matrix[trueLabel]?.[predicted] === undefined) {
      const label = matrix[trueLabel] ? predicted : trueLabel;
      throw new RangeError(`label ${label} at index ${index} is not a class (expected 0-${numClasses - 1})`);
    }
    matrix[trueLabel][predicted]++;
  });
  return matrix;
}

function checkLengths(trueLabels: number[], predictedLabels: number[]): void {
  if (trueLabels.length !== predictedLabels.length) {
    throw new RangeError(
      `${trueLabels.length} true labels and ${predictedLabels.length} predicted ones (expected the same number)`,
    );
  }
}
