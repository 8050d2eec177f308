import { sample, setSeed } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';

// setSeed replaces Math.random for the whole process.
const originalRandom = Math.random;
afterEach(() => {
  Math.random = originalRandom;
});

describe('setSeed(seed)', () => {
  const initialWeights = (): number[] =>
    tf.tidy(() => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
      return Array.from(model.getWeights()[0].dataSync());
    });

  test('makes the following random numbers the same each time', () => {
    setSeed(13);
    const first = [Math.random(), Math.random()];
    setSeed(13);
    expect([Math.random(), Math.random()]).toEqual(first);
    setSeed(14);
    expect([Math.random(), Math.random()]).not.toEqual(first);
  });

  test("determines a network's initial weights and the samples", () => {
    setSeed(13);
    const first = [initialWeights(), sample(60_000, 16)];
    setSeed(13);
    expect([initialWeights(), sample(60_000, 16)]).toEqual(first);
  });
});

describe('sample(population, size)', () => {
  const ascending = (numbers: number[]): number[] => [...numbers].sort((a, b) => a - b);

  test('draws no element twice', () => {
    for (let round = 0; round < 100; round++) {
      expect(new Set(sample(20, 10)).size).toBe(10);
    }
  });

  test('of size n draws every index below n', () => {
    expect(ascending(sample(5, 5))).toEqual([0, 1, 2, 3, 4]);
  });

  test('draws from a list and does not change it', () => {
    const population = [40, 10, 30];
    expect(ascending(sample(population, 3))).toEqual([10, 30, 40]);
    expect(population).toEqual([40, 10, 30]);
  });

  test('draws each element equally often', () => {
    setSeed(1);
    const counts = new Array<number>(6).fill(0);
    for (let round = 0; round < 6000; round++) {
      sample(6, 2).forEach((drawn) => counts[drawn]++);
    }
    // 2 of 6, 6000 times: 2000 each. Chi-square with 5 degrees of freedom exceeds 20.52 in one case of a thousand.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquare).toBeLessThan(20.52);
  });

  test.each([[0], [4], [-1], [1.5], [NaN]])('refuses to draw %p of 3', (size) => {
    expect(() => sample(3, size)).toThrow(RangeError);
    expect(() => sample(3, size)).toThrow(`cannot sample ${size} of 3 elements (expected 1-3)`);
  });
});
