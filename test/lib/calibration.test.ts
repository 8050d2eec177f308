import { calibration } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../helpers/expect-no-leak';
import { withTensor } from '../helpers/with-tensor';

// No confidence lies on the border of a bin, where implementations differ.
const ROWS = [
  ...[[0.71, 0.2, 0.09], [0.55, 0.25, 0.2], [0.1, 0.85, 0.05], [0.3, 0.45, 0.25]], // prettier-ignore
  ...[[0.05, 0.04, 0.91], [0.2, 0.52, 0.28], [0.01, 0.01, 0.98], [0.97, 0.02, 0.01]], // prettier-ignore
  ...[[0.62, 0.3, 0.08], [0.12, 0.63, 0.25], [0.35, 0.33, 0.32], [0.25, 0.24, 0.51]], // prettier-ignore
];
const LABELS = [0, 1, 1, 2, 2, 1, 2, 0, 0, 0, 0, 2];

describe('calibration(trueLabels, probabilities, numBins)', () => {
  test.each([
    [undefined, 0.2875],
    [15, 0.2875],
    [5, 0.0841667],
    [1, 0.0791667],
  ])("gives netcal's expected calibration error with %s bins, and leaks nothing", (numBins, error) => {
    // netcal 1.4.0: ECE(numBins).measure(np.array(ROWS), np.array(LABELS)); torchmetrics 1.9.0 gives the same:
    // multiclass_calibration_error(torch.tensor(ROWS), torch.tensor(LABELS), num_classes=3, n_bins=numBins, norm='l1').
    expectNoLeak(() => {
      const found = withTensor(ROWS, (probabilities) => calibration(LABELS, probabilities, numBins));
      expect(found.error).toBeCloseTo(error, 6);
    });
  });

  test('counts the answers of each interval, with their mean confidence and accuracy, as by hand', () => {
    const { bins } = withTensor(ROWS, (probabilities) => calibration(LABELS, probabilities, 5));
    expect(bins.map(({ count }) => count)).toEqual([0, 1, 4, 3, 4]);
    expect(bins[0]).toEqual({ from: 0, to: 0.2, count: 0, confidence: NaN, accuracy: NaN });
    expect(bins[2]).toMatchObject({ from: 0.4, to: 0.6, accuracy: 2 / 4 });
    expect(bins[2].confidence).toBeCloseTo((0.55 + 0.45 + 0.52 + 0.51) / 4, 6);
  });

  test('puts a confidence on a border into the lower interval, as the paper does, and 0 into the first', () => {
    const rows = [0, 0.25, 0.5, 0.75, 1].map((confidence) => [confidence, 0]);
    const { bins } = withTensor(rows, (probabilities) => calibration([0, 0, 0, 0, 0], probabilities, 4));
    expect(bins.map(({ count }) => count)).toEqual([2, 1, 1, 1]);
  });

  test('has no error where the confidence is right, and the largest where a network is certain and wrong', () => {
    const errorFor = (labels: number[]) =>
      withTensor([[1, 0], [1, 0]], (probabilities) => calibration(labels, probabilities).error); // prettier-ignore
    expect([errorFor([0, 0]), errorFor([1, 1])]).toEqual([0, 1]);
  });

  test.each<[number[], number[][], number | undefined, string]>([
    [[], [], undefined, 'there is no label, so the calibration is not defined (expected at least one)'],
    [[0], [[1, 0]], 0, 'numBins is 0 (expected a whole number, 1 or more)'],
    [[0], [[NaN, 0]], 15, 'NaN in row 0 is not a probability (expected 0 to 1)'],
  ])('refuses labels %j with %j and %s bins', (labels, rows, numBins, message) => {
    tf.tidy(() => {
      const probabilities = tf.tensor2d(rows, [rows.length, 2]);
      expect(() => calibration(labels, probabilities, numBins)).toThrow(new RangeError(message));
    });
  });
});
