/*
 * A training step of a stack of dense layers, dropout and random shifts as one TensorFlow graph: forward pass, gradients,
 * and Adam's update.
 */
import { shiftCount, shiftSources } from '../../layers/random-shift';
import { GraphDescription, type Result } from '../../tensorflow/graph';
import { division } from '../../tensorflow/normalized';

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
interface DropoutShape {
  kind: 'dropout';
  rate: number;
}

/** A layer of random shifts, which must come before the first dense layer: the graph has no gradient for it. */
interface ShiftShape {
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

/** The most steps that one run of the graph can make. Several take less time than as many runs (environment.md). */
export const MAX_STEPS = 4;

const FLOAT = { type: 'DT_FLOAT' } as const;
const INT = { type: 'DT_INT32' } as const;

/**
 * Describes the graph. For each weight, it has three variables: `NAME` and Adam's moments `NAME/m` and `NAME/v`. The result
 * `VARIABLE/value` reads a variable, `VARIABLE/assigned` sets it to the input `VARIABLE/new`.
 *
 * A run makes up to MAX_STEPS steps, each with a batch of its own. In the names of their inputs and results, STEP counts
 * from 0. A run that asks for a step makes those before it as well.
 *
 * Further inputs: `x`, float32 [count, inputs], or bytes that the graph divides by `largestByte`; and `y`, float32
 * [count, classes]. For each step: `indicesSTEP`, int32 [batch], the examples of its batch; `hyperparametersSTEP`,
 * float32 [7]: beta1 and beta2 to the power of the step's number in training, learning rate, beta1, beta2, epsilon, and
 * 1 / batch size; for a dropout layer `randomSTEP/INDEX`, int32 [2], the seed of its random numbers; for a layer of shifts
 * `randomSTEP/INDEX`, int32 [batch], the shift of each digit (layers/random-shift.ts). INDEX is the place in `layers`. The
 * same inputs lead to the same results, however many steps are made in a run.
 *
 * Further results: `labelsSTEP`, float32 [batch, classes]; `stepSTEP`, of the same shape, the probabilities before the step
 * that it makes; and `probabilities`, those of the batch of step 0 without dropout and shifts.
 *
 * @param layers from input to output; the last one is dense with the activation softmax, and the loss is categorical
 *   cross-entropy.
 * @param areBytes whether `x` is uint8 (tensorflow/normalized.ts).
 * @example const graph = new Graph(trainingGraph([{ kind: 'dense', inputs: 784, units: 10, activation: 'softmax', hasBias: true }]));
 */
export function trainingGraph(layers: LayerShape[], areBytes = false): GraphDescription {
  const graph = new GraphDescription();
  layers.forEach((layer, index) => {
    if (layer.kind === 'dense') {
      addVariables(graph, `kernel${index}`, [layer.inputs, layer.units]);
      if (layer.hasBias) {
        addVariables(graph, `bias${index}`, [layer.units]);
      }
    }
  });
  const dense = layers.filter((layer) => layer.kind === 'dense');
  const xType = { type: areBytes ? 'DT_UINT8' : 'DT_FLOAT' } as const;
  const x = graph.input('x', xType.type, [-1, dense[0].inputs]);
  const y = graph.input('y', FLOAT.type, [-1, dense.at(-1)!.units]);
  const divide = areBytes ? division(graph) : (_name: string, floats: Result): Result => floats;

  let weights: Weights = Object.fromEntries(weightNames(layers).map((weight) => [weight, `${weight}/value`]));
  for (let step = 0; step < MAX_STEPS; step++) {
    const indices = graph.input(`indices${step}`, 'DT_INT32', [-1]);
    const taken = graph.add(`${step}/taken`, 'Gather', [x, indices], { Tparams: xType, Tindices: INT });
    const batch = divide(`${step}/batch`, taken);
    const labels = graph.add(`labels${step}`, 'Gather', [y, indices], { Tparams: FLOAT, Tindices: INT });
    if (step === 0) {
      addFloat(graph, 'probabilities', 'Identity', [addPrediction(graph, layers, weights, batch)]);
    }
    weights = addStep(graph, layers, weights, step, batch, labels);
  }
  return graph;
}

/** The results that read the weights, by their names. */
type Weights = Record<string, Result>;

/** Adds the forward pass without random layers. @returns the probabilities. */
function addPrediction(graph: GraphDescription, layers: LayerShape[], weights: Weights, batch: Result): Result {
  return layers.reduce(
    (input, layer, index) =>
      layer.kind === 'dense' ? addDense(graph, 'prediction', layer, index, weights, input) : input,
    batch,
  );
}

/** Adds a step: forward pass, gradients and Adam's update. @returns the weights after it. */
function addStep(
  graph: GraphDescription,
  layers: LayerShape[],
  weights: Weights,
  step: number,
  batch: Result,
  labels: Result,
): Weights {
  const name = (what: string): string => `${step}/${what}`;
  const outputs: Result[] = []; // of each layer
  layers.forEach((layer, index) => {
    const input = outputs[index - 1] ?? batch;
    if (layer.kind === 'dense') {
      outputs.push(addDense(graph, String(step), layer, index, weights, input));
    } else if (layer.kind === 'dropout') {
      const factors = addDropoutFactors(graph, layer, step, index, input);
      outputs.push(addFloat(graph, name(`dropped${index}`), 'Mul', [input, factors]));
    } else {
      outputs.push(addShift(graph, layer, step, index, input));
    }
  });

  // Backward: the gradients of the mean loss. That of the last layer before its softmax is (probability - label) / batch size.
  const hyperparameters = graph.input(`hyperparameters${step}`, 'DT_FLOAT', [7]);
  graph.add(name('scalars'), 'Unpack', [hyperparameters], { T: FLOAT, num: { i: 7 }, axis: { i: 0 } });
  const scalars = [0, 1, 2, 3, 4, 5].map((index) => name(`scalars:${index}`));
  const oneOverBatchSize = name('scalars:6');
  const difference = addFloat(graph, name('difference'), 'Sub', [outputs.at(-1)!, labels]);
  let gradient = addFloat(graph, name('dLogits'), 'Mul', [difference, oneOverBatchSize]); // of a layer's output
  const updates: Record<string, Result> = {};
  // Adam: D. P. Kingma, J. Ba, Adam, a method for stochastic optimization, 2015, algorithm 1. It changes a weight in place if
  // nobody else still needs its value: `after` the last operation that reads it.
  const update = (weight: string, dWeight: Result, after: string[] = []): void => {
    const inputs = [weight, `${weight}/m`, `${weight}/v`, ...scalars, dWeight];
    updates[weight] = addFloat(graph, name(`${weight}/update`), 'ResourceApplyAdam', inputs, after);
  };
  const first = layers.findIndex(({ kind }) => kind === 'dense'); // the layers before it have no weights
  for (let index = layers.length - 1; index >= first; index--) {
    const layer = layers[index];
    if (layer.kind !== 'dense') {
      gradient = addFloat(graph, name(`dDropped${index}`), 'Mul', [gradient, name(`factors${index}`)]);
      continue;
    }
    const activation = ACTIVATIONS[layer.activation];
    if (activation) {
      gradient = addFloat(graph, name(`dOutput${index}`), ...activation.gradient(gradient, outputs[index]));
    }
    const input = outputs[index - 1] ?? batch;
    const dKernel = addProduct(graph, name(`dKernel${index}`), input, gradient, { transposeA: true });
    if (layer.hasBias) {
      update(`bias${index}`, addFloat(graph, name(`dBias${index}`), 'BiasAddGrad', [gradient]));
    }
    if (index === first) {
      update(`kernel${index}`, dKernel);
    } else {
      gradient = addProduct(graph, name(`dInput${index}`), gradient, weights[`kernel${index}`], { transposeB: true });
      update(`kernel${index}`, dKernel, [gradient]);
    }
  }
  addFloat(graph, `step${step}`, 'Identity', [outputs.at(-1)!], Object.values(updates));
  return Object.fromEntries(
    Object.entries(updates).map(([weight, after]) => {
      return [weight, graph.add(name(`${weight}/updated`), 'ReadVariableOp', [weight], { dtype: FLOAT }, [after])];
    }),
  );
}

/** Adds a dense layer. @returns its output. */
function addDense(
  graph: GraphDescription,
  pass: string,
  { activation, hasBias }: DenseShape,
  index: number,
  weights: Weights,
  input: Result,
): Result {
  let output = addProduct(graph, `${pass}/product${index}`, input, weights[`kernel${index}`]);
  if (hasBias) {
    output = addFloat(graph, `${pass}/sum${index}`, 'BiasAdd', [output, weights[`bias${index}`]]);
  }
  const op = activation === 'softmax' ? 'Softmax' : ACTIVATIONS[activation]?.op; // none if it is linear
  return op ? addFloat(graph, `${pass}/output${index}`, op, [output]) : output;
}

/** Adds an operation on float32. */
function addFloat(graph: GraphDescription, name: string, op: string, inputs: Result[], after: string[] = []): Result {
  return graph.add(name, op, inputs, { T: FLOAT }, after);
}

/** Adds a product of matrices. MatMul is safe here: signals do not reach the threads that run a graph (environment.md). */
function addProduct(
  graph: GraphDescription,
  name: string,
  a: Result,
  b: Result,
  { transposeA = false, transposeB = false } = {},
): Result {
  return graph.add(name, 'MatMul', [a, b], {
    T: FLOAT,
    transpose_a: { b: transposeA },
    transpose_b: { b: transposeB },
  });
}

/**
 * Adds the numbers by which dropout multiplies: 0 or, so that the mean stays the same, 1 / (1 - rate). N. Srivastava et al.,
 * Dropout: a simple way to prevent neural networks from overfitting, 2014, section 10.
 */
function addDropoutFactors(
  graph: GraphDescription,
  { rate }: DropoutShape,
  step: number,
  index: number,
  input: Result,
): Result {
  const name = (what: string): string => `${step}/dropout${index}/${what}`;
  const shape = graph.add(name('shape'), 'Shape', [input], { T: FLOAT, out_type: INT });
  const seed = graph.input(`random${step}/${index}`, 'DT_INT32', [2]);
  const types = { dtype: FLOAT, T: INT, Tseed: INT };
  const uniform = graph.add(name('uniform'), 'StatelessRandomUniform', [shape, seed], types); // from 0 to below 1
  const threshold = graph.constant(name('rate'), Float32Array.of(rate));
  const isKept = graph.add(name('isKept'), 'GreaterEqual', [uniform, threshold], { T: FLOAT });
  const kept = graph.add(name('kept'), 'Cast', [isKept], { SrcT: { type: 'DT_BOOL' }, DstT: FLOAT });
  const scale = graph.constant(name('scale'), Float32Array.of(1 / (1 - rate)));
  return graph.add(`${step}/factors${index}`, 'Mul', [kept, scale], { T: FLOAT });
}

/** Adds the shifted digits. */
function addShift(
  graph: GraphDescription,
  { side, pixels }: ShiftShape,
  step: number,
  index: number,
  input: Result,
): Result {
  const name = (what: string): string => `${step}/shift${index}/${what}`;
  const shape = [shiftCount(pixels), side * side];
  const all = graph.constant(name('all'), shiftSources(side, pixels), shape);
  const shifts = graph.input(`random${step}/${index}`, 'DT_INT32', [-1]);
  const sources = graph.add(name('sources'), 'Gather', [all, shifts], { Tparams: INT, Tindices: INT });
  const paddings = graph.constant(name('paddings'), Int32Array.of(0, 0, 0, 1), [2, 2]); // a pixel of paper behind each digit
  const padded = graph.add(name('padded'), 'Pad', [input, paddings], { T: FLOAT, Tpaddings: INT });
  const axis = graph.constant(name('axis'), Int32Array.of(1));
  const types = { Tparams: FLOAT, Tindices: INT, Taxis: INT };
  return graph.add(name('shifted'), 'GatherV2', [padded, sources, axis], { ...types, batch_dims: { i: 1 } });
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
