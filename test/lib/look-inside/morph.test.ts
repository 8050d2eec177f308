import { flatten, inputGradient, loadMnist, morph, normalize, predict } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { pretrainedNetwork } from '../../helpers/pretrained-network';

describe('morph(model, images, index, target, steps)', () => {
  const { testImages } = loadMnist();
  let model: tf.Sequential;
  beforeAll(async () => {
    model = await pretrainedNetwork();
  });
  afterAll(() => model.dispose());

  test('begins with the digit, and ends where the network is certain of the other', () => {
    const before = tf.memory().numTensors;
    const { images, probabilities, target } = morph(model, testImages, 0, 9); // a 7
    expect(tf.memory().numTensors).toBe(before);
    expect([images.shape, probabilities.length, target]).toEqual([[41, 28, 28], 41, 9]);
    expect(images.data.subarray(0, 784)).toEqual(testImages.data.subarray(0, 784));
    expect(probabilities[0][7]).toBeGreaterThan(0.99);
    expect(probabilities[40][9]).toBeGreaterThan(0.99);
  });

  test('gives the probabilities of the pictures as they are, in bytes', () => {
    const { images, probabilities } = morph(model, testImages, 3, 6, 5);
    tf.tidy(() => {
      const again = predict(model, normalize(flatten(images))).arraySync();
      expect(probabilities).toEqual(again);
    });
  });

  test('moves about as far with each step, and uphill', () => {
    const { images } = morph(model, testImages, 0, 9, 3);
    tf.tidy(() => {
      const [start, end] = normalize(flatten(images)).split(4).slice(0, 2); // [1, 784] each
      const way = end.sub(start);
      const length = way.norm().dataSync()[0];
      expect(length).toBeGreaterThan(0.2); // the step of 0.4, without what would be below 0 or above 1
      expect(length).toBeLessThan(0.4 + 0.012 * 28);
      expect(
        way
          .mul(inputGradient(model, start, [9]))
          .sum()
          .dataSync()[0],
      ).toBeGreaterThan(0);
    });
  });

  test.each<[string, [number, number, number?], string]>([
    ['an image that is not there', [10_000, 9], 'there is no image 10000 (expected 0-9999)'],
    ['a class that is not there', [0, 10], 'label 10 at index 0 is not a class (expected 0-9)'],
    ['no step', [0, 9, 0], 'steps is 0 (expected a whole number, 1 or more)'],
  ])('refuses %s, and leaks nothing', (_what, args, message) => {
    const before = tf.memory().numTensors;
    expect(() => morph(model, testImages, ...args)).toThrow(new RangeError(message));
    expect(tf.memory().numTensors).toBe(before);
  });

  test('refuses images of another size', () => {
    const small = { ...testImages, shape: [1, 2, 2], data: new Uint8Array(4) };
    const before = tf.memory().numTensors;
    expect(() => morph(model, small, 0, 9)).toThrow(/shape \[1, 4\] \(expected \[count, 784\]/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
