import { firstOf, flatten, loadMnist, normalize, oneHot } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';

/** The first digits of the training data, ready for a network. The caller disposes of them. */
export function smallMnist(count: number): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const { trainImages, trainLabels } = loadMnist();
  return {
    x: normalize(flatten(firstOf(trainImages, count))) as tf.Tensor2D,
    y: oneHot(firstOf(trainLabels, count), 10),
  };
}

/** A network like the lecture's, with fewer neurons, but enough that they are divided into parts. */
export function smallNetwork(
  hidden: tf.layers.Layer[] = [tf.layers.dense({ inputShape: [784], units: 100, activation: 'relu' })],
): tf.Sequential {
  return tf.sequential({ layers: [...hidden, tf.layers.dense({ units: 10, activation: 'softmax' })] });
}

/** Compiles a network as the lecture does. The optimizer is disposed of with the model. */
export function compiled(
  model: tf.Sequential,
  optimizer: tf.Optimizer | string = 'adam',
  loss = 'categoricalCrossentropy',
): tf.Sequential {
  model.compile({ optimizer, loss, metrics: ['accuracy'] });
  return model;
}
