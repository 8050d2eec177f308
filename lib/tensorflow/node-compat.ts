import util from 'node:util';

/*
 * tfjs-node still calls two functions that newer versions of Node warn of (22) or lack (23: tensorflow/tfjs issues 8609
 * and 8746). These take their places before the first operation runs.
 */
Object.assign(util, {
  isArray: Array.isArray,
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
});
