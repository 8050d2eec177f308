import * as tf from '@tensorflow/tfjs-node';

/**
 * The label in each row: the place of its largest value. Takes predictions as well as one-hot rows.
 *
 * @param rows float32 [count, numClasses]. Stays the caller's.
 * @returns count labels, 0 to numClasses - 1; of equal values the first counts.
 * @example toLabels(tf.tensor2d([[0.1, 0.7, 0.2]])) // [1]
 */
export function toLabels(rows: tf.Tensor2D): number[] {
  return tf.tidy(() => Array.from(rows.argMax(1).dataSync()));
}

/**
 * The share of predicted labels that are right.
 *
 * @param trueLabels one label an image.
 * @param predictedLabels as many, in the same order.
 * @returns between 0 and 1.
 * @throws RangeError for lists of different lengths, and for empty ones.
 * @example accuracy([7, 2, 1, 0], [7, 2, 1, 6]) // 0.75
 */
export function accuracy(trueLabels: number[], predictedLabels: number[]): number {
  if (trueLabels.length === 0) {
    throw new RangeError('there is no label: the accuracy of nothing is not defined (expected at least one)');
  }
  return 1 - wrongPredictions(trueLabels, predictedLabels).length / trueLabels.length;
}

/**
 * Where prediction and truth differ.
 *
 * @param trueLabels one label an image.
 * @param predictedLabels as many, in the same order.
 * @returns the indices of the wrong predictions, ascending.
 * @throws RangeError for lists of different lengths.
 * @example wrongPredictions([7, 2, 1, 0], [7, 2, 1, 6]) // [3]
 */
export function wrongPredictions(trueLabels: number[], predictedLabels: number[]): number[] {
  checkLengths(trueLabels, predictedLabels);
  return [...trueLabels.keys()].filter((index) => trueLabels[index] !== predictedLabels[index]);
}

/**
 * How often each class was taken for which.
 *
 * @param trueLabels one label an image, 0 to numClasses - 1.
 * @param predictedLabels as many, in the same order.
 * @param numClasses how many classes there are.
 * @returns numClasses rows of numClasses counts: row is the true label, column the predicted one.
 * @throws RangeError for lists of different lengths, and for a label that is not a class.
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
      `${trueLabels.length} true labels and ${predictedLabels.length} predicted ones (expected as many)`,
    );
  }
}
