import { loadPretrained } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { compiled } from './small-mnist';

/** The lecture's network, trained. The caller disposes of it. */
export async function trainedNetwork(): Promise<tf.Sequential> {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', inputShape: [784], units: 1000, activation: 'relu' }),
      tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }),
    ],
  });
  await loadPretrained(compiled(model));
  return model;
}
