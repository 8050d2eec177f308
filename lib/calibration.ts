import type * as tf from '@tensorflow/tfjs-node';
import { answersOf } from './evaluation';

/** The answers whose confidence lies in one interval. */
export interface CalibrationBin {
  /** The interval of confidences, 0-1: above `from`, up to and including `to`. */
  from: number;
  to: number;
  /** The number of answers. */
  count: number;
  /** Their mean confidence, and the fraction of them that is right, 0-1; NaN if there are none. */
  confidence: number;
  accuracy: number;
}

/** How well a network's confidence agrees with its accuracy. */
export interface Calibration {
  /** The intervals, from 0 to 1. */
  bins: CalibrationBin[];
  /** The expected calibration error, 0-1: the mean gap between confidence and accuracy, weighted by count. */
  error: number;
}

/**
 * Compares a network's confidence (the probability of its answer) with how often it is right.
 *
 * Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", 2017, equations 2 to 5.
 *
 * @param trueLabels one label per image, 0 to numClasses - 1.
 * @param probabilities float32 [count, numClasses], from `predict`, in the same order. The caller disposes of it.
 * @param numBins the number of intervals of equal width.
 * @returns the bins, and the expected calibration error.
 * @throws RangeError if there are no labels, if the arguments do not match, if a value is not a probability, or if
 *   `numBins` is not a whole number above 0.
 * @example calibration(trueLabels, predictions).error // 0.0070
 */
export function calibration(trueLabels: number[], probabilities: tf.Tensor2D, numBins = 15): Calibration {
  if (!(Number.isInteger(numBins) && numBins > 0)) {
    throw new RangeError(`numBins is ${numBins} (expected a whole number, 1 or more)`);
  }
  const answers = answersOf(trueLabels, probabilities);
  if (answers.length === 0) {
    throw new RangeError('there is no label, so the calibration is not defined (expected at least one)');
  }
  const sums = Array.from({ length: numBins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { label, predicted, confidence } of answers) {
    const bin = sums[Math.max(0, Math.ceil(confidence * numBins) - 1)];
    bin.count++;
    bin.confidence += confidence;
    bin.right += Number(label === predicted);
  }
  const bins = sums.map(({ count, confidence, right }, index) => ({
    from: index / numBins,
    to: (index + 1) / numBins,
    count,
    confidence: confidence / count,
    accuracy: right / count,
  }));
  const gaps = sums.map(({ confidence, right }) => Math.abs(right - confidence)); // already times count
  return { bins, error: gaps.reduce((sum, gap) => sum + gap, 0) / answers.length };
}
