import * as tf from '@tensorflow/tfjs-node';
import { type IdxArray, idxArray } from './idx';
import { hasGraphs } from '../tensorflow/graph';
import { LARGEST_BYTE, normalizedTensor } from '../tensorflow/normalized';

/**
 * Lays the rows of each image end to end, so that a dense layer can take it.
 *
 * @param images uint8 [count, rows, columns].
 * @returns uint8 [count, rows * columns]: the same bytes, not copied.
 * @throws RangeError if `images` does not have three dimensions.
 * @example const trainPixels = flatten(trainImages); // [60000, 28, 28] -> [60000, 784]
 */
export function flatten({ data, shape }: IdxArray): IdxArray {
  if (shape.length !== 3) {
    throw new RangeError(`images of shape [${shape.join(', ')}] cannot be flattened (expected [count, rows, columns])`);
  }
  const [count, rows, columns] = shape;
  return idxArray([count, rows * columns], data);
}

/**
 * Converts bytes to numbers between 0 and 1: networks learn well from small numbers.
 *
 * @param pixels uint8 of any shape, 0-255.
 * @returns float32 of the same shape, each byte divided by 255. The caller disposes of it. It takes as much memory as the
 *   bytes, a quarter of that of floats, until an operation needs all its numbers. Slicing, `fit` and `predict` do not.
 * @example const trainX = normalize(trainPixels); // 51 -> 0.2
 */
export function normalize({ data, shape }: IdxArray): tf.Tensor {
  return hasGraphs()
    ? normalizedTensor(data, shape)
    : tf.tidy(() => tf.tensor(data, shape, 'float32').div(LARGEST_BYTE));
}

/**
 * Encodes each label as a row of zeros with a single 1 at the index of the label.
 *
 * @param labels uint8 [count], classes 0 to numClasses - 1.
 * @param numClasses the number of classes.
 * @returns float32 [count, numClasses]. The caller disposes of it.
 * @throws RangeError if a label is not below `numClasses`.
 * @example const trainY = oneHot(trainLabels, 10); // 5 -> [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
 */
export function oneHot({ data }: IdxArray, numClasses: number): tf.Tensor2D {
  const index = data.findIndex((label) => label >= numClasses);
  if (index >= 0) {
    throw new RangeError(`label ${data[index]} at index ${index} is not a class (expected 0-${numClasses - 1})`);
  }
  return tf.tidy(
    () => tf.oneHot(tf.tensor1d(new Int32Array(data), 'int32'), numClasses, 1, 0, 'float32') as tf.Tensor2D,
  );
}
