import { nodeBackend } from './internals';

/**
 * The version of the TensorFlow library in use. It differs from the version of tfjs, its JavaScript interface.
 *
 * @returns for example `2.21.0`; `none` on a backend other than tfjs-node's.
 * @example console.log(`TensorFlow ${tensorflowVersion()}`);
 */
export function tensorflowVersion(): string {
  return nodeBackend()?.binding.TF_Version ?? 'none';
}
