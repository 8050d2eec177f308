import * as tf from '@tensorflow/tfjs-node';

/** Waves around 0, a wavelength of its own in each row: numbers that are easy to look at. The caller disposes of them. */
export function waves([rows, columns]: [number, number]): tf.Tensor2D {
  const wave = (row: number) => Array.from({ length: columns }, (_, column) => Math.sin(column / (4 + row)));
  return tf.tensor2d(Array.from({ length: rows }, (_, row) => wave(row)));
}
