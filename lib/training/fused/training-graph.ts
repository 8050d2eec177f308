/*
 * A training step of a stack of dense layers, dropout and random shifts as one TensorFlow graph: forward pass, gradients,
 * and Adam's update.
 */
import { shiftCount, shiftSources } from '../../layers/random-shift';
import { GraphDescription, type Result } from '../../tensorflow/graph';
import type { DataType } from '../../tensorflow/internals';
import { addDivision } from '../../tensorflow/normalized';

/** A layer that the graph can contain. */
export type LayerShape = DenseShape | DropoutShape | ShiftShape;

/** A dense layer: its input and output size, its activation, and whether it has a bias. */
export interface DenseShape {
  kind: 'dense';
  inputs: number;
  units: number;
  activation: string;
  hasBias: boolean;
}

/** A dropout layer: the probability with which it sets an output of the layer before to 0, above 0 and below 1. */
export interface DropoutShape {
  kind: 'dropout';
  rate: number;
}

/** A layer of random shifts, which must come before the first dense layer: the graph has no gradient for it. */
export interface ShiftShape {
  kind: 'shift';
  /** Of a digit, in pixels. */
  side: number;
  /** The largest shift in each direction. */
  pixels: number;
}

/** The activations of hidden layers: their operation, and the one of their gradient with its inputs. */
const ACTIVATIONS: Record<string, { op: string; gradient: (dOutput: Result, output: Result) => [string, Result[]] }> = {
  relu: { op: 'Relu', gradient: (dOutput, output) => ['ReluGrad', [dOutput, output]] },
  sigmoid: { op: 'Sigmoid', gradient: (dOutput, output) => ['SigmoidGrad', [output, dOutput]] },
  tanh: { op: 'Tanh', gradient: (dOutput, output) => ['TanhGrad', [output, dOutput]] },
};

/** Whether the graph can contain a layer with this activation. */
export function isSupportedActivation(activation: string, isLast: boolean): boolean {
  return isLast ? activation === 'softmax' : activation === 'linear' || activation in ACTIVATIONS;
}

/** The names of the variables: of each dense layer its kernel and, if it has one, its bias. */
export function weightNames(layers: LayerShape[]): string[] {
  return layers.flatMap((layer, index) => {
    if (layer.kind !== 'dense') {
      return [];
    }
    return layer.hasBias ? [`kernel${index}`, `bias${index}`] : [`kernel${index}`];
  });
}

const FLOAT = { type: 'DT_FLOAT' } as const;
const INT = { type: 'DT_INT32' } as const;

/**
 * Describes the graph. For each weight, it has three variables: `NAME` and Adam's moments `NAME/m` and `NAME/v`. The result
 * `VARIABLE/value` reads a variable, `VARIABLE/assigned` sets it to the input `VARIABLE/new`.
 *
 * Further inputs: `x`, float32 [count, inputs], or bytes that the graph divides by `largestByte`; `y`, float32
 * [count, classes]; `indices`, int32 [batch], the examples of the batch; `hyperparameters`, float32 [7]: beta1 and beta2 to
 * the power of the step's number, learning rate, beta1, beta2, epsilon, and 1 / batch size. For a dropout layer
 * `random/INDEX`, int32 [2], the seed of its random numbers in this step; for a layer of shifts `random/INDEX`, int32
 * [batch], the shift of each digit (layers/random-shift.ts). INDEX is the place in `layers`. The same inputs lead to the
 * same results.
 *
 * Further results: `labels`, float32 [batch, classes]; `probabilities`, of the same shape, without dropout and shifts; and
 * `step`, the probabilities with them before the step that it makes.
 *
 * @param layers from input to output; the last one is dense with the activation softmax, and the loss is categorical
 *   cross-entropy.
 * @param areBytes whether `x` is uint8 (tensorflow/normalized.ts).
 * @example const graph = new Graph(trainingGraph([{ kind: 'dense', inputs: 784, units: 10, activation: 'softmax', hasBias: true }]));
 */
