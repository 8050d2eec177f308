import * as util from 'node:util';

/*
 * tfjs-node still calls util.isNullOrUndefined, which Node 23 removed (tensorflow/tfjs issues 8609 and 8746). It is put
 * back before the first operation runs.
 */
(util as { isNullOrUndefined?: unknown }).isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
