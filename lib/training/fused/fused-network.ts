/*
 * Trains a stack of dense layers, dropout and random shifts by one TensorFlow graph. tfjs composes a training step of about
 * 250 small operations and makes a tensor of each result. Here one call makes a step, or a few. Loss and accuracy of a batch
 * are computed in JavaScript from the ten probabilities of each digit.
 *
 * During training, weights and moments live in the graph's variables, which Adam changes in place. `syncToModel` copies
 * them to tfjs's variables.
 */
import * as tf from '@tensorflow/tfjs-node';
import { RandomShift, drawShifts } from '../../layers/random-shift';
import { Graph, hasGraphs } from '../../tensorflow/graph';
import { type Adam, type Moment, asAdam, variableOf } from '../../tensorflow/internals';
import type { Logs } from '../trainer';
import type { DenseShape, LayerShape } from './layer-parts';
import { isSupportedActivation, trainingGraph, weightNames } from './training-graph';

/** Examples: x [count, inputs], float32 or bytes as the network takes them, and y, float32 [count, numClasses]. */
interface ExampleTensors {
  x: tf.Tensor;
  y: tf.Tensor;
}

// tfjs's categorical cross-entropy clips probabilities to this range.
const [SMALLEST_PROBABILITY, LARGEST_PROBABILITY] = [1e-7, 1 - 1e-7];

/** Inputs of a run of the graph. */
type Inputs = Record<string, tf.Tensor | Float32Array | Int32Array>;

/** A variable of the graph, and the tf.Variable that it replaces during training. */
interface MirroredVariable {
  name: string;
  /** Returns the tf.Variable; tfjs's optimizer replaces its own variables when weights are loaded. */
  current: () => tf.Variable;
  /** The data that both variables had when they were last equal. */
  synced: object | null;
}

/**
 * Makes the fused network of a model that supports it: a Sequential of dense layers (linear, relu, sigmoid or tanh, and
 * softmax at the end), dropout before them, and random shifts of the input, with categorical cross-entropy, Adam, and no
 * metric but accuracy; without regularizers, constraints and frozen weights; on tfjs-node's backend.
 *
 * Unlike tfjs and like Keras, it does not cut off the gradient of a digit whose true class has a probability below
 * 1e-7; and a dropout layer with a seed drops other outputs at each step.
 *
 * @param model built and compiled.
 * @param takesBytes whether x is made of bytes (tensorflow/normalized.ts) instead of float32.
 * @returns null for any other model. The caller must call `end` afterwards.
 * @example const network = createFusedNetwork(model);
 */
export function createFusedNetwork(model: tf.LayersModel, takesBytes = false): FusedNetwork | null {
  const layers = hasGraphs() ? supportedLayers(model) : null;
  const adam = model.optimizer ? asAdam(model.optimizer) : null;
  const metrics = model.metricsNames?.slice(1) ?? []; // the first is the loss
  const isSupported =
    model.loss === 'categoricalCrossentropy' && metrics.every((name) => name === 'acc') && metrics.length <= 1;
  return layers && adam && isSupported ? new FusedNetwork(layers, adam, metrics.length > 0, takesBytes) : null;
}

/** A layer, and what the graph must know about it. */
interface SupportedLayer {
  layer: tf.layers.Layer;
  shape: LayerShape;
}

/** Returns the layers of a model that the graph can train; null for any other model. */
function supportedLayers(model: tf.LayersModel): SupportedLayer[] | null {
  if (!(model instanceof tf.Sequential) || model.inputs[0].shape.length !== 2) {
    return null;
  }
  const layers = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer' && !isIdle(layer));
  const firstDense = layers.findIndex(isDense);
  if (firstDense < 0 || new Set(layers).size < layers.length) {
    return null;
  }
  const supported = layers.map((layer, index) => {
    const shape = shapeOf(layer, index < firstDense, index === layers.length - 1);
    return shape && { layer, shape };
  });
  return supported.every((layer) => layer !== null) ? supported : null;
}

/** Whether it is a dropout layer that drops nothing; tfjs also ignores a rate of 1. */
function isIdle(layer: tf.layers.Layer): boolean {
  return layer.getClassName() === 'Dropout' && [0, 1].includes(layer.getConfig().rate as number);
}

