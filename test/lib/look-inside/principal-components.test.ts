import { type PrincipalComponents, firstOf, flatten, loadMnist, normalize, principalComponents } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';

describe('principalComponents(points, count)', () => {
  test('agrees with scikit-learn for 1000 activations of 2000 test digits, in sign, too', () => {
    // scikit-learn 1.9.1, numpy 2.4.6, with x the first 2000 test digits, 0-1:
    //   h = numpy.maximum(x @ numpy.sin(numpy.arange(784_000.).reshape(784, 1000)) / 10, 0)
    //   p = sklearn.decomposition.PCA(2, svd_solver='full').fit(h)
    //   p.explained_variance_ratio_, p.transform(h)[:4], p.components_[:, :3]
    let found: PrincipalComponents;
    expectNoLeak(() => {
      const activations = tf.tidy(() => {
        const x = normalize(flatten(firstOf(loadMnist().testImages, 2000))) as tf.Tensor2D;
        const weights = Float32Array.from({ length: 784_000 }, (_, index) => Math.sin(index) / 10);
        return tf.matMul(x, tf.tensor2d(weights, [784, 1000])).relu<tf.Tensor2D>();
      });
      found = principalComponents(activations, 2);
      activations.dispose();
    });
    const { positions, components, explained } = found!;
    expect([positions.length, components.length, components[0].length]).toEqual([2000, 2, 1000]);
    expectClose(explained, [0.36491695, 0.33483082], 5);
    expectClose(positions.slice(0, 4).flat(), [
      ...[1.5943259, 1.77233077, 0.13264456, 0.34050738],
      ...[0.68326255, -0.91707678, 5.55713781, 3.09331543],
    ]);
    expectClose(components[0].slice(0, 3), [0.01975002, -0.02305489, -0.04395215]);
    expectClose(components[1].slice(0, 3), [-0.03890368, -0.03685788, -0.00058972]);
  });

  test('finds the direction of points on a line, with the distances from their mean', () => {
    const points = tf.tensor2d([
      [0, 0],
      [3, 4],
      [9, 12],
    ]); // prettier-ignore -- at 0, 5 and 15 on a line; mean 20/3
    const { positions, components, explained } = principalComponents(points, 1);
    expectClose(components[0], [0.6, 0.8]);
    expectClose(positions.flat(), [-20 / 3, 5 - 20 / 3, 15 - 20 / 3]);
    expectClose(explained, [1]);
    points.dispose();
  });

  test.each<[string, number[][], number, string]>([
    ['a single point', [[1, 2]], 1, 'there are 1 points (expected at least two)'],
    [
      'too many components',
      [
        [1, 2],
        [3, 4],
      ],
      3,
      'cannot find 3 components in 2 dimensions (expected 1-2)',
    ],
    [
      'no component',
      [
        [1, 2],
        [3, 4],
      ],
      0,
      'cannot find 0 components in 2 dimensions (expected 1-2)',
    ],
    [
      'equal points',
      [
        [1, 2],
        [1, 2],
      ],
      1,
      'the variance of the points is 0 (expected a number above 0)',
    ],
    [
      'a point that is not a number',
      [
        [1, 2],
        [NaN, 2],
      ],
      1,
      'the variance of the points is NaN (expected a number above 0)',
    ],
  ])('refuses %s', (_what, points, count, message) => {
    tf.tidy(() => expect(() => principalComponents(tf.tensor2d(points), count)).toThrow(new RangeError(message)));
  });
});

function expectClose(found: number[], expected: number[], digits = 4): void {
  expect(found).toEqual(expected.map((value): unknown => expect.closeTo(value, digits)));
}
