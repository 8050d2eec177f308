/*
 * Training a stack of dense layers by TensorFlow's own fused operations. tfjs composes the same step out of about 250
 * small operations; here it is about 25, among them one for Adam and one for softmax with cross-entropy.
 *
 * tfjs's own `fit` stays in charge of epochs, batches, callbacks and history: only what it computes for a batch is
 * replaced. While it runs, weights and moments live in TensorFlow's resource variables, which Adam changes in place;
 * `publish` shows them to tfjs, before anybody looks.
 */
import * as tf from '@tensorflow/tfjs-node';
import { NativeOps, type NativeTensor, hasNativeOps } from './native-ops';

/** What `fusedTraining` computes in tfjs's stead. */
export interface FusedTraining {
  /** Brings the tf.Variables of model and optimizer up to date. */
  publish(): void;
  /** Publishes, frees TensorFlow's own variables and gives tfjs its functions back. */
  end(): void;
}

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

type BatchFunction = (tensors: tf.Tensor[]) => tf.Tensor[];
type Metric = (yTrue: tf.Tensor, yPredicted: tf.Tensor) => tf.Tensor;

/** The LayersModel at work inside a Sequential: its parts that are not in tfjs's types. */
interface Trainer {
  makeTrainFunction(): BatchFunction;
  makeTestFunction(): void;
  testFunction: BatchFunction;
  metricsTensors: [Metric, number][];
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
 * Puts fused operations in place of what tfjs computes for a batch, where the model allows it: a Sequential of dense
 * layers (linear, relu, sigmoid, tanh; softmax at the end) with categorical cross-entropy and Adam, without
 * regularizers, constraints and frozen weights, on tfjs-node's backend. Every other model is left to tfjs.
 *
 * Softmax and cross-entropy are one operation, as in Keras: the gradient of a digit to whose class the network gives a
 * share below 1e-7 is not cut off, which it is in tfjs.
 *
 * @param model built and compiled.
 * @returns how to end it; null where the model is left to tfjs.
 * @example const fused = fuseTraining(model); try { await model.fit(x, y); } finally { fused?.end(); }
 */
export function fuseTraining(model: tf.LayersModel): FusedTraining | null {
  const layers = hasNativeOps() ? denseStack(model) : null;
  const optimizer = model.optimizer as unknown as Adam;
  if (!layers || model.loss !== 'categoricalCrossentropy' || model.optimizer?.getClassName() !== 'Adam') {
    return null;
  }
  const step = new FusedStep(layers, optimizer);
  const trainer = (model as unknown as { model: Trainer }).model;
  const stockTrainer = Object.getPrototypeOf(trainer) as Trainer;
  const metrics = trainer.metricsTensors.map(([metric]) => metric);
  trainer.makeTrainFunction = () => ([x, y]) => {
    const { loss, probabilities } = step.run(x, y);
    return [loss, ...metrics.map((metric) => tf.keep(tf.mean(metric(y, probabilities))))];
  };
  trainer.makeTestFunction = () => {
    stockTrainer.makeTestFunction.call(trainer);
    const { testFunction } = trainer;
    trainer.testFunction = (tensors) => {
      step.publish(); // validation begins within the batch function, before any callback could do so
      return testFunction(tensors);
    };
  };
  return {
    publish: () => step.publish(),
    end() {
      delete (trainer as Partial<Trainer>).makeTrainFunction;
      delete (trainer as Partial<Trainer>).makeTestFunction;
      step.publish();
      step.destroy();
    },
  };
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

/** The training step: forwards, backwards, and Adam. */
class FusedStep {
  private readonly ops = new NativeOps();
  private readonly parameters: Parameter[];
  private changed = false;

  constructor(
    private readonly layers: DenseLayer[],
    private readonly optimizer: Adam,
  ) {
    const variables = layers.flatMap(({ kernel, bias }) => (bias ? [kernel, bias] : [kernel]));
    this.parameters = variables.map((variable, index) => ({
      value: new MirroredVariable(this.ops, () => variable),
      firstMoment: new MirroredVariable(this.ops, () => moment(optimizer.accumulatedFirstMoment, index, variable, 'm')),
      secondMoment: new MirroredVariable(this.ops, () => moment(optimizer.accumulatedSecondMoment, index, variable, 'v')),
    }));
  }

  /**
   * @param x float32 [batch, inputs].
   * @param y float32 [batch, numClasses], one-hot.
   * @returns the mean loss, and the probabilities [batch, numClasses], both before the step. The caller disposes of them.
   */
  run(x: tf.Tensor, y: tf.Tensor): { loss: tf.Scalar; probabilities: tf.Tensor } {
    const { ops } = this;
    this.forEachVariable((variable) => variable.load());
    try {
      const labels = ops.fromTensor(y);
      const weights = this.parameters.map(({ value }) => value.read());
      const { inputs, logits } = this.forward(ops.fromTensor(x), weights);
      const [losses, excess] = ops.run('SoftmaxCrossEntropyWithLogits', [logits, labels], {}, 2);
      const loss = ops.mean(losses);
      const [probabilities] = ops.run('Softmax', [logits]);
      // [batch, numClasses]: the gradient of the mean loss by the logits, (probability - label) / batch
      const [dLogits] = ops.run('Mul', [excess, ops.scalar(1 / x.shape[0])]);
      const gradients = this.backward(inputs, weights, dLogits);
      ops.release(weights); // nobody reads them any more: Adam may change them where they are
      this.applyAdam(gradients);
      return { loss: ops.toTensor(loss, []) as tf.Scalar, probabilities: ops.toTensor(probabilities, y.shape) };
    } finally {
      ops.releaseAll();
    }
  }

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

  destroy(): void {
    this.forEachVariable((variable) => variable.destroy());
  }

  /** Gives what goes into each layer, and what comes out of the last one before softmax. */
  private forward(x: NativeTensor, weights: NativeTensor[]): { inputs: NativeTensor[]; logits: NativeTensor } {
    const inputs = [x];
    let place = 0;
    for (const { bias, activation } of this.layers) {
      let output = this.product(inputs.at(-1)!, weights[place++]);
      if (bias) {
        [output] = this.ops.run('BiasAdd', [output, weights[place++]], { data_format: 'NHWC' });
      }
      const { name } = ACTIVATIONS[activation] ?? {};
      inputs.push(name ? this.ops.run(name, [output])[0] : output);
    }
    return { inputs, logits: inputs.pop()! };
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
