/*
 * Completes tfjs's optimizers, so that a model with any of them can be saved, trained further with the same numbers, and
 * disposed of. In tfjs 4.22, Adamax cannot be saved, Adam continues with powers of beta that are rounded differently, and
 * Momentum keeps a tensor when it is disposed of.
 */
import * as tf from '@tensorflow/tfjs-node';
import type { Adam, Adamax, Moment, Momentum, NamedTensor } from './internals';

/** beta to the power of steps + 1 as the optimizers compute it: a product per step, rounded to float32. */
function powerAfter(steps: number, beta: number): tf.Scalar {
  const factor = Math.fround(beta); // TensorFlow computes with float32
  let power = factor;
  for (let step = 0; step < steps; step++) {
    power = Math.fround(power * factor);
  }
  return tf.scalar(power);
}

/** Makes the two moments of each weight from what was saved, first all of one kind, then all of the other. */
function momentsOf(saved: NamedTensor[]): [Moment[], Moment[]] {
  const moments = saved.map(({ name, tensor }) => ({ originalName: name, variable: tensor.variable(false) }));
  return [moments.slice(0, moments.length / 2), moments.slice(moments.length / 2)];
}

Object.assign(tf.AdamOptimizer.prototype, {
  async setWeights(this: Adam, weights: NamedTensor[]): Promise<void> {
    const moments = await this.extractIterations(weights);
    [this.accumulatedFirstMoment, this.accumulatedSecondMoment] = momentsOf(moments);
    tf.tidy(() => {
      this.accBeta1.assign(powerAfter(this.iterations, this.beta1));
      this.accBeta2.assign(powerAfter(this.iterations, this.beta2));
    });
  },
});

Object.assign(tf.AdamaxOptimizer.prototype, {
  async getWeights(this: Adamax): Promise<NamedTensor[]> {
    const moments = [...this.accumulatedFirstMoment, ...this.accumulatedWeightedInfNorm];
    const named = moments.map(({ originalName, variable }) => ({ name: originalName, tensor: variable }));
    return [await this.saveIterations(), ...named];
  },
  async setWeights(this: Adamax, weights: NamedTensor[]): Promise<void> {
    const moments = await this.extractIterations(weights);
    [this.accumulatedFirstMoment, this.accumulatedWeightedInfNorm] = momentsOf(moments);
    tf.tidy(() => {
      this.accBeta1.assign(powerAfter(this.iterations, this.beta1));
      this.iteration.assign(tf.scalar(this.iterations));
    });
  },
});

Object.assign(tf.MomentumOptimizer.prototype, {
  dispose(this: Momentum): void {
    tf.dispose([this.c, this.m, ...this.accumulations.map(({ variable }) => variable)]);
  },
});