function isDense(layer: tf.layers.Layer): boolean {
  return layer.getClassName() === 'Dense';
}

/** Describes a layer; null if the graph cannot contain it at its place. */
function shapeOf(layer: tf.layers.Layer, isBeforeDense: boolean, isLast: boolean): LayerShape | null {
  const config = layer.getConfig();
  if (isDense(layer)) {
    const { kernelRegularizer, biasRegularizer, activityRegularizer, kernelConstraint, biasConstraint } = config;
    const extras = [kernelRegularizer, biasRegularizer, activityRegularizer, kernelConstraint, biasConstraint];
    const activation = typeof config.activation === 'string' ? config.activation : '';
    if (!layer.trainable || !isSupportedActivation(activation, isLast) || extras.some((extra) => extra != null)) {
      return null;
    }
    const [kernel, bias] = layer.trainableWeights;
    const [inputs, units] = kernel.shape as number[];
    return { kind: 'dense', inputs, units, activation, hasBias: bias !== undefined };
  }
  if (layer.getClassName() === 'Dropout' && !isLast && config.noiseShape == null) {
    return { kind: 'dropout', rate: config.rate as number };
  }
  if (layer instanceof RandomShift && isBeforeDense) {
    return { kind: 'shift', side: layer.side, pixels: layer.pixels };
  }
  return null;
}

/** Computes the forward pass, the gradients, and Adam's update. */
export class FusedNetwork {
  private readonly graph: Graph;
  /** The weights, each followed by its moments. */
  private readonly variables: MirroredVariable[];
  private readonly numClasses: number;
  private hasChanged = false;

  constructor(
    private readonly layers: SupportedLayer[],
    private readonly optimizer: Adam,
    private readonly withAccuracy: boolean,
    takesBytes: boolean,
  ) {
    const shapes = layers.map(({ shape }) => shape);
    this.numClasses = (shapes.at(-1) as DenseShape).units;
    const names = weightNames(shapes);
    const weights = layers.flatMap(({ layer }) => layer.trainableWeights.map(variableOf));
    this.variables = weights.flatMap((weight, index) => {
      const current = {
        '': () => weight,
        '/m': () => moment(optimizer.accumulatedFirstMoment, index, weight, 'm'),
        '/v': () => moment(optimizer.accumulatedSecondMoment, index, weight, 'v'),
      };
      return Object.entries(current).map(([suffix, variable]) => ({
        name: names[index] + suffix,
        current: variable,
        synced: null,
      }));
    });
    this.graph = new Graph(trainingGraph(shapes, takesBytes));
  }

  /**
   * Trains on batches, one after the other, in one run of the graph.
   *
   * @param examples the examples from which the batches are taken.
   * @param batches the indices of the examples in each batch, at most MAX_STEPS batches.
   * @returns loss and accuracy on each batch before its step.
   */
  trainBatches({ x, y }: ExampleTensors, batches: Int32Array[]): Logs[] {
    const { optimizer } = this;
    this.loadFromModel();
    const inputs = batches.map((indices, step) => ({
      [`indices${step}`]: indices,
      [`hyperparameters${step}`]: this.hyperparameters(optimizer.iterations + step, indices.length),
      ...this.drawRandomInputs(step, indices.length),
    }));
    const results = batches.flatMap((_, step) => [`step${step}`, `labels${step}`]);
    const values = this.graph.compute(Object.assign({ x, y }, ...inputs) as Inputs, results);
    this.hasChanged = true;
    return batches.map((_, step) => {
      optimizer.incrementIterations();
      return this.lossAndAccuracy(values[2 * step], values[2 * step + 1]);
    });
  }

  /** Computes loss and accuracy on the examples from `first` to before `last`, one batch at a time. */
  evaluate(examples: ExampleTensors, first: number, last: number, batchSize: number): Logs {
    this.loadFromModel();
    const totals: Logs = {};
    for (let start = first; start < last; start += batchSize) {
      const indices = Int32Array.from({ length: Math.min(batchSize, last - start) }, (_, index) => start + index);
      const inputs = { x: examples.x, y: examples.y, indices0: indices };
      const [probabilities, labels] = this.graph.compute(inputs, ['probabilities', 'labels0']);
      const logs = this.lossAndAccuracy(probabilities, labels);
      for (const [name, value] of Object.entries(logs)) {
        totals[name] = (totals[name] ?? 0) + (value * indices.length) / (last - first);
      }
    }
    return totals;
  }

