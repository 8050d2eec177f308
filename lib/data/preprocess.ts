import * as tf from '@tensorflow/tfjs-node';
import type { IdxArray } from './idx';
import { NativeOps, hasNativeOps } from '../tensorflow/native-ops';

const LARGEST_BYTE = 255;

/**
 * Lays the rows of each image end to end, so that a dense layer can take it.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255.
 * @returns float32 [count, rows * columns], the same values, 0-255. The caller disposes of it.
 * @throws RangeError if `images` does not have three dimensions.
 * @example const trainPixels = flatten(trainImages); // [60000, 28, 28] -> [60000, 784]
 */
export function flatten({ data, shape }: IdxArray): tf.Tensor2D {
  if (shape.length !== 3) {
    throw new RangeError(`images of shape [${shape.join(', ')}] cannot be flattened (expected [count, rows, columns])`);
  }
  const [count, rows, columns] = shape;
  const flat: [number, number] = [count, rows * columns];
  if (!hasNativeOps()) {
    return tf.tensor2d(new Float32Array(data), flat);
  }
  const ops = new NativeOps();
  const pixels = ops.toTensor(ops.floatsFromBytes(data, flat), flat) as tf.Tensor2D;
  ops.releaseAll();
  return pixels;
}

/**
 * Scales bytes to the range from 0 to 1, in which networks learn well.
 *
 * @param pixels float32 of any shape, raw bytes 0-255.
 * @returns a new tensor of the same shape, float32, 0-1. The caller disposes of it, and of `pixels`.
 * @throws RangeError if values are outside 0-255, or all between 0 and 1 already.
 * @example const trainX = normalize(trainPixels);
 */
export function normalize<T extends tf.Tensor>(pixels: T): T {
  const [smallest, largest] = tf.tidy(() => [pixels.min().dataSync()[0], pixels.max().dataSync()[0]]);
  if (smallest < 0 || largest > LARGEST_BYTE) {
    throw new RangeError(`pixels lie between ${smallest} and ${largest} (expected bytes, 0-${LARGEST_BYTE})`);
  }
  if (largest > 0 && largest <= 1) {
    throw new RangeError(`pixels lie between ${smallest} and ${largest}: they are normalized already (expected 0-255)`);
  }
  return tf.tidy(() => pixels.div<T>(LARGEST_BYTE));
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
