/*
 * A training step of a stack of dense layers as one TensorFlow graph: forward pass, gradients, and Adam's update.
 */
import { GraphDescription, type Result } from '../../tensorflow/graph';

/** A dense layer: its input and output size, its activation, and whether it has a bias. */
export interface LayerShape {
  inputs: number;
  units: number;
  activation: string;
  hasBias: boolean;
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

/** The names of the variables: of each layer its kernel and, if it has one, its bias. */
export function weightNames(layers: LayerShape[]): string[] {
  return layers.flatMap(({ hasBias }, index) => (hasBias ? [`kernel${index}`, `bias${index}`] : [`kernel${index}`]));
}

const FLOAT = { type: 'DT_FLOAT' } as const;
const INT = { type: 'DT_INT32' } as const;

/**
 * Describes the graph. For each weight, it has three variables: `NAME` and Adam's moments `NAME/m` and `NAME/v`. The result
 * `VARIABLE/value` reads a variable, `VARIABLE/assigned` sets it to the input `VARIABLE/new`.
 *
 * Further inputs: `x`, float32 [count, inputs]; `y`, float32 [count, classes]; `indices`, int32 [batch], the examples of the
 * batch; `hyperparameters`, float32 [7]: beta1 and beta2 to the power of the step's number, learning rate, beta1,
 * beta2, epsilon, and 1 / batch size.
 *
 * Further results: `labels` and `probabilities`, float32 [batch, classes], and `step`, which are the probabilities before the
 * step that it makes.
 *
 * @param layers from input to output; the last one has the activation softmax, and the loss is categorical cross-entropy.
 * @example const graph = new Graph(trainingGraph([{ inputs: 784, units: 10, activation: 'softmax', hasBias: true }]));
 */
export function trainingGraph(layers: LayerShape[]): GraphDescription {
  const graph = new GraphDescription();
  const float = (name: string, op: string, inputs: Result[], after: string[] = []): Result =>
    graph.add(name, op, inputs, { T: FLOAT }, after);
  // MatMul is safe here: signals do not reach the threads that run a graph (environment.md, "Why training is fast").
  const product = (name: string, a: Result, b: Result, { transposeA = false, transposeB = false } = {}): Result =>
    graph.add(name, 'MatMul', [a, b], { T: FLOAT, transpose_a: { b: transposeA }, transpose_b: { b: transposeB } });

  layers.forEach(({ inputs, units, hasBias }, index) => {
    addVariables(graph, `kernel${index}`, [inputs, units]);
    if (hasBias) {
      addVariables(graph, `bias${index}`, [units]);
    }
  });

  // The batch.
  const indices = graph.input('indices', 'DT_INT32', [-1]);
  const rows = (name: string, all: Result): Result =>
    graph.add(name, 'Gather', [all, indices], { Tparams: FLOAT, Tindices: INT });
  const batch = rows('batch', graph.input('x', 'DT_FLOAT', [-1, layers[0].inputs]));
  const labels = rows('labels', graph.input('y', 'DT_FLOAT', [-1, layers.at(-1)!.units]));

  // Forward.
  const outputs: Result[] = []; // of each layer
  layers.forEach(({ activation, hasBias }, index) => {
    let output = product(`product${index}`, outputs[index - 1] ?? batch, `kernel${index}/value`);
    if (hasBias) {
      output = float(`logits${index}`, 'BiasAdd', [output, `bias${index}/value`]);
    }
    if (activation === 'softmax') {
      output = float('probabilities', 'Softmax', [output]);
    } else if (activation !== 'linear') {
      output = float(`output${index}`, ACTIVATIONS[activation].op, [output]);
    }
    outputs.push(output);
  });

  // Backward: the gradients of the mean loss. That of the logits is (probability - label) / batch size.
  const hyperparameters = graph.input('hyperparameters', 'DT_FLOAT', [7]);
  graph.add('scalars', 'Unpack', [hyperparameters], { T: FLOAT, num: { i: 7 }, axis: { i: 0 } });
  const scalars = [0, 1, 2, 3, 4, 5].map((index) => `scalars:${index}`);
  const oneOverBatchSize = 'scalars:6';
  const difference = float('difference', 'Sub', [outputs.at(-1)!, labels]);
  let dOutput = float('dLogits', 'Mul', [difference, oneOverBatchSize]); // of the layer before its activation
  const updates: string[] = [];
  // Adam: D. P. Kingma, J. Ba, Adam, a method for stochastic optimization, 2015, algorithm 1. It changes a weight in place if
  // nobody else still needs its value: `after` the last operation that reads it.
  const update = (weight: string, gradient: Result, after: string[] = []): void => {
    const variables = [weight, `${weight}/m`, `${weight}/v`];
    updates.push(float(`${weight}/update`, 'ResourceApplyAdam', [...variables, ...scalars, gradient], after));
  };
  for (let index = layers.length - 1; index >= 0; index--) {
    const input = outputs[index - 1] ?? batch;
    const dKernel = product(`dKernel${index}`, input, dOutput, { transposeA: true });
    if (layers[index].hasBias) {
      update(`bias${index}`, float(`dBias${index}`, 'BiasAddGrad', [dOutput]));
    }
    if (index === 0) {
      update('kernel0', dKernel);
    } else {
      const dInput = product(`dInput${index}`, dOutput, `kernel${index}/value`, { transposeB: true });
      update(`kernel${index}`, dKernel, [dInput]);
      const before = ACTIVATIONS[layers[index - 1].activation];
      dOutput = before ? float(`dOutput${index - 1}`, ...before.gradient(dInput, input)) : dInput;
    }
  }
  float('step', 'Identity', ['probabilities'], updates);
  return graph;
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