  /** Brings the tf.Variables of model and optimizer up to date. */
  syncToModel(): void {
    if (this.hasChanged && !this.optimizer.accBeta1.isDisposed) {
      tf.tidy(() => {
        const values = this.graph.run(
          {},
          this.variables.map(({ name }) => `${name}/value`),
        );
        this.variables.forEach((mirrored, index) => {
          const variable = mirrored.current();
          if (!variable.isDisposed) {
            variable.assign(values[index]);
            mirrored.synced = variable.dataId;
          }
        });
        const { accBeta1, accBeta2, beta1, beta2, iterations } = this.optimizer;
        accBeta1.assign(tf.scalar(powerOf(beta1, iterations)));
        accBeta2.assign(tf.scalar(powerOf(beta2, iterations)));
      });
      this.hasChanged = false;
    }
  }

  /** Brings the tf.Variables up to date a last time, and frees the graph. */
  end(): void {
    this.syncToModel();
    this.graph.delete();
  }

  /** Loads values that were assigned to tf.Variables meanwhile: by setWeights, a callback, another optimizer. */
  private loadFromModel(): void {
    const changed = this.variables
      .map((mirrored) => ({ mirrored, variable: mirrored.current() }))
      .filter(({ mirrored, variable }) => variable.isDisposed || variable.dataId !== mirrored.synced);
    if (changed.some(({ variable }) => variable.isDisposed)) {
      throw new Error('the model or its optimizer was disposed of while it trained: build and compile it again');
    }
    if (changed.length > 0) {
      const values = Object.fromEntries(changed.map(({ mirrored, variable }) => [`${mirrored.name}/new`, variable]));
      tf.dispose(
        this.graph.run(
          values,
          changed.map(({ mirrored }) => `${mirrored.name}/assigned`),
        ),
      );
      changed.forEach(({ mirrored, variable }) => (mirrored.synced = variable.dataId));
    }
  }

  /**
   * Draws what is random in a step, in the order in which tfjs draws it. The random numbers of dropout follow from the layer's
   * seed, or else from a number of Math.random, and from the number of the step. So resumed training continues with the same
   * numbers.
   */
  private drawRandomInputs(step: number, batchSize: number): Inputs {
    const inputs: Inputs = {};
    this.layers.forEach(({ layer, shape }, index) => {
      if (shape.kind === 'dropout') {
        const seed = (layer.getConfig().seed as number | null | undefined) ?? Math.random() * 2 ** 32;
        inputs[`random${step}/${index}`] = Int32Array.of(seed, this.optimizer.iterations + step);
      } else if (shape.kind === 'shift') {
        inputs[`random${step}/${index}`] = drawShifts(batchSize, shape.pixels);
      }
    });
    return inputs;
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

  /** The scalars of a step, given the number of steps before it. */
  private hyperparameters(iterations: number, batchSize: number): Float32Array {
    const { learningRate, beta1, beta2, epsilon } = this.optimizer;
    const [beta1Power, beta2Power] = [beta1, beta2].map((beta) => powerOf(beta, iterations));
    // TensorFlow adds epsilon before it corrects the bias of the second moment, tfjs after it.
    const scaledEpsilon = epsilon * Math.sqrt(1 - beta2Power);
    return Float32Array.of(beta1Power, beta2Power, learningRate, beta1, beta2, scaledEpsilon, 1 / batchSize);
  }
}

/** beta to the power of a step's number, which counts from 1. (tfjs multiplies at each step, and rounds each time.) */
function powerOf(beta: number, stepsBefore: number): number {
  return Math.fround(beta) ** (stepsBefore + 1); // TensorFlow computes with float32
}

/** Adam's moment of a weight; zero if there is none yet, as at the start of tfjs's Adam. */
function moment(moments: Moment[], index: number, weight: tf.Variable, suffix: string): tf.Variable {
  moments[index] ??= {
    originalName: `${weight.name}/${suffix}`,
    variable: tf.tidy(() => tf.variable(tf.zerosLike(weight), false)),
  };
  return moments[index].variable;
}
