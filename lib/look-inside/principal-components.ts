import * as tf from '@tensorflow/tfjs-node';
import { Graph, GraphDescription, hasGraphs } from '../tensorflow/graph';

/** Points seen from the directions in which they differ most. */
export interface PrincipalComponents {
  /** For each point, its coordinate along each component: its distance from the mean of all points in that direction. */
  positions: number[][];
  /** Each component, a direction of length 1. The largest of its numbers is positive. */
  components: number[][];
  /** For each component, the fraction of the variance of all points that lies along it, 0-1. */
  explained: number[];
}

/**
 * Finds the directions in which points differ most (principal component analysis): the eigenvectors of their covariance
 * matrix with the largest eigenvalues. TensorFlow computes them.
 *
 * A component and its opposite are equally good. As in scikit-learn, the one is taken whose number of the largest
 * magnitude is positive.
 *
 * Source: K. Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
 *
 * @param points float32 [count, dimensions], at least two. The caller disposes of it.
 * @param count how many components, at most the number of dimensions.
 * @returns plain numbers, the component with the largest variance first.
 * @throws RangeError if there are too few points or dimensions, or if all points are equal or one is not finite.
 * @example const { positions } = principalComponents(activations, 2); // [2000, 1000] -> 2000 pairs
 */
export function principalComponents(points: tf.Tensor2D, count: number): PrincipalComponents {
  const [numPoints, dimensions] = points.shape;
  if (!hasGraphs()) {
    throw new Error('principal components need the backend tensorflow: call await tf.setBackend("tensorflow")');
  }
  if (numPoints < 2) {
    throw new RangeError(`there are ${numPoints} points (expected at least two)`);
  }
  if (!Number.isInteger(count) || count < 1 || count > dimensions) {
    throw new RangeError(`cannot find ${count} components in ${dimensions} dimensions (expected 1-${dimensions})`);
  }
  return tf.tidy(() => {
    const centred = points.sub(points.mean(0));
    const total = tf.tidy(() => tf.sum(tf.square(centred)).dataSync()[0]);
    const variance = total / (numPoints - 1);
    if (!(variance > 0 && Number.isFinite(variance))) {
      throw new RangeError(`the variance of the points is ${variance} (expected a number above 0)`);
    }
    const scatter = tf.matMul(centred, centred, true, false); // the covariance matrix times numPoints - 1
    const [values, vectors] = eigenvectors(scatter); // ascending, in columns
    const largest = vectors
      .slice([0, dimensions - count], [dimensions, count])
      .reverse(1)
      .transpose();
    const peaks = tf.oneHot(largest.abs().argMax<tf.Tensor1D>(1), dimensions); // [count, dimensions]
    const signs = tf.sign(tf.sum(largest.mul(peaks), 1, true)); // [count, 1]
    const components = largest.mul<tf.Tensor2D>(signs); // [count, dimensions]
    return {
      positions: tf.matMul(centred, components, false, true).arraySync() as number[][],
      components: components.arraySync(),
      explained: Array.from(
        values
          .slice(dimensions - count)
          .reverse()
          .dataSync(),
        (value) => value / total,
      ),
    };
  });
}

/** The eigenvalues of a symmetric matrix, ascending, and its eigenvectors, one per column. */
function eigenvectors(matrix: tf.Tensor): tf.Tensor[] {
  const description = new GraphDescription();
  const input = description.input('matrix', 'DT_FLOAT', [-1, -1]);
  description.add('eigen', 'SelfAdjointEigV2', [input], { compute_v: { b: true }, T: { type: 'DT_FLOAT' } });
  const graph = new Graph(description);
  try {
    return graph.run({ matrix }, ['eigen', 'eigen:1']);
  } finally {
    graph.delete();
  }
}
