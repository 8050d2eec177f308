import * as tf from '@tensorflow/tfjs-node';
import { type IdxArray, idxArray } from '../data/idx';
import { flatten, normalize } from '../data/preprocess';
import { predict } from '../evaluation';
import { LARGEST_BYTE } from '../tensorflow/normalized';
import { inputGradient } from './input-gradient';

/** A digit on its way to another. */
export interface Morph {
  /** uint8 [frames, rows, columns], 0-255: the digit itself, and the picture after each step. */
  images: IdxArray;
  /** For each picture, the probabilities of all classes. */
  probabilities: number[][];
  /** The class that it becomes. */
  target: number;
}

const STEP = 0.4; // the length of a step, in ink from 0 to 1: the pixels of a digit of MNIST have a length of about 9
const FADE = 0.012; // ink that each pixel loses per step
const SMOOTHING = [0.0545, 0.2442, 0.4026, 0.2442, 0.0545]; // Gaussian with a standard deviation of one pixel

/**
 * Turns a digit into another, as the network sees it: the weights stay, and the pixels follow the gradient of the log-odds
 * of another class. The gradient itself would make speckles that convince the network, but nobody else. So each step
 * smooths it by one pixel, and lets all ink fade a little: what stays is what the network asks for again and again.
 *
 * @param model a built model that takes flattened images, 0-1, and ends with softmax.
 * @param images uint8 [count, rows, columns], raw bytes 0-255.
 * @param index which of them.
 * @param target the class to turn it into.
 * @param steps how many, each of the same length; 40 lead from any digit to any other.
 * @returns steps + 1 pictures, and the probabilities that the model gives them as they are, in bytes.
 * @throws RangeError if there is no such image or class, if `steps` is not a whole number, or if the images do not suit
 *   the model.
 * @example const { images, probabilities } = morph(model, testImages, 0, 9);
 */
export function morph(model: tf.LayersModel, images: IdxArray, index: number, target: number, steps = 40): Morph {
  const [count, rows, columns] = images.shape;
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new RangeError(`there is no image ${index} (expected 0-${count - 1})`);
  }
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(`steps is ${steps} (expected a whole number, 1 or more)`);
  }
  const size = rows * columns;
  const bytes = new Uint8Array((steps + 1) * size);
  const start = images.data.subarray(index * size, (index + 1) * size);
  bytes.set(start);
  let pixels = normalize(flatten(idxArray([1, rows, columns], start))); // [1, rows * columns]
  try {
    for (let step = 1; step <= steps; step++) {
      const moved = tf.tidy(() => {
        const gradient = smoothed(inputGradient(model, pixels, [target]), rows, columns);
        // divNoNan: where the gradient is 0, the picture does not move.
        return pixels.add(tf.divNoNan(gradient, gradient.norm()).mul(STEP)).sub(FADE).clipByValue(0, 1);
      });
      pixels.dispose();
      pixels = moved;
      const ink = pixels.dataSync().map((value) => Math.round(value * LARGEST_BYTE));
      bytes.set(ink, step * size);
    }
  } finally {
    pixels.dispose();
  }
  const frames = idxArray([steps + 1, rows, columns], bytes);
  const probabilities = tf.tidy(() => predict(model, normalize(flatten(frames))).arraySync());
  return { images: frames, probabilities, target };
}

/** Smooths images of shape [1, rows * columns], along the columns and then along the rows. */
function smoothed(gradient: tf.Tensor, rows: number, columns: number): tf.Tensor {
  const length = SMOOTHING.length;
  const image: tf.Tensor4D = gradient.reshape([1, rows, columns, 1]);
  return image
    .conv2d(tf.tensor4d(SMOOTHING, [length, 1, 1, 1]), 1, 'same')
    .conv2d(tf.tensor4d(SMOOTHING, [1, length, 1, 1]), 1, 'same')
    .reshape(gradient.shape);
}
