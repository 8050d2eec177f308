/*
 * A training step of a stack of dense layers, dropout and random shifts as one TensorFlow graph: forward pass, gradients,
 * and Adam's update.
 */
import { shiftCount, shiftSources } from '../../layers/random-shift';
import { GraphDescription, type Result } from '../../tensorflow/graph';
import { division } from '../../tensorflow/normalized';
import {
  type DividedDense,
  type DividedLayer,
  type DropoutShape,
  type LayerShape,
  type ShiftShape,
  type Weight,
  divide,
  partOf,
  weightsOf,
} from './layer-parts';

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

/** The names of the weights, which are also those of their variables: of each dense layer its kernel and its bias, if any. */
export function weightNames(layers: LayerShape[]): string[] {
  return weightsOf(divide(layers)).map(({ name }) => name);
}

/** The most steps that one run of the graph can make. Several take less time than as many runs (environment.md). */
export const MAX_STEPS = 4;

const FLOAT = { type: 'DT_FLOAT' } as const;
const INT = { type: 'DT_INT32' } as const;

// Makes the seed of a part of a layer: far from those of other parts, and of layers with the seeds 1, 2, 3.
const SEED_STEP = 0x9e3779b1;

/**
 * Describes the graph. For each weight, it has three variables: `NAME` and Adam's moments `NAME/m` and `NAME/v`. The result
 * `VARIABLE/value` reads a variable, `VARIABLE/assigned` sets it to the input `VARIABLE/new`. Inside the graph, each part of
 * a weight (layer-parts.ts) has variables of its own.
 *
 * A run makes up to MAX_STEPS steps, each with a batch of its own. In the names of their inputs and results, STEP counts
 * from 0. A run that asks for a step makes those before it as well.
 *
 * Further inputs: `x`, float32 [count, inputs], or bytes that the graph divides by 255; and `y`, float32
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
  const graph = new GraphDescription({ oneThreadPerOperation: true });
  const divided = divide(layers);
  const weights = weightsOf(divided);
  weights.forEach((weight) => addVariables(graph, weight));
  const dense = layers.filter((layer) => layer.kind === 'dense');
  const xType = { type: areBytes ? 'DT_UINT8' : 'DT_FLOAT' } as const;
  const x = graph.input('x', xType.type, [-1, dense[0].inputs]);
  const y = graph.input('y', FLOAT.type, [-1, dense.at(-1)!.units]);
  const normalize = areBytes ? division(graph) : (_name: string, floats: Result): Result => floats;

  let values: Values = Object.fromEntries(
    weights.flatMap(({ name, sizes }) => sizes.map((_, part) => [partOf(name, part), `${partOf(name, part)}/value`])),
  );
  for (let step = 0; step < MAX_STEPS; step++) {
    const indices = graph.input(`indices${step}`, 'DT_INT32', [-1]);
    const taken = graph.add(`${step}/taken`, 'Gather', [x, indices], { Tparams: xType, Tindices: INT });
    const batch = normalize(`${step}/batch`, taken);
    const labels = graph.add(`labels${step}`, 'Gather', [y, indices], { Tparams: FLOAT, Tindices: INT });
    if (step === 0) {
      addFloat(graph, 'probabilities', 'Identity', [addPrediction(graph, divided, values, batch)]);
    }
    values = addStep(graph, divided, values, step, batch, labels);
  }
  return graph;
}

/** The results that read the parts of the weights, by the names of the parts. */
type Values = Record<string, Result>;

/** Adds the forward pass without random layers. @returns the probabilities. */
function addPrediction(graph: GraphDescription, layers: DividedLayer[], values: Values, batch: Result): Result {
  const [probabilities] = layers.reduce<Result[]>(
    (inputs, layer, index) =>
      layer.kind === 'dense' ? addDense(graph, 'prediction', layer, index, values, inputs) : inputs,
    [batch],
  );
  return probabilities;
}

