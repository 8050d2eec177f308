import * as tf from '@tensorflow/tfjs-node';

/**
 * The version of the TensorFlow library that computes, which is not the version of tfjs, its JavaScript interface.
 *
 * @returns for example `2.21.0`; `none` on a backend other than tfjs-node's.
 * @example console.log(`TensorFlow ${tensorflowVersion()}`);
 */
export function tensorflowVersion(): string {
  const { binding } = tf.backend() as { binding?: { TF_Version: string } };
  return binding?.TF_Version ?? 'none';
}
