import { DataError, firstOf, parseIdx } from 'mnist-lib';

// Written by hand from the description of the IDX format by LeCun, Cortes and Burges.
const LABELS = [0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4];
const IMAGES = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40]; // 2 pictures of 1 × 2 pixels
const MAX_SIZE = [0xff, 0xff, 0xff, 0xff]; // 2^32 - 1

const parse = (...bytes: number[]) => parseIdx(Uint8Array.from(bytes), 'file');

describe('parseIdx(bytes, name)', () => {
  test('reads a vector', () => {
    expect(parse(...LABELS)).toEqual({ dtype: 'uint8', shape: [3], data: Uint8Array.of(5, 0, 4) });
  });

  test('reads three dimensions', () => {
    expect(parse(...IMAGES)).toEqual({ dtype: 'uint8', shape: [2, 1, 2], data: Uint8Array.of(10, 20, 30, 40) });
  });

  test('reads sizes as big-endian 32-bit integers', () => {
    const bytes = new Uint8Array(8 + 0x01_02_03);
    bytes.set([0, 0, 8, 1, 0, 1, 2, 3]);
    expect(parseIdx(bytes, 'file').shape).toEqual([1 * 65_536 + 2 * 256 + 3]);
  });

  test('reads an empty vector', () => {
    expect(parse(0, 0, 8, 1, 0, 0, 0, 0)).toMatchObject({ shape: [0], data: new Uint8Array(0) });
  });

  test('reads bytes that lie inside a larger buffer', () => {
    const buffer = Uint8Array.from([9, 9, 9, ...LABELS, 9]);
    expect(parseIdx(buffer.subarray(3, 3 + LABELS.length), 'file').data).toEqual(Uint8Array.of(5, 0, 4));
  });

  test.each([
    ['an empty file', [], /begins with nothing \(expected the magic number 00 00 08/],
    ['a gzip file', [0x1f, 0x8b, 8, 0], /begins with 1f 8b 08 00/],
    ['an HTML page', [...Buffer.from('<!DOCTYPE html>')], /begins with 3c 21 44 4f/],
    ['floating-point elements', [0, 0, 0x0d, 1, 0, 0, 0, 0], /begins with 00 00 0d 01/],
    ['no dimension', [0, 0, 8, 0], /begins with 00 00 08 00/],
    ['a header cut short', IMAGES.slice(0, 15), /cut short: 15 bytes \(expected a header of 16 bytes\)/],
    ['one element too few', IMAGES.slice(0, -1), /cut short: 3 elements \(its header announces 2 × 1 × 2 = 4\)/],
    [
      'more elements than a number can count',
      [0, 0, 8, 3, ...MAX_SIZE, ...MAX_SIZE, ...MAX_SIZE, 1],
      /cut short: 1 elements/,
    ],
    [
      '2^32 elements of which none is there',
      [0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0],
      /announces 65536 × 65536 = 4294967296\)/,
    ],
    [
      '255 dimensions of which one is there',
      [0, 0, 8, 255, ...MAX_SIZE],
      /cut short: 8 bytes \(expected a header of 1024 bytes\)/,
    ],
    ['one element too many', [...LABELS, 7], /too long: 4 elements \(its header announces 3 = 3\)/],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => parse(...bytes)).toThrow(message);
    expect(() => parse(...bytes)).toThrow(DataError);
  });
});

describe('firstOf(array, count)', () => {
  const images = parse(...IMAGES);

  test('takes whole elements from the beginning, without a copy', () => {
    const first = firstOf(images, 1);
    expect(first).toEqual({ dtype: 'uint8', shape: [1, 1, 2], data: Uint8Array.of(10, 20) });
    expect(first.data.buffer).toBe(images.data.buffer);
    expect(firstOf(parse(...LABELS), 3).data).toEqual(Uint8Array.of(5, 0, 4));
  });

  test.each([0, 3, 1.5, -1, NaN])('refuses to take %s of two', (count) => {
    expect(() => firstOf(images, count)).toThrow(`cannot take the first ${count} of 2 elements (expected 1-2)`);
  });
});
