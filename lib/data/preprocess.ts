import * as tf from '@tensorflow/tfjs-node';
import { type IdxArray, idxArray } from './idx';
import { NativeOps, hasNativeOps } from '../tensorflow/native-ops';

const LARGEST_BYTE = 255;
const ROWS_AT_ONCE = 1000;

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
 * Makes numbers between 0 and 1 of bytes: networks learn well from small numbers.
 *
 * @param pixels uint8 of any shape, 0-255.
 * @returns float32 of the same shape, each byte divided by 255. The caller disposes of it.
 * @example const trainX = normalize(trainPixels); // 51 -> 0.2
 */
export function normalize({ data, shape }: IdxArray): tf.Tensor {
  if (!hasNativeOps()) {
    return tf.tidy(() => tf.tensor(data, shape, 'float32').div(LARGEST_BYTE));
  }
  return tf.tidy(() => {
    const [count = 1, ...others] = shape;
    const width = others.reduce((product, size) => product * size, 1);
    const pixels = tf.fill([count, width], 0);
    // By pieces, so that no second tensor of this size is ever needed: TensorFlow keeps the memory of freed tensors.
    for (let start = 0; start < count; start += ROWS_AT_ONCE) {
      const end = Math.min(start + ROWS_AT_ONCE, count);
      const ops = new NativeOps();
      const floats = ops.floatsFromBytes(data.subarray(start * width, end * width), [end - start, width]);
      const [scaled] = ops.run('RealDiv', [floats, ops.scalar(LARGEST_BYTE)]);
      const rows = ops.fromTensor(tf.range(start, end, 1, 'int32'));
      ops.run('InplaceUpdate', [ops.fromTensor(pixels), rows, scaled]);
      ops.releaseAll();
    }
    return pixels.reshape(shape);
  });
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
