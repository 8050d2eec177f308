import * as tf from '@tensorflow/tfjs-node';
import { type IdxArray, idxArray } from './idx';
import { Graph, GraphDescription, byteTensor, hasGraphs } from '../tensorflow/graph';

const LARGEST_BYTE = 255;

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
  if (!hasGraphs()) {
    return tf.tidy(() => tf.tensor(data, shape, 'float32').div(LARGEST_BYTE));
  }
  // In a graph, the division writes its results over the floats that it reads.
  const description = new GraphDescription();
  const bytes = description.input(
    'bytes',
    'DT_UINT8',
    shape.map(() => -1),
  );
  const floats = description.add('floats', 'Cast', [bytes], {
    SrcT: { type: 'DT_UINT8' },
    DstT: { type: 'DT_FLOAT' },
  });
  const largest = description.input('largest', 'DT_FLOAT', []);
  description.add('normalized', 'RealDiv', [floats, largest], { T: { type: 'DT_FLOAT' } });
  const graph = new Graph(description);
  try {
    return tf.tidy(
      () => graph.run({ bytes: byteTensor(data, shape), largest: tf.scalar(LARGEST_BYTE) }, ['normalized'])[0],
    );
  } finally {
    graph.delete();
  }
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
