import util from 'node:util';

/*
 * tfjs-node still calls two functions that are deprecated in Node 22 and missing from Node 23 (tensorflow/tfjs issues
 * 8609 and 8746). These replace them before the first operation runs.
 */
Object.assign(util, {
  isArray: Array.isArray,
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
});
