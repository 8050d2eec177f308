import * as tf from '@tensorflow/tfjs-node';
import {
  checkBatchSize,
  checkCompiled,
  checkExamples,
  checkInputs,
  checkOptions,
  checkSingle,
} from './training/check-arguments';

/** Options of `evaluate` and `predict`. */
export interface BatchOptions {
  /** The number of examples that are computed at once, 32 by default. It changes speed and memory, not the result. */
  batchSize?: number;
}

const BATCH_OPTIONS: Record<keyof BatchOptions, null> = { batchSize: null };
const FLOAT32_DIGITS = 6; // the decimal digits that float32 always holds

/**
 * Computes the loss and the accuracy of a model on examples: what `model.evaluate` gives as tensors, as numbers.
 *
 * @param model compiled with the metric accuracy.
 * @param x [count, ...], the model's inputs: float32, int32 or bool. The caller disposes of it.
 * @param y [count, numClasses], one-hot for categorical cross-entropy. The caller disposes of it.
 * @param options the batch size.
 * @returns the mean loss, and the fraction of correct predictions, between 0 and 1; both to six digits, since tfjs
 *   computes with float32.
 * @throws RangeError if the model is not compiled with accuracy, or if arguments are invalid or do not match.
 * @example evaluate(model, testX, testY) // { loss: 0.0782, accuracy: 0.9823 }
 */
export function evaluate(
  model: tf.LayersModel,
  x: tf.Tensor,
  y: tf.Tensor,
  options: BatchOptions = {},
): { loss: number; accuracy: number } {
  checkOptions('evaluate', options, BATCH_OPTIONS);
  checkCompiled(model);
  checkSingle(model, 'call model.evaluate');
  const index = model.metricsNames.indexOf('acc'); // tfjs's name of it
  if (index < 0) {
    throw new RangeError(
      "the model is compiled without the metric accuracy: call model.compile({ loss, optimizer, metrics: ['accuracy'] })",
    );
  }
  checkBatchSize(options.batchSize);
  checkExamples(model, 'x', x, 'y', y);
  const [loss, accuracy] = tf.tidy(() => {
    const results = model.evaluate(x, y, options) as tf.Scalar[];
    return [results[0], results[index]].map((result) => Number(result.dataSync()[0].toPrecision(FLOAT32_DIGITS)));
  });
  return { loss, accuracy };
}

/**
 * Computes a model's outputs: what `model.predict` gives, without a cast.
 *
 * @param model built, with one input and one output.
 * @param x [count, ...], the model's inputs: float32, int32 or bool. The caller disposes of it.
 * @param options the batch size.
 * @returns float32 [count, numClasses], probabilities if the last layer has softmax. The caller disposes of it.
 * @throws RangeError if the model has several outputs, or another shape of them, or if arguments are invalid.
 * @example const probabilities = predict(model, testX);
 */
export function predict(model: tf.LayersModel, x: tf.Tensor, options: BatchOptions = {}): tf.Tensor2D {
  checkOptions('predict', options, BATCH_OPTIONS);
  checkSingle(model, 'call model.predict');
  const { shape } = model.outputs[0];
  if (shape.length !== 2) {
    const sizes = shape.map((size) => size ?? 'count').join(', ');
    throw new RangeError(
      `the model's output has the shape [${sizes}] (expected [count, numClasses]): call model.predict`,
    );
  }
  checkBatchSize(options.batchSize);
  checkInputs(model, 'x', x);
  return model.predict(x, options) as tf.Tensor2D;
}

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

/** How well one class is recognised. */
export interface ClassScores {
  /** The class, 0 to numClasses - 1. */
  label: number;
  /** Of the examples that were predicted as this class, the fraction that belongs to it, 0-1; NaN if there are none. */
  precision: number;
  /** Of the examples of this class, the fraction that was recognised, 0-1; NaN if there are none. */
  recall: number;
  /** The harmonic mean of the two, 0-1; NaN if the class neither occurs nor was predicted. */
  f1: number;
  /** The number of examples of this class. */
  support: number;
}

