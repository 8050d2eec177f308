/*
 * Training a stack of dense layers by TensorFlow's own fused operations. tfjs composes a step out of about 250 small
 * operations and makes a tensor of each result; here it is about 25, with one for Adam, and what JavaScript has to know
 * of a batch, its loss and its accuracy, is computed from the ten shares of each digit.
 *
 * While training goes on, weights and moments live in TensorFlow's resource variables, which Adam changes in place;
 * `publish` shows them to tfjs, before anybody looks.
 */
import * as tf from '@tensorflow/tfjs-node';
import { NativeOps, type NativeTensor, hasNativeOps } from './native-ops';

/** Loss and accuracy, by tfjs's names for them: `loss` and, where the model was compiled with it, `acc`. */
type Logs = Record<string, number>;

/** Examples in the form in which batches are taken from them. */
export interface Examples {
  /** [count, inputs], tfjs's. */
  x: NativeTensor;
  /** count rows of numClasses shares. */
  y: Float32Array;
}

// Of a share below or above these, tfjs's categorical cross-entropy takes these.
const [SMALLEST_SHARE, LARGEST_SHARE] = [1e-7, 1 - 1e-7];

/** An activation and its gradient, which takes the gradient and the activation's output. */
const ACTIVATIONS: Record<string, { name: string; gradient: (dy: NativeTensor, y: NativeTensor) => [string, NativeTensor[]] }> = {
  relu: { name: 'Relu', gradient: (dy, y) => ['ReluGrad', [dy, y]] },
  sigmoid: { name: 'Sigmoid', gradient: (dy, y) => ['SigmoidGrad', [y, dy]] },
  tanh: { name: 'Tanh', gradient: (dy, y) => ['TanhGrad', [y, dy]] },
};

interface DenseLayer {
  activation: string;
  kernel: tf.Variable;
  bias: tf.Variable | null;
}

interface Moment {
  originalName: string;
  variable: tf.Variable;
}

/** The parts of tfjs's Adam that this file reads and writes; its own type keeps them to itself. */
interface Adam {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  accBeta1: tf.Variable;
  accBeta2: tf.Variable;
  accumulatedFirstMoment: Moment[];
  accumulatedSecondMoment: Moment[];
  readonly iterations: number;
  incrementIterations(): void;
}

/** A tf.Variable and TensorFlow's own variable that stands in for it while training goes on. */
class MirroredVariable {
  private static count = 0;
  readonly handle: NativeTensor;
  private known: object | null = null; // the data that both had in common last

  /** @param current gives the tf.Variable; tfjs's optimizer replaces its own when it is loaded. */
  constructor(
    private readonly ops: NativeOps,
    private readonly current: () => tf.Variable,
  ) {
    this.handle = ops.createVariable(current().shape, `mnist-lib-${++MirroredVariable.count}`);
    this.load();
  }

  /** Takes over what somebody else has assigned to the tf.Variable: setWeights, a callback, another optimizer. */
  load(): void {
    const variable = this.current();
    if (variable.isDisposed) {
      throw new Error('the model or its optimizer was disposed of while it trained: build and compile it again');
    }
    if (variable.dataId !== this.known) {
      this.ops.assignVariable(this.handle, this.ops.fromTensor(variable));
      this.known = variable.dataId;
    }
  }

  read(): NativeTensor {
    return this.ops.readVariable(this.handle);
  }

  publish(): void {
    const variable = this.current();
    if (!variable.isDisposed) {
      const value = this.ops.toTensor(this.read(), variable.shape);
      variable.assign(value);
      value.dispose();
      this.known = variable.dataId;
    }
  }

  destroy(): void {
    this.ops.destroyVariable(this.handle);
  }
}

/** One weight with the two moments that Adam keeps of its gradient. */
interface Parameter {
  value: MirroredVariable;
  firstMoment: MirroredVariable;
  secondMoment: MirroredVariable;
}

