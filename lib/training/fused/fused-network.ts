/*
 * Trains a stack of dense layers by TensorFlow's fused operations. tfjs composes a training step of about 250 small
 * operations and makes a tensor of each result. Here a step takes about 25 operations, one of them for Adam. Loss
 * and accuracy of a batch are computed in JavaScript from the ten probabilities of each digit.
 *
 * During training, weights and moments live in TensorFlow's resource variables, which Adam changes in place.
 * `syncToModel` copies them to tfjs's variables.
 */
import * as tf from '@tensorflow/tfjs-node';
import { type Adam, type Moment, type NativeTensor, asAdam, variableOf } from '../../tensorflow/internals';
import { NativeOps, hasNativeOps } from '../../tensorflow/native-ops';
import type { Logs } from '../trainer';

/** Examples in the form from which batches are taken. */
export interface NativeExamples {
  /** [count, inputs]; it belongs to tfjs. */
  x: NativeTensor;
  /** count rows of numClasses probabilities. */
  y: Float32Array;
}

// tfjs's categorical cross-entropy clips probabilities to this range.
const [SMALLEST_PROBABILITY, LARGEST_PROBABILITY] = [1e-7, 1 - 1e-7];

/** An activation's operation, and the one of its gradient, which takes dy and the activation's output y. */
const ACTIVATIONS: Record<
  string,
  { name: string; gradient: (dy: NativeTensor, y: NativeTensor) => [string, NativeTensor[]] }
> = {
  relu: { name: 'Relu', gradient: (dy, y) => ['ReluGrad', [dy, y]] },
  sigmoid: { name: 'Sigmoid', gradient: (dy, y) => ['SigmoidGrad', [y, dy]] },
  tanh: { name: 'Tanh', gradient: (dy, y) => ['TanhGrad', [y, dy]] },
};

interface DenseLayer {
  activation: string;
  kernel: tf.Variable;
  bias: tf.Variable | null;
}

/** A tf.Variable and the TensorFlow variable that replaces it during training. */
class MirroredVariable {
  private static count = 0;
  readonly handle: NativeTensor;
  private synced: object | null = null; // the data that both variables had when they were last equal

  /** @param current returns the tf.Variable; tfjs's optimizer replaces its own variables when weights are loaded. */
  constructor(
    private readonly ops: NativeOps,
    private readonly current: () => tf.Variable,
  ) {
    this.handle = ops.createVariable(current().shape, `mnist-lib-${++MirroredVariable.count}`);
    this.load();
  }

  /** Loads a value that was assigned to the tf.Variable meanwhile: by setWeights, a callback, another optimizer. */
  load(): void {
    const variable = this.current();
    if (variable.isDisposed) {
      throw new Error('the model or its optimizer was disposed of while it trained: build and compile it again');
    }
    if (variable.dataId !== this.synced) {
      this.ops.assignVariable(this.handle, this.ops.fromTensor(variable));
      this.synced = variable.dataId;
    }
  }

  read(): NativeTensor {
    return this.ops.readVariable(this.handle);
  }