export function trainingGraph(layers: LayerShape[], areBytes = false): GraphDescription {
  const graph = new GraphDescription();
  const float = (name: string, op: string, inputs: Result[], after: string[] = []): Result =>
    graph.add(name, op, inputs, { T: FLOAT }, after);
  // MatMul is safe here: signals do not reach the threads that run a graph (environment.md, "Why training is fast").
  const product = (name: string, a: Result, b: Result, { transposeA = false, transposeB = false } = {}): Result =>
    graph.add(name, 'MatMul', [a, b], { T: FLOAT, transpose_a: { b: transposeA }, transpose_b: { b: transposeB } });

  layers.forEach((layer, index) => {
    if (layer.kind === 'dense') {
      addVariables(graph, `kernel${index}`, [layer.inputs, layer.units]);
      if (layer.hasBias) {
        addVariables(graph, `bias${index}`, [layer.units]);
      }
    }
  });

  // The batch.
  const indices = graph.input('indices', 'DT_INT32', [-1]);
  const rows = (name: string, all: string, type: DataType, size: number): Result => {
    const types = { Tparams: { type }, Tindices: INT };
    return graph.add(name, 'Gather', [graph.input(all, type, [-1, size]), indices], types);
  };
  const dense = layers.filter((layer) => layer.kind === 'dense');
  const taken = rows('batch', 'x', areBytes ? 'DT_UINT8' : 'DT_FLOAT', dense[0].inputs);
  const batch = areBytes ? addDivision(graph, taken) : taken;
  const labels = rows('labels', 'y', 'DT_FLOAT', dense.at(-1)!.units);

  // Forward, once for training and once without random layers.
  const forwardDense = (pass: string, { activation, hasBias }: DenseShape, index: number, input: Result): Result => {
    let output = product(`${pass}/product${index}`, input, `kernel${index}/value`);
    if (hasBias) {
      output = float(`${pass}/sum${index}`, 'BiasAdd', [output, `bias${index}/value`]);
    }
    const op = activation === 'softmax' ? 'Softmax' : ACTIVATIONS[activation]?.op; // none if it is linear
    return op ? float(`${pass}/output${index}`, op, [output]) : output;
  };
  const outputs: Result[] = []; // of each layer in training
  let prediction = batch;
  layers.forEach((layer, index) => {
    const input = outputs[index - 1] ?? batch;
    if (layer.kind === 'dense') {
      outputs.push(forwardDense('training', layer, index, input));
      prediction = forwardDense('prediction', layer, index, prediction);
    } else if (layer.kind === 'dropout') {
      outputs.push(float(`dropped${index}`, 'Mul', [input, addDropoutFactors(graph, layer, index, input)]));
    } else {
      outputs.push(addShift(graph, layer, index, input));
    }
  });
  float('probabilities', 'Identity', [prediction]);

  // Backward: the gradients of the mean loss. That of the last layer before its softmax is (probability - label) / batch size.
  const hyperparameters = graph.input('hyperparameters', 'DT_FLOAT', [7]);
  graph.add('scalars', 'Unpack', [hyperparameters], { T: FLOAT, num: { i: 7 }, axis: { i: 0 } });
  const scalars = [0, 1, 2, 3, 4, 5].map((index) => `scalars:${index}`);
  const oneOverBatchSize = 'scalars:6';
  const difference = float('difference', 'Sub', [outputs.at(-1)!, labels]);
  let gradient = float('dLogits', 'Mul', [difference, oneOverBatchSize]); // of a layer's output
  const updates: string[] = [];
  // Adam: D. P. Kingma, J. Ba, Adam, a method for stochastic optimization, 2015, algorithm 1. It changes a weight in place if
  // nobody else still needs its value: `after` the last operation that reads it.
  const update = (weight: string, dWeight: Result, after: string[] = []): void => {
    const variables = [weight, `${weight}/m`, `${weight}/v`];
    updates.push(float(`${weight}/update`, 'ResourceApplyAdam', [...variables, ...scalars, dWeight], after));
  };
  const first = layers.indexOf(dense[0]); // the layers before it have no weights
  for (let index = layers.length - 1; index >= first; index--) {
    const layer = layers[index];
    if (layer.kind !== 'dense') {
      gradient = float(`dDropped${index}`, 'Mul', [gradient, `factors${index}`]);
      continue;
    }
    const activation = ACTIVATIONS[layer.activation];
    if (activation) {
      gradient = float(`dOutput${index}`, ...activation.gradient(gradient, outputs[index]));
    }
    const input = outputs[index - 1] ?? batch;
    const dKernel = product(`dKernel${index}`, input, gradient, { transposeA: true });
    if (layer.hasBias) {
      update(`bias${index}`, float(`dBias${index}`, 'BiasAddGrad', [gradient]));
    }
    if (index === first) {
      update(`kernel${index}`, dKernel);
    } else {
      gradient = product(`dInput${index}`, gradient, `kernel${index}/value`, { transposeB: true });
      update(`kernel${index}`, dKernel, [gradient]);
    }
  }
  float('step', 'Identity', [outputs.at(-1)!], updates);
  return graph;
}