/**
 * Makes fused training for a model that allows it: a Sequential of dense layers (linear, relu, sigmoid, tanh; softmax at
 * the end) with categorical cross-entropy, Adam, and no metric but accuracy; without regularizers, constraints and frozen
 * weights; on tfjs-node's backend. Every other model is left to tfjs.
 *
 * One thing is better than tfjs has it, and as Keras has it: the gradient of a digit to whose class the network gives a
 * share below 1e-7 is not cut off.
 *
 * @param model built and compiled.
 * @returns null where the model is left to tfjs.
 * @example const fused = fuseTraining(model); ... fused?.end();
 */
export function fuseTraining(model: tf.LayersModel): FusedTraining | null {
  const layers = hasNativeOps() ? denseStack(model) : null;
  const metrics = model.metricsNames?.slice(1) ?? []; // the first is the loss
  const suits =
    model.loss === 'categoricalCrossentropy' &&
    model.optimizer?.getClassName() === 'Adam' &&
    metrics.every((name) => name === 'acc') &&
    metrics.length <= 1;
  return layers && suits ? new FusedTraining(layers, model.optimizer as unknown as Adam, metrics.length > 0) : null;
}

function denseStack(model: tf.LayersModel): DenseLayer[] | null {
  if (!(model instanceof tf.Sequential) || model.inputs[0].shape.length !== 2) {
    return null;
  }
  const layers = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  const suits = layers.every((layer, index) => {
    const { kernelRegularizer, biasRegularizer, activityRegularizer, kernelConstraint, biasConstraint } = layer.getConfig();
    const activation = activationOf(layer);
    const extras = [kernelRegularizer, biasRegularizer, activityRegularizer, kernelConstraint, biasConstraint];
    const isLast = index === layers.length - 1;
    const known = isLast ? activation === 'softmax' : activation === 'linear' || activation in ACTIVATIONS;
    return layer.getClassName() === 'Dense' && layer.trainable && known && extras.every((extra) => extra == null);
  });
  return suits && new Set(layers).size === layers.length
    ? layers.map((layer) => {
        const [kernel, bias] = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
        return { activation: activationOf(layer), kernel, bias: bias ?? null };
      })
    : null;
}

function activationOf(layer: tf.layers.Layer): string {
  const { activation } = layer.getConfig();
  return typeof activation === 'string' ? activation : '';
}

/** Forwards, backwards, and Adam. */
export class FusedTraining {
  private readonly ops = new NativeOps();
  private readonly parameters: Parameter[];
  private readonly numClasses: number;
  private changed = false;

  constructor(
    private readonly layers: DenseLayer[],
    private readonly optimizer: Adam,
    private readonly withAccuracy: boolean,
  ) {
    this.numClasses = layers.at(-1)!.kernel.shape[1]!;
    const variables = layers.flatMap(({ kernel, bias }) => (bias ? [kernel, bias] : [kernel]));
    this.parameters = variables.map((variable, index) => ({
      value: new MirroredVariable(this.ops, () => variable),
      firstMoment: new MirroredVariable(this.ops, () => moment(optimizer.accumulatedFirstMoment, index, variable, 'm')),
      secondMoment: new MirroredVariable(this.ops, () => moment(optimizer.accumulatedSecondMoment, index, variable, 'v')),
    }));
  }

  /**
   * @param x float32 [count, inputs]. It must live as long as the examples are used.
   * @param y float32 [count, numClasses].
   */
  examples(x: tf.Tensor, y: tf.Tensor): Examples {
    return { x: this.ops.fromTensor(x), y: y.dataSync<'float32'>() };
  }