/**
 * Computes precision, recall and F1 of each class: scikit-learn's `classification_report` with `zero_division=nan`.
 *
 * @param matrix counts as `confusionMatrix` returns them: row is the true label, column the predicted one.
 * @returns one entry per class.
 * @throws RangeError if the matrix is empty or not square.
 * @example classReport([[3, 1], [0, 4]])[0] // { label: 0, precision: 1, recall: 0.75, f1: 0.857, support: 4 }
 */
export function classReport(matrix: number[][]): ClassScores[] {
  checkSquare(matrix);
  return matrix.map((row, label) => {
    const support = sum(row);
    const predicted = sum(matrix.map((counts) => counts[label]));
    const right = row[label];
    const f1 = (2 * right) / (support + predicted);
    return { label, precision: right / predicted, recall: right / support, f1, support };
  });
}

/** Checks that a confusion matrix has as many rows as columns. */
export function checkSquare(matrix: number[][]): void {
  if (matrix.length === 0 || matrix.some((row) => row.length !== matrix.length)) {
    throw new RangeError(
      `the matrix has rows of ${matrix.map((row) => row.length).join(', ') || 'no'} counts ` +
        '(expected as many rows as columns, at least one)',
    );
  }
}

/** A prediction beside the truth. */
export interface Answer {
  /** The position of the example. */
  index: number;
  label: number;
  predicted: number;
  /** The probability of the predicted class, 0-1. */
  confidence: number;
}

/**
 * Pairs each true label with the predicted one and its probability.
 *
 * @param trueLabels one label per image, 0 to numClasses - 1.
 * @param probabilities float32 [count, numClasses], from `predict`. The caller disposes of it.
 * @returns one answer per image, in the same order; among equal probabilities, the first class wins.
 * @throws RangeError if the numbers of labels and rows differ, if a label is not a class, or if a value is not between
 *   0 and 1.
 */
export function answersOf(trueLabels: number[], probabilities: tf.Tensor2D): Answer[] {
  const [count, numClasses] = probabilities.shape;
  if (trueLabels.length !== count) {
    throw new RangeError(
      `${trueLabels.length} true labels and ${count} rows of probabilities (expected the same number)`,
    );
  }
  const values = probabilities.dataSync();
  const wrong = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong >= 0) {
    const row = Math.floor(wrong / numClasses);
    throw new RangeError(`${values[wrong]} in row ${row} is not a probability (expected 0 to 1)`);
  }
  return trueLabels.map((label, index) => {
    if (!(Number.isInteger(label) && label >= 0 && label < numClasses)) {
      throw new RangeError(`label ${label} at index ${index} is not a class (expected 0-${numClasses - 1})`);
    }
    const row = values.subarray(index * numClasses, (index + 1) * numClasses);
    const confidence = Math.max(...row);
    return { index, label, predicted: row.indexOf(confidence), confidence };
  });
}

/**
 * Finds the wrong predictions of which the network was most certain.
 *
 * @param trueLabels one label per image, 0 to numClasses - 1.
 * @param probabilities float32 [count, numClasses], from `predict`, in the same order. The caller disposes of it.
 * @param count the number of mistakes to return; fewer if there are fewer.
 * @returns their indices, the largest probability of a wrong class first.
 * @throws RangeError if the arguments do not match, if a value is not a probability, or if `count` is not a whole number.
 * @example confidentMistakes(trueLabels, predictions, 8)
 */
export function confidentMistakes(trueLabels: number[], probabilities: tf.Tensor2D, count: number): number[] {
  if (!(Number.isInteger(count) && count >= 0)) {
    throw new RangeError(`count is ${count} (expected a whole number, 0 or more)`);
  }
  return answersOf(trueLabels, probabilities)
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, count)
    .map(({ index }) => index);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function checkLengths(trueLabels: number[], predictedLabels: number[]): void {
  if (trueLabels.length !== predictedLabels.length) {
    throw new RangeError(
      `${trueLabels.length} true labels and ${predictedLabels.length} predicted ones (expected the same number)`,
    );
  }
}