/** Adds a step: forward pass, gradients and Adam's update. @returns the weights after it. */
function addStep(
  graph: GraphDescription,
  layers: DividedLayer[],
  values: Values,
  step: number,
  batch: Result,
  labels: Result,
): Values {
  const name = (what: string): string => `${step}/${what}`;
  const outputs: Result[][] = []; // of each layer, in parts
  layers.forEach((layer, index) => {
    const inputs = outputs[index - 1] ?? [batch];
    if (layer.kind === 'dense') {
      outputs.push(addDense(graph, String(step), layer, index, values, inputs));
    } else if (layer.kind === 'dropout') {
      outputs.push(addDropout(graph, layer, step, index, inputs));
    } else {
      outputs.push(inputs.map((input) => addShift(graph, layer, step, index, input)));
    }
  });

  // Backward: the gradients of the mean loss. That of the last layer before its softmax is (probability - label) / batch size.
  const hyperparameters = graph.input(`hyperparameters${step}`, 'DT_FLOAT', [7]);
  graph.add(name('scalars'), 'Unpack', [hyperparameters], { T: FLOAT, num: { i: 7 }, axis: { i: 0 } });
  const scalars = [0, 1, 2, 3, 4, 5].map((index) => name(`scalars:${index}`));
  const oneOverBatchSize = name('scalars:6');
  const difference = addFloat(graph, name('difference'), 'Sub', [...outputs.at(-1)!, labels]);
  let gradients = [addFloat(graph, name('dLogits'), 'Mul', [difference, oneOverBatchSize])]; // of the parts of an output
  const updates: Record<string, Result> = {};
  // Adam: D. P. Kingma, J. Ba, Adam, a method for stochastic optimization, 2015, algorithm 1. It changes a weight in place if
  // nobody else still needs its value: `after` the last operation that reads it.
  const update = (weight: string, part: number, gradient: Result, after: string[] = []): void => {
    const variables = [weight, `${weight}/m`, `${weight}/v`].map((variable) => partOf(variable, part));
    const inputs = [...variables, ...scalars, gradient];
    updates[variables[0]] = addFloat(graph, name(`${variables[0]}/update`), 'ResourceApplyAdam', inputs, after);
  };
  const first = layers.findIndex(({ kind }) => kind === 'dense'); // the layers before it have no weights
  for (let index = layers.length - 1; index >= first; index--) {
    const layer = layers[index];
    if (layer.kind !== 'dense') {
      gradients = gradients.map((gradient, part) =>
        addFloat(graph, name(`dDropped${index}/${part}`), 'Mul', [gradient, name(`factors${index}/${part}`)]),
      );
      continue;
    }
    const activation = ACTIVATIONS[layer.activation];
    if (activation) {
      gradients = gradients.map((gradient, part) =>
        addFloat(graph, name(`dOutput${index}/${part}`), ...activation.gradient(gradient, outputs[index][part])),
      );
    }
    if (layer.hasBias) {
      gradients.forEach((gradient, part) =>
        update(`bias${index}`, part, addFloat(graph, name(`dBias${index}/${part}`), 'BiasAddGrad', [gradient])),
      );
    }
    const [inputs, dOutputs] = [outputs[index - 1] ?? [batch], gradients];
    const dKernels = layer.sizes.map((_, part) => {
      const factors: [Result, Result] = [at(inputs, part), at(dOutputs, part)];
      return addProduct(graph, name(`dKernel${index}/${part}`), ...factors, { transposeA: true });
    });
    const dInputs = (index === first ? [] : layer.sizes).map((_, part) => {
      const factors: [Result, Result] = [at(dOutputs, part), values[partOf(`kernel${index}`, part)]];
      return addProduct(graph, name(`dInput${index}/${part}`), ...factors, { transposeB: true });
    });
    dKernels.forEach((dKernel, part) => update(`kernel${index}`, part, dKernel, dInputs.slice(part, part + 1)));
    gradients = addTogether(graph, name(`dInputs${index}`), dInputs, inputs.length);
  }
  addFloat(graph, `step${step}`, 'Identity', outputs.at(-1)!, Object.values(updates));
  return Object.fromEntries(
    Object.entries(updates).map(([part, after]) => {
      return [part, graph.add(name(`${part}/updated`), 'ReadVariableOp', [part], { dtype: FLOAT }, [after])];
    }),
  );
}

/** Adds a dense layer. @returns the parts of its output. */
function addDense(
  graph: GraphDescription,
  pass: string,
  { activation, hasBias, axis, sizes }: DividedDense,
  index: number,
  values: Values,
  inputs: Result[],
): Result[] {
  const name = (what: string): string => `${pass}/${what}${index}`;
  const products = sizes.map((_, part) =>
    addProduct(graph, `${name('product')}/${part}`, at(inputs, part), values[partOf(`kernel${index}`, part)]),
  );
  return addTogether(graph, name('products'), products, axis === 1 ? sizes.length : 1).map((product, part) => {
    const bias = values[partOf(`bias${index}`, part)];
    const sum = hasBias ? addFloat(graph, `${name('sum')}/${part}`, 'BiasAdd', [product, bias]) : product;
    const op = activation === 'softmax' ? 'Softmax' : ACTIVATIONS[activation]?.op; // none if it is linear
    return op ? addFloat(graph, `${name('output')}/${part}`, op, [sum]) : sum;
  });
}