  /**
   * Learns from a batch.
   *
   * @param examples where it is taken from.
   * @param indices which of them it consists of.
   * @returns loss and accuracy of the batch before the step.
   */
  trainBatch(examples: Examples, indices: Int32Array): Logs {
    const { ops } = this;
    this.forEachVariable((variable) => variable.load());
    try {
      const weights = this.parameters.map(({ value }) => value.read());
      const { inputs, probabilities, labels } = this.forward(examples, indices, weights);
      const shape = [indices.length, this.numClasses];
      // [batch, numClasses]: the gradient of the mean loss by the logits, (probability - label) / batch
      const [excess] = ops.run('Sub', [probabilities, ops.floats(labels, shape)]);
      const [dLogits] = ops.run('Mul', [excess, ops.scalar(1 / indices.length)]);
      const gradients = this.backward(inputs, weights, dLogits);
      ops.release(weights); // nobody reads them any more: Adam may change them where they are
      this.applyAdam(gradients);
      return this.judge(ops.read(probabilities), labels);
    } finally {
      ops.releaseAll();
    }
  }

  /** Loss and accuracy of the examples from `first` to before `last`, a batch at a time. */
  evaluate(examples: Examples, first: number, last: number, batchSize: number): Logs {
    this.forEachVariable((variable) => variable.load());
    const totals: Logs = {};
    for (let start = first; start < last; start += batchSize) {
      const indices = Int32Array.from({ length: Math.min(batchSize, last - start) }, (_, index) => start + index);
      try {
        const { probabilities, labels } = this.forward(examples, indices, this.parameters.map(({ value }) => value.read()));
        for (const [name, value] of Object.entries(this.judge(this.ops.read(probabilities), labels))) {
          totals[name] = (totals[name] ?? 0) + (value * indices.length) / (last - first);
        }
      } finally {
        this.ops.releaseAll();
      }
    }
    return totals;
  }

  /** Brings the tf.Variables of model and optimizer up to date. */
  publish(): void {
    if (this.changed && !this.optimizer.accBeta1.isDisposed) {
      this.forEachVariable((variable) => variable.publish());
      tf.tidy(() => {
        this.optimizer.accBeta1.assign(tf.scalar(this.powerOf(this.optimizer.beta1)));
        this.optimizer.accBeta2.assign(tf.scalar(this.powerOf(this.optimizer.beta2)));
      });
      this.changed = false;
    }
  }

  /** Publishes, and frees TensorFlow's own variables. */
  end(): void {
    this.publish();
    this.forEachVariable((variable) => variable.destroy());
  }

  /** Gives what goes into each layer, the shares that come out of the last one, and what they should have been. */
  private forward(
    { x, y }: Examples,
    indices: Int32Array,
    weights: NativeTensor[],
  ): { inputs: NativeTensor[]; probabilities: NativeTensor; labels: Float32Array } {
    const { numClasses } = this;
    const labels = new Float32Array(indices.length * numClasses);
    indices.forEach((index, row) => labels.set(y.subarray(index * numClasses, (index + 1) * numClasses), row * numClasses));
    const inputs = [this.ops.gatherRows(x, indices)];
    let place = 0;
    for (const { bias, activation } of this.layers) {
      let output = this.product(inputs.at(-1)!, weights[place++]);
      if (bias) {
        [output] = this.ops.run('BiasAdd', [output, weights[place++]], { data_format: 'NHWC' });
      }
      const name = activation === 'softmax' ? 'Softmax' : ACTIVATIONS[activation]?.name;
      inputs.push(name ? this.ops.run(name, [output])[0] : output);
    }
    return { inputs, probabilities: inputs.pop()!, labels };
  }

  /** Loss and accuracy as tfjs has them: the means of -sum(label log(share)), and of whether the largest is at the same place. */
  private judge(shares: Float32Array, labels: Float32Array): Logs {
    const { numClasses } = this;
    const count = shares.length / numClasses;
    let [loss, right] = [0, 0];
    for (let row = 0; row < shares.length; row += numClasses) {
      let [predicted, expected] = [row, row];
      for (let place = row; place < row + numClasses; place++) {
        predicted = shares[place] > shares[predicted] ? place : predicted;
        expected = labels[place] > labels[expected] ? place : expected;
        if (labels[place] > 0) {
          loss -= labels[place] * Math.log(Math.min(Math.max(shares[place], SMALLEST_SHARE), LARGEST_SHARE));
        }
      }
      right += Number(predicted === expected);
    }
    return { loss: loss / count, ...(this.withAccuracy ? { acc: right / count } : {}) };
  }

