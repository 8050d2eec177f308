import { type IdxArray, flatten, loadMnist, normalize, oneHot } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';

const bytes = (shape: number[], ...data: number[]): IdxArray => ({
  dtype: 'uint8',
  shape,
  data: Uint8Array.from(data),
});

describe('flatten(images)', () => {
  test('lays the rows of each image end to end, without a copy', () => {
    const images = bytes([2, 2, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255);
    const { dtype, shape, data } = flatten(images);
    expect([dtype, shape]).toEqual(['uint8', [2, 6]]);
    expect(data).toBe(images.data);
  });

  test('turns each digit into 784 numbers', () => {
    expect(flatten(loadMnist().testImages).shape).toEqual([10_000, 784]);
  });

  test('refuses an array that is not a list of images', () => {
    expect(() => flatten(bytes([4], 1, 2, 3, 4))).toThrow(RangeError);
    expect(() => flatten(bytes([4], 1, 2, 3, 4))).toThrow(/shape \[4\].*expected \[count, rows, columns\]/);
  });
});

describe.each(['tensorflow', 'cpu'])('normalize(pixels), computed by %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));
  afterAll(() => tf.setBackend('tensorflow'));

  test('divides by 255, keeps the shape and the bytes, and leaks nothing', () => {
    expectNoLeak(() => {
      const pixels = bytes([1, 2, 2], 0, 51, 254, 255); // 51 = 255 / 5
      const x = normalize(pixels);
      expect([x.dtype, x.shape]).toEqual(['float32', [1, 2, 2]]);
      expect(Array.from(x.dataSync())).toEqual([0, Math.fround(0.2), Math.fround(254 / 255), 1]);
      expect([...pixels.data]).toEqual([0, 51, 254, 255]);
      x.dispose();
    });
  });

  test.each([[[]], [[0, 28, 28]], [[2001, 3]]])('divides bytes of shape %j', (shape) => {
    expectNoLeak(() => {
      const data = Uint8Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, i) => i % 256);
      const x = normalize({ dtype: 'uint8', shape, data });
      expect(x.shape).toEqual(shape);
      expect(x.dataSync()).toEqual(Float32Array.from(data, (byte) => byte / 255));
      x.dispose();
    });
  });

  test('divides the pixels of a digit', () => {
    const { testImages } = loadMnist();
    const first = testImages.data.subarray(0, 784);
    const x = normalize(flatten({ ...testImages, shape: [1, 28, 28], data: first }));
    expect(x.dataSync()).toEqual(Float32Array.from(first, (byte) => byte / 255));
    x.dispose();
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