/** What belongs to a part of a kernel, among the inputs or outputs of its layer: the whole, if they are not divided. */
function at(results: Result[], part: number): Result {
  return results.length === 1 ? results[0] : results[part];
}

/** Makes the inputs or outputs of a layer of the products for each part of its kernel: their sum, if they are not divided. */
function addTogether(graph: GraphDescription, name: string, products: Result[], count: number): Result[] {
  return products.length <= count
    ? products
    : [graph.add(name, 'AddN', products, { T: FLOAT, N: { i: products.length } })];
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
 * Adds dropout. It multiplies each number by 0 or, so that the mean stays the same, by 1 / (1 - rate). N. Srivastava et al.,
 * Dropout: a simple way to prevent neural networks from overfitting, 2014, section 10.
 */
function addDropout(
  graph: GraphDescription,
  { rate }: DropoutShape,
  step: number,
  index: number,
  inputs: Result[],
): Result[] {
  const layerSeed = graph.input(`random${step}/${index}`, 'DT_INT32', [2]);
  return inputs.map((input, part) => {
    const name = (what: string): string => `${step}/dropout${index}/${part}/${what}`;
    const shape = graph.add(name('shape'), 'Shape', [input], { T: FLOAT, out_type: INT });
    const offset = graph.constant(name('offset'), Int32Array.of(Math.imul(part, SEED_STEP), 0), [2]);
    const seed = graph.add(name('seed'), 'AddV2', [layerSeed, offset], { T: INT });
    const types = { dtype: FLOAT, T: INT, Tseed: INT };
    const uniform = graph.add(name('uniform'), 'StatelessRandomUniform', [shape, seed], types); // from 0 to below 1
    const threshold = graph.constant(name('rate'), Float32Array.of(rate));
    const isKept = graph.add(name('isKept'), 'GreaterEqual', [uniform, threshold], { T: FLOAT });
    const kept = graph.add(name('kept'), 'Cast', [isKept], { SrcT: { type: 'DT_BOOL' }, DstT: FLOAT });
    const scale = graph.constant(name('scale'), Float32Array.of(1 / (1 - rate)));
    const factors = addFloat(graph, `${step}/factors${index}/${part}`, 'Mul', [kept, scale]);
    return addFloat(graph, `${step}/dropped${index}/${part}`, 'Mul', [input, factors]);
  });
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
function addVariables(graph: GraphDescription, { name, shape, axis, sizes }: Weight): void {
  for (const variable of [name, `${name}/m`, `${name}/v`]) {
    const axisResult = graph.constant(`${variable}/axis`, Int32Array.of(axis));
    const value = graph.input(`${variable}/new`, 'DT_FLOAT', shape);
    const split = [value, graph.constant(`${variable}/sizes`, Int32Array.from(sizes), [sizes.length]), axisResult];
    graph.add(`${variable}/split`, 'SplitV', split, { T: FLOAT, Tlen: INT, num_split: { i: sizes.length } });
    const parts = sizes.map((size, index) => {
      const part = partOf(variable, index);
      const partShape = { shape: shape.map((whole, dimension) => (dimension === axis ? size : whole)) };
      graph.add(part, 'VarHandleOp', [], { dtype: FLOAT, shape: partShape, shared_name: { s: part } });
      return {
        value: graph.add(`${part}/value`, 'ReadVariableOp', [part], { dtype: FLOAT }),
        assign: graph.add(`${part}/assign`, 'AssignVariableOp', [part, `${variable}/split:${index}`], { dtype: FLOAT }),
      };
    });
    const values = parts.map((part) => part.value);
    if (parts.length === 1) {
      addFloat(graph, `${variable}/value`, 'Identity', values);
    } else {
      const types = { T: FLOAT, Tidx: INT, N: { i: parts.length } };
      graph.add(`${variable}/value`, 'ConcatV2', [...values, axisResult], types);
    }
    const assigned = parts.map((part) => part.assign);
    addFloat(graph, `${variable}/assigned`, 'Identity', [value], assigned);
  }
}