/**
 * Adds the numbers by which dropout multiplies: 0 or, so that the mean stays the same, 1 / (1 - rate). N. Srivastava et al.,
 * Dropout: a simple way to prevent neural networks from overfitting, 2014, section 10.
 */
function addDropoutFactors(graph: GraphDescription, { rate }: DropoutShape, index: number, input: Result): Result {
  const name = (what: string): string => `dropout${index}/${what}`;
  const shape = graph.add(name('shape'), 'Shape', [input], { T: FLOAT, out_type: INT });
  const seed = graph.input(`random/${index}`, 'DT_INT32', [2]);
  const types = { dtype: FLOAT, T: INT, Tseed: INT };
  const uniform = graph.add(name('uniform'), 'StatelessRandomUniform', [shape, seed], types); // from 0 to below 1
  const threshold = graph.constant(name('rate'), Float32Array.of(rate));
  const isKept = graph.add(name('isKept'), 'GreaterEqual', [uniform, threshold], { T: FLOAT });
  const kept = graph.add(name('kept'), 'Cast', [isKept], { SrcT: { type: 'DT_BOOL' }, DstT: FLOAT });
  const scale = graph.constant(name('scale'), Float32Array.of(1 / (1 - rate)));
  return graph.add(`factors${index}`, 'Mul', [kept, scale], { T: FLOAT });
}

/** Adds the shifted digits. */
function addShift(graph: GraphDescription, { side, pixels }: ShiftShape, index: number, input: Result): Result {
  const name = (what: string): string => `shift${index}/${what}`;
  const shape = [shiftCount(pixels), side * side];
  const all = graph.constant(name('all'), shiftSources(side, pixels), shape);
  const shifts = graph.input(`random/${index}`, 'DT_INT32', [-1]);
  const sources = graph.add(name('sources'), 'Gather', [all, shifts], { Tparams: INT, Tindices: INT });
  const paddings = graph.constant(name('paddings'), Int32Array.of(0, 0, 0, 1), [2, 2]); // a pixel of paper behind each digit
  const padded = graph.add(name('padded'), 'Pad', [input, paddings], { T: FLOAT, Tpaddings: INT });
  const axis = graph.constant(name('axis'), Int32Array.of(1));
  const types = { Tparams: FLOAT, Tindices: INT, Taxis: INT };
  return graph.add(`shifted${index}`, 'GatherV2', [padded, sources, axis], { ...types, batch_dims: { i: 1 } });
}

/** Adds a weight and its moments. */
function addVariables(graph: GraphDescription, weight: string, shape: number[]): void {
  for (const name of [weight, `${weight}/m`, `${weight}/v`]) {
    const variable = graph.add(name, 'VarHandleOp', [], { dtype: FLOAT, shape: { shape }, shared_name: { s: name } });
    graph.add(`${name}/value`, 'ReadVariableOp', [variable], { dtype: FLOAT });
    const value = graph.input(`${name}/new`, 'DT_FLOAT', shape);
    const assign = graph.add(`${name}/assign`, 'AssignVariableOp', [variable, value], { dtype: FLOAT });
    graph.add(`${name}/assigned`, 'Identity', [value], { T: FLOAT }, [assign]);
  }
}