  /** Gives the gradient of the loss by each weight, in the order of `weights`. */
  private backward(inputs: NativeTensor[], weights: NativeTensor[], dLogits: NativeTensor): NativeTensor[] {
    const { ops, layers } = this;
    const gradients: NativeTensor[] = [];
    let dOutput = dLogits; // by the layer's output before its activation
    let place = weights.length;
    for (let index = layers.length - 1; index >= 0; index--) {
      if (layers[index].bias) {
        gradients[--place] = ops.run('BiasAddGrad', [dOutput], { data_format: 'NHWC' })[0];
      }
      gradients[--place] = this.product(inputs[index], dOutput, { transposeA: true });
      if (index > 0) {
        const dInput = this.product(dOutput, weights[place], { transposeB: true });
        const before = ACTIVATIONS[layers[index - 1].activation];
        dOutput = before ? ops.run(...before.gradient(dInput, inputs[index]))[0] : dInput;
      }
    }
    return gradients;
  }

  /**
   * The product of two matrices. Not by the operation MatMul: a signal that comes while oneDNN's routine behind it works on
   * a narrow matrix damages the process's memory, and every interrupt is a signal. (Seen with TensorFlow 2.21 on x64.)
   */
  private product(a: NativeTensor, b: NativeTensor, { transposeA = false, transposeB = false } = {}): NativeTensor {
    return this.ops.run('BatchMatMulV2', [a, b], { adj_x: transposeA, adj_y: transposeB })[0];
  }

  /** D. P. Kingma, J. Ba: Adam, a method for stochastic optimization, 2015, algorithm 1. */
  private applyAdam(gradients: NativeTensor[]): void {
    const { ops, optimizer } = this;
    const { learningRate, beta1, beta2, epsilon } = optimizer;
    // TensorFlow adds epsilon before it corrects the bias of the second moment, tfjs after it.
    const [beta1Power, beta2Power] = [this.powerOf(beta1), this.powerOf(beta2)];
    const scaledEpsilon = epsilon * Math.sqrt(1 - beta2Power);
    const scalars = [beta1Power, beta2Power, learningRate, beta1, beta2, scaledEpsilon].map((value) => ops.scalar(value));
    const attributes = { use_locking: false, use_nesterov: false };
    this.parameters.forEach(({ value, firstMoment, secondMoment }, index) => {
      const variables = [value.handle, firstMoment.handle, secondMoment.handle];
      ops.run('ResourceApplyAdam', [...variables, ...scalars, gradients[index]], attributes, 0);
    });
    optimizer.incrementIterations();
    this.changed = true;
  }

  /** Of the number of the step, counted from 1. (tfjs multiplies step by step, and rounds each time.) */
  private powerOf(beta: number): number {
    return Math.fround(beta) ** (this.optimizer.iterations + 1); // of the float32 that TensorFlow computes with
  }

  private forEachVariable(action: (variable: MirroredVariable) => void): void {
    for (const { value, firstMoment, secondMoment } of this.parameters) {
      [value, firstMoment, secondMoment].forEach(action);
    }
  }
}

/** Adam's moment of a weight; zero, as tfjs's Adam begins, where it has none yet. */
function moment(moments: Moment[], index: number, weight: tf.Variable, suffix: string): tf.Variable {
  moments[index] ??= {
    originalName: `${weight.name}/${suffix}`,
    variable: tf.tidy(() => tf.variable(tf.zerosLike(weight), false)),
  };
  return moments[index].variable;
}
