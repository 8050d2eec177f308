import * as tf from '@tensorflow/tfjs-node';
import { loadPretrained } from 'mnist-lib';
import { compiled } from './small-mnist';

/** The network of the lecture, trained. The caller disposes of it. */
export async function pretrainedNetwork(): Promise<tf.Sequential> {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', units: 1000, activation: 'relu', inputShape: [784] }),
      tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }),
    ],
  });
  await loadPretrained(compiled(model));
  return model;
}