  syncToModel(): void {
    const variable = this.current();
    if (!variable.isDisposed) {
      const value = this.ops.toTensor(this.read(), variable.shape);
      variable.assign(value);
      value.dispose();
      this.synced = variable.dataId;
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
 * Makes the fused network of a model that supports it: a Sequential of dense layers (linear, relu, sigmoid or tanh, and
 * softmax at the end) with categorical cross-entropy, Adam, and no metric but accuracy; without regularizers,
 * constraints and frozen weights; on tfjs-node's backend.
 *
 * Unlike tfjs and like Keras, it does not cut off the gradient of a digit whose true class has a probability below
 * 1e-7.
 *
 * @param model built and compiled.
 * @returns null for any other model. The caller must call `end` afterwards.
 * @example const network = createFusedNetwork(model);
 */
export function createFusedNetwork(model: tf.LayersModel): FusedNetwork | null {
  const layers = hasNativeOps() ? denseStack(model) : null;
  const adam = model.optimizer ? asAdam(model.optimizer) : null;
  const metrics = model.metricsNames?.slice(1) ?? []; // the first is the loss
  const isSupported =
    model.loss === 'categoricalCrossentropy' && metrics.every((name) => name === 'acc') && metrics.length <= 1;
  return layers && adam && isSupported ? new FusedNetwork(layers, adam, metrics.length > 0) : null;
}

function denseStack(model: tf.LayersModel): DenseLayer[] | null {
  if (!(model instanceof tf.Sequential) || model.inputs[0].shape.length !== 2) {
    return null;
  }
  const layers = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  const isSupported = layers.every((layer, index) => {
    const { kernelRegularizer, biasRegularizer, activityRegularizer, kernelConstraint, biasConstraint } =
      layer.getConfig();
    const activation = activationOf(layer);
    const extras = [kernelRegularizer, biasRegularizer, activityRegularizer, kernelConstraint, biasConstraint];
    const isLast = index === layers.length - 1;
    const isKnown = isLast ? activation === 'softmax' : activation === 'linear' || activation in ACTIVATIONS;
    return layer.getClassName() === 'Dense' && layer.trainable && isKnown && extras.every((extra) => extra == null);
  });
  return isSupported && new Set(layers).size === layers.length
    ? layers.map((layer) => {
        const [kernel, bias] = layer.trainableWeights.map(variableOf);
        return { activation: activationOf(layer), kernel, bias: bias ?? null };
      })
    : null;
}

function activationOf(layer: tf.layers.Layer): string {
  const { activation } = layer.getConfig();
  return typeof activation === 'string' ? activation : '';
}

/** Computes the forward pass, the gradients, and Adam's update. */
export class FusedNetwork {
  private readonly ops = new NativeOps();
  private readonly parameters: Parameter[];
  private readonly numClasses: number;
  private hasChanged = false;

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
      secondMoment: new MirroredVariable(this.ops, () =>
        moment(optimizer.accumulatedSecondMoment, index, variable, 'v'),
      ),
    }));
  }

  /**
   * @param x float32 [count, inputs]. It must live as long as the examples are used.
   * @param y float32 [count, numClasses].
   */
  examples(x: tf.Tensor, y: tf.Tensor): NativeExamples {
    return { x: this.ops.fromTensor(x), y: y.dataSync<'float32'>() };
  }

  /**
   * Trains on a batch.
   *
   * @param examples the examples from which the batch is taken.
   * @param indices of the examples in the batch.
   * @returns loss and accuracy on the batch before the step.
   */
  trainBatch(examples: NativeExamples, indices: Int32Array): Logs {
    const { ops } = this;
    this.forEachVariable((variable) => variable.load());
    try {
      const weights = this.parameters.map(({ value }) => value.read());
      const { inputs, probabilities, labels } = this.forward(examples, indices, weights);
      const shape = [indices.length, this.numClasses];
      // [batch, numClasses]: the gradient of the mean loss with respect to the logits, (probability - label) / batch
      const [difference] = ops.run('Sub', [probabilities, ops.floats(labels, shape)]);
      const [dLogits] = ops.run('Mul', [difference, ops.scalar(1 / indices.length)]);
      const gradients = this.backward(inputs, weights, dLogits);
      ops.release(weights); // with no other reader, Adam changes them in place
      this.applyAdam(gradients);
      return this.lossAndAccuracy(ops.read(probabilities), labels);
    } finally {
      ops.releaseAll();
    }
  }

  /** Computes loss and accuracy on the examples from `first` to before `last`, one batch at a time. */
  evaluate(examples: NativeExamples, first: number, last: number, batchSize: number): Logs {
    this.forEachVariable((variable) => variable.load());
    const totals: Logs = {};
    for (let start = first; start < last; start += batchSize) {
      const indices = Int32Array.from({ length: Math.min(batchSize, last - start) }, (_, index) => start + index);
      try {
        const { probabilities, labels } = this.forward(
          examples,
          indices,
          this.parameters.map(({ value }) => value.read()),
        );
        for (const [name, value] of Object.entries(this.lossAndAccuracy(this.ops.read(probabilities), labels))) {
          totals[name] = (totals[name] ?? 0) + (value * indices.length) / (last - first);
        }
      } finally {
        this.ops.releaseAll();
      }
    }
    return totals;
  }

  /** Brings the tf.Variables of model and optimizer up to date. */
  syncToModel(): void {
    if (this.hasChanged && !this.optimizer.accBeta1.isDisposed) {
      this.forEachVariable((variable) => variable.syncToModel());
      tf.tidy(() => {
        this.optimizer.accBeta1.assign(tf.scalar(this.powerOf(this.optimizer.beta1)));
        this.optimizer.accBeta2.assign(tf.scalar(this.powerOf(this.optimizer.beta2)));
      });
      this.hasChanged = false;
    }
  }

  /** Brings the tf.Variables up to date a last time, and frees TensorFlow's variables. */
  end(): void {
    this.syncToModel();
    this.forEachVariable((variable) => variable.destroy());
  }

  /** Returns the input of each layer, the probabilities of the last layer, and the labels. */
  private forward(
    { x, y }: NativeExamples,
    indices: Int32Array,
    weights: NativeTensor[],
  ): { inputs: NativeTensor[]; probabilities: NativeTensor; labels: Float32Array } {
    const { numClasses } = this;
    const labels = new Float32Array(indices.length * numClasses);
    indices.forEach((index, row) =>
      labels.set(y.subarray(index * numClasses, (index + 1) * numClasses), row * numClasses),
    );
    const inputs = [this.ops.gatherRows(x, indices)];
    let index = 0;
    for (const { bias, activation } of this.layers) {
      let output = this.product(inputs.at(-1)!, weights[index++]);
      if (bias) {
        [output] = this.ops.run('BiasAdd', [output, weights[index++]], { data_format: 'NHWC' });
      }
      const name = activation === 'softmax' ? 'Softmax' : ACTIVATIONS[activation]?.name;
      inputs.push(name ? this.ops.run(name, [output])[0] : output);
    }
    return { inputs, probabilities: inputs.pop()!, labels };
  }

  /** Loss and accuracy as in tfjs: the mean of -sum(label log(probability)) and the fraction of correct rows. */
  private lossAndAccuracy(probabilities: Float32Array, labels: Float32Array): Logs {
    const { numClasses } = this;
    const count = probabilities.length / numClasses;
    let [loss, correct] = [0, 0];
    for (let row = 0; row < probabilities.length; row += numClasses) {
      let [predicted, expected] = [row, row];
      for (let index = row; index < row + numClasses; index++) {
        predicted = probabilities[index] > probabilities[predicted] ? index : predicted;
        expected = labels[index] > labels[expected] ? index : expected;
        if (labels[index] > 0) {
          const clipped = Math.min(Math.max(probabilities[index], SMALLEST_PROBABILITY), LARGEST_PROBABILITY);
          loss -= labels[index] * Math.log(clipped);
        }
      }
      correct += Number(predicted === expected);
    }
    return { loss: loss / count, ...(this.withAccuracy ? { acc: correct / count } : {}) };
  }

  /** Returns the gradient of the loss with respect to each weight, in the order of `weights`. */
  private backward(inputs: NativeTensor[], weights: NativeTensor[], dLogits: NativeTensor): NativeTensor[] {
    const { ops, layers } = this;
    const gradients: NativeTensor[] = [];
    let dOutput = dLogits; // with respect to the layer's output before its activation
    let offset = weights.length;
    for (let index = layers.length - 1; index >= 0; index--) {
      if (layers[index].bias) {
        gradients[--offset] = ops.run('BiasAddGrad', [dOutput], { data_format: 'NHWC' })[0];
      }
      gradients[--offset] = this.product(inputs[index], dOutput, { transposeA: true });
      if (index > 0) {
        const dInput = this.product(dOutput, weights[offset], { transposeB: true });
        const before = ACTIVATIONS[layers[index - 1].activation];
        dOutput = before ? ops.run(...before.gradient(dInput, inputs[index]))[0] : dInput;
      }
    }
    return gradients;
  }

  /**
   * The product of two matrices. It avoids the operation MatMul: a signal that arrives while oneDNN multiplies a narrow
   * matrix corrupts the memory of the process, and an interrupt is a signal (TensorFlow 2.21 on x64).
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
    const scalars = [beta1Power, beta2Power, learningRate, beta1, beta2, scaledEpsilon].map((value) =>
      ops.scalar(value),
    );
    const attributes = { use_locking: false, use_nesterov: false };
    this.parameters.forEach(({ value, firstMoment, secondMoment }, index) => {
      const variables = [value.handle, firstMoment.handle, secondMoment.handle];
      ops.run('ResourceApplyAdam', [...variables, ...scalars, gradients[index]], attributes, 0);
    });
    optimizer.incrementIterations();
    this.hasChanged = true;
  }

  /** beta to the power of the step's number, counted from 1. (tfjs multiplies at each step, and rounds each time.) */
  private powerOf(beta: number): number {
    return Math.fround(beta) ** (this.optimizer.iterations + 1); // TensorFlow computes with float32
  }

  private forEachVariable(action: (variable: MirroredVariable) => void): void {
    for (const { value, firstMoment, secondMoment } of this.parameters) {
      [value, firstMoment, secondMoment].forEach(action);
    }
  }
}

/** Adam's moment of a weight; zero if there is none yet, as at the start of tfjs's Adam. */
function moment(moments: Moment[], index: number, weight: tf.Variable, suffix: string): tf.Variable {
  moments[index] ??= {
    originalName: `${weight.name}/${suffix}`,
    variable: tf.tidy(() => tf.variable(tf.zerosLike(weight), false)),
  };
  return moments[index].variable;
}
