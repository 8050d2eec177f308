import * as tf from '@tensorflow/tfjs-node';

/** Runs the steps and expects the same number of tensors before and after. */
export function expectNoLeak(steps: () => void): void {
  const before = tf.memory().numTensors;
  steps();
  expect(tf.memory().numTensors).toBe(before);
}
