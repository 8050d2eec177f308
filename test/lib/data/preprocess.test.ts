import { type IdxArray, flatten, loadMnist, normalize, oneHot } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';

const bytes = (shape: number[], ...data: number[]): IdxArray => ({
  dtype: 'uint8',
  shape,
  data: Uint8Array.from(data),
});

describe('flatten(images)', () => {
  test('lays the rows of each image end to end', () => {
    expectNoLeak(() => {
      const pixels = flatten(bytes([2, 2, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255));
      expect(pixels.dtype).toBe('float32');
      expect(pixels.arraySync()).toEqual([
        [1, 2, 3, 4, 5, 6],
        [7, 8, 9, 10, 11, 255],
      ]);
      pixels.dispose();
    });
  });

  test('turns each digit into 784 numbers', () => {
    const pixels = flatten(loadMnist().testImages);
    expect(pixels.shape).toEqual([10_000, 784]);
    pixels.dispose();
  });

  test('refuses an array that is not a list of images', () => {
    expectNoLeak(() => {
      expect(() => flatten(bytes([4], 1, 2, 3, 4))).toThrow(RangeError);
      expect(() => flatten(bytes([4], 1, 2, 3, 4))).toThrow(/shape \[4\].*expected \[count, rows, columns\]/);
    });
  });
});

describe('normalize(pixels)', () => {
  const normalized = (...values: number[]): number[] =>
    tf.tidy(() => Array.from(normalize(tf.tensor1d(values, 'float32')).dataSync()));

  test('divides by 255', () => {
    const [paper, fifth, ink] = normalized(0, 51, 255); // 51 = 255 / 5
    expect([paper, ink]).toEqual([0, 1]);
    expect(fifth).toBeCloseTo(0.2, 7);
  });

  test('keeps the shape, does not change its argument and leaks nothing', () => {
    expectNoLeak(() => {
      const pixels = tf.tensor2d([[0, 255, 51]]);
      const x = normalize(pixels);
      expect(x.shape).toEqual([1, 3]);
      expect(x.dtype).toBe('float32');
      expect(Array.from(pixels.dataSync())).toEqual([0, 255, 51]);
      tf.dispose([pixels, x]);
    });
  });

  test('accepts a picture without ink', () => {
    expect(normalized(0, 0)).toEqual([0, 0]);
  });

  test('refuses pixels that are normalized already', () => {
    expect(() => normalized(0, 0.5, 1)).toThrow(/between 0 and 1: they are normalized already \(expected 0-255\)/);
  });

  test.each([[[-1, 255]], [[0, 256]]])('refuses %j, which are not bytes', (values) => {
    expectNoLeak(() => {
      expect(() => normalized(...values)).toThrow(RangeError);
      expect(() => normalized(...values)).toThrow(/\(expected bytes, 0-255\)/);
    });
  });
});

describe('oneHot(labels, numClasses)', () => {
  test('encodes 5 with the 1 at index 5, counted from 0', () => {
    expectNoLeak(() => {
      const rows = oneHot(bytes([3], 5, 0, 9), 10);
      expect(rows.dtype).toBe('float32');
      expect(rows.arraySync()).toEqual([
        [0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      ]);
      rows.dispose();
    });
  });

  test('refuses a class outside numClasses', () => {
    expectNoLeak(() => {
      expect(() => oneHot(bytes([3], 1, 0, 3), 3)).toThrow(RangeError);
      expect(() => oneHot(bytes([3], 1, 0, 3), 3)).toThrow('label 3 at index 2 is not a class (expected 0-2)');
    });
  });
});
