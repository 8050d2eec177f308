import * as tf from '@tensorflow/tfjs-node';

/** Runs a function on a matrix, which is disposed of afterwards. Unlike `tf.tidy`, it returns values of any type. */
export function withTensor<T>(rows: number[][], run: (tensor: tf.Tensor2D) => T): T {
  const tensor = tf.tensor2d(rows);
  try {
    return run(tensor);
  } finally {
    tensor.dispose();
  }
}
