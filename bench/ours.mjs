// Our side of the benchmark: the lecture's data and network, outside a notebook.
import { createRequire } from 'node:module';

process.env.TF_CPP_MIN_LOG_LEVEL = '2'; // before TensorFlow is loaded
const require = createRequire(import.meta.url);
export const tf = require('@tensorflow/tfjs-node');
export const mnist = require('mnist-lib');

/** Prepares MNIST as the lecture does. */
export function prepare({ trainImages, trainLabels, testImages, testLabels } = mnist.loadMnist()) {
  const [trainX, testX] = [trainImages, testImages].map((images) => mnist.normalize(mnist.flatten(images)));
  const [trainY, testY] = [trainLabels, testLabels].map((labels) => mnist.oneHot(labels, 10));
  return { trainX, trainY, testX, testY };
}

/** Builds and compiles the lecture's network. */
export function buildModel() {
  mnist.setSeed(13);
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [784], units: 1000, activation: 'relu' }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(), metrics: ['accuracy'] });
  return model;
}
