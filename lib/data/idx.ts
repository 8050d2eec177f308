import { displayedAs } from '../display/display';

/** Bytes with a shape, as in an IDX file: in row-major order, the last dimension varies fastest. */
export interface IdxArray {
  dtype: 'uint8';
  shape: number[];
  data: Uint8Array;
}

/** A data file is missing, damaged or of another kind. Nothing was loaded from it. */
export class DataError extends Error {
  override name = 'DataError';
}

const UNSIGNED_BYTE = 0x08;
const MAGIC_BYTES = 4;
const SIZE_BYTES = 4;
const FIRST_SHOWN = 8;

/**
 * Parses the bytes of an IDX file: a magic number (two zero bytes, the type of the elements, the number of dimensions),
 * the size of each dimension as a big-endian 32-bit integer, then the elements.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", the IDX file format.
 *
 * @param bytes the whole file, uncompressed.
 * @param name the name of the file in error messages.
 * @returns its shape and its elements, uint8; the elements share memory with `bytes`.
 * @throws DataError if the format or the element type is another, or if the number of bytes is not the one in the
 *   header.
 * @example parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 7), 'labels') // shape [2], data 5, 7
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const [zero, alsoZero, type, dimensions] = bytes;
  if (zero !== 0 || alsoZero !== 0 || type !== UNSIGNED_BYTE || !(dimensions > 0)) {
    const start = Array.from(bytes.subarray(0, MAGIC_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new DataError(
      `${name} is not an IDX file of bytes: it begins with ${start || 'nothing'} ` +
        '(expected the magic number 00 00 08 and the number of dimensions)',
    );
  }
  const header = MAGIC_BYTES + dimensions * SIZE_BYTES;
  if (bytes.length < header) {
    throw new DataError(`${name} is cut short: ${bytes.length} bytes (expected a header of ${header} bytes)`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: dimensions }, (_, index) => view.getUint32(MAGIC_BYTES + index * SIZE_BYTES));
  const announced = shape.reduce((product, size) => product * size, 1);
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + header, bytes.length - header);
  if (data.length !== announced) {
    throw new DataError(
      `${name} is ${data.length < announced ? 'cut short' : 'too long'}: ${data.length} elements ` +
        `(its header announces ${shape.join(' × ')} = ${announced})`,
    );
  }
  return idxArray(shape, data);
}

/**
 * Makes an array of bytes. As the result of a cell, it is shown as its shape and its first bytes.
 *
 * @param shape the size of each dimension.
 * @param data the elements, as many as the shape says; not copied.
 * @example idxArray([2, 2], Uint8Array.of(0, 255, 255, 0))
 */
export function idxArray(shape: number[], data: Uint8Array): IdxArray {
  return displayedAs({ dtype: 'uint8', shape, data }, () => {
    const first = data.subarray(0, FIRST_SHOWN).join(', ');
    return { 'text/plain': `uint8 [${shape.join(', ')}]\n${first}${data.length > FIRST_SHOWN ? ', ...' : ''}` };
  });
}

/**
 * The first elements along the first dimension: the first images, or the first labels.
 *
 * @param array uint8 [n, ...].
 * @param count how many, at most n.
 * @returns uint8 [count, ...]: the same bytes, not copied.
 * @throws RangeError if `count` is not a whole number from 1 to n.
 * @example const fewImages = firstOf(trainImages, 2000); // [60000, 28, 28] -> [2000, 28, 28]
 */
export function firstOf({ data, shape: [n, ...rest] }: IdxArray, count: number): IdxArray {
  if (!Number.isInteger(count) || count < 1 || count > n) {
    throw new RangeError(`cannot take the first ${count} of ${n} elements (expected 1-${n})`);
  }
  return idxArray([count, ...rest], data.subarray(0, (data.length / n) * count));
}
