import { accuracy, confusionMatrix, toLabels, wrongPredictions } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../helpers/expect-no-leak';

describe('toLabels(rows)', () => {
  test('returns the index of the largest value in each row, the first among equal ones', () => {
    expectNoLeak(() => {
      const rows = tf.tensor2d([
        [0.1, 0.7, 0.2],
        [0, 0, 1],
        [0.4, 0.2, 0.4],
      ]);
      expect(toLabels(rows)).toEqual([1, 2, 0]);
      rows.dispose();
    });
  });
});

describe('accuracy(trueLabels, predictedLabels)', () => {
  test('is the fraction of correct labels', () => {
    // The example of scikit-learn's page on accuracy_score.
    expect(accuracy([0, 1, 2, 3], [0, 2, 1, 3])).toBe(0.5);
    expect(accuracy([1, 2], [1, 2])).toBe(1);
    expect(accuracy([1, 2], [2, 1])).toBe(0);
  });

  test('is not defined without labels', () => {
    expect(() => accuracy([], [])).toThrow(RangeError);
    expect(() => accuracy([], [])).toThrow(/expected at least one/);
  });
});

describe('wrongPredictions(trueLabels, predictedLabels)', () => {
  test('lists the indices at which the two differ', () => {
    expect(wrongPredictions([7, 2, 1, 0, 4], [7, 3, 1, 6, 4])).toEqual([1, 3]);
    expect(wrongPredictions([7], [7])).toEqual([]);
  });

  test('refuses lists of different lengths', () => {
    expect(() => wrongPredictions([1, 2, 3], [1, 2])).toThrow(
      '3 true labels and 2 predicted ones (expected the same number)',
    );
  });
});

describe('confusionMatrix(trueLabels, predictedLabels, numClasses)', () => {
  test('has true labels in rows and predicted labels in columns', () => {
    // The example of scikit-learn's page on confusion_matrix.
    expect(confusionMatrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2], 3)).toEqual([
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]);
  });

  test.each([
    [[0, 3], [0, 1], 'label 3 at index 1 is not a class (expected 0-2)'],
    [[0, 1], [7, 1], 'label 7 at index 0 is not a class (expected 0-2)'],
  ])('refuses true labels %j with predictions %j for three classes', (trueLabels, predictedLabels, message) => {
    expect(() => confusionMatrix(trueLabels, predictedLabels, 3)).toThrow(message);
  });
});
