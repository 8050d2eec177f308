import * as tf from '@tensorflow/tfjs-node';

/** Runs the steps and expects that they leave as many tensors as there were. */
export function expectNoLeak(steps: () => void): void {
  const before = tf.memory().numTensors;
  steps();
  expect(tf.memory().numTensors).toBe(before);
}
