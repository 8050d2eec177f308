import { inspect } from 'node:util';
import * as tensorflow from '../stop/tensorflow';

/** MIME types and their contents. A page shows the richest type that it supports. */
export type MimeBundle = Record<string, unknown>;

/** Deno's convention: a method under this symbol returns a value's MIME bundle, or a promise of it. */
const DISPLAY = Symbol.for('Jupyter.display');

/**
 * The MIME bundle that shows the value of a cell.
 *
 * @throws any error of the value's own method.
 * @example await bundleOf(42) // { 'text/plain': '42' }
 */
export async function bundleOf(value: unknown): Promise<MimeBundle> {
  const method = displayMethod(value);
  if (method) {
    const bundle = await method.call(value);
    if (typeof bundle !== 'object' || bundle === null || Array.isArray(bundle)) {
      throw new TypeError(
        `Symbol.for('Jupyter.display') returned ${inspect(bundle)} (expected an object of MIME types and contents)`,
      );
    }
    return JSON.parse(JSON.stringify(bundle)) as MimeBundle; // throws if it cannot be sent
  }
  return { 'text/plain': tensorflow.textOf(value) ?? textOf(value) };
}

function displayMethod(value: unknown): (() => unknown) | null {
  try {
    const method = (value as Record<symbol, unknown> | null | undefined)?.[DISPLAY];
    return typeof method === 'function' ? (method as () => unknown) : null;
  } catch {
    return null; // a Proxy or a getter that throws
  }
}

function textOf(value: unknown): string {
  try {
    return inspect(value);
  } catch {
    return 'A value that cannot be shown: reading it throws an error.';
  }
}
