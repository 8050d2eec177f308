import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-node';
import { Graph, GraphDescription } from 'mnist-lib/dist/tensorflow/graph';
import { expectNoLeak } from '../../helpers/expect-no-leak';

const FLOAT = { type: 'DT_FLOAT' } as const;

/** y = relu(x) * relu(x) and, as a second result of an operation, the index of each number among the distinct ones. */
function example(): GraphDescription {
  const description = new GraphDescription();
  const x = description.input('x', 'DT_FLOAT', [-1]);
  const positive = description.add('positive', 'Relu', [x], { T: FLOAT });
  description.add('y', 'Mul', [positive, positive], { T: FLOAT });
  description.add('unique', 'Unique', [positive], { T: FLOAT, out_idx: { type: 'DT_INT32' } });
  return description;
}

/** A variable `v` that `assigned` sets and `added` increases by `x`. */
function withVariable(): GraphDescription {
  const description = new GraphDescription();
  const shape = { shape: [] };
  const x = description.input('x', 'DT_FLOAT', []);
  const v = description.add('v', 'VarHandleOp', [], { dtype: FLOAT, shape, shared_name: { s: 'v' } });
  description.add('assign', 'AssignVariableOp', [v, x], { dtype: FLOAT });
  description.add('assigned', 'Identity', [x], { T: FLOAT }, ['assign']);
  description.add('add', 'AssignAddVariableOp', [v, x], { dtype: FLOAT });
  description.add('added', 'Identity', [x], { T: FLOAT }, ['add']);
  description.add('value', 'ReadVariableOp', [v], { dtype: FLOAT });
  return description;
}

const numbers = (tensors: tf.Tensor[]): number[][] => tensors.map((tensor) => Array.from(tensor.dataSync()));

test('a graph computes the wanted results of its inputs, in this order', () => {
  const graph = new Graph(example());
  tf.tidy(() => {
    const results = graph.run({ x: tf.tensor1d([-1, 2, 3, 2]) }, ['y', 'unique:1', 'unique']);
    expect(numbers(results)).toEqual([
      [0, 4, 9, 4],
      [0, 1, 2, 1],
      [0, 2, 3],
    ]);
    expect(numbers(graph.run({ x: tf.tensor1d([5]) }, ['y']))).toEqual([[25]]);
  });
  graph.delete();
});

test('a graph contains numbers, also a part of a larger array', () => {
  const description = new GraphDescription();
  const matrix = description.constant('matrix', Float32Array.of(9, 1, 2, 3, 4).subarray(1), [2, 2]);
  const order = description.constant('order', Int32Array.of(1, 0), [2]);
  description.add('turned', 'Transpose', [matrix, order], { T: FLOAT, Tperm: { type: 'DT_INT32' } });
  description.add('y', 'Mul', ['turned', description.constant('ten', Float32Array.of(10))], { T: FLOAT });
  const graph = new Graph(description);
  expect(graph.compute({}, ['y'])).toEqual([Float32Array.of(10, 30, 20, 40)]);
  graph.delete();
});

test('graphs of the same and of other descriptions have variables of their own, which keep their values', () => {
  const [first, second, other] = [withVariable(), withVariable(), example()].map((each) => new Graph(each));
  tf.tidy(() => {
    first.run({ x: tf.scalar(1) }, ['assigned']);
    second.run({ x: tf.scalar(10) }, ['assigned']);
    first.run({ x: tf.scalar(0.5) }, ['added']);
    expect(numbers([...first.run({}, ['value']), ...second.run({}, ['value'])])).toEqual([[1.5], [10]]);
    expect(numbers(other.run({ x: tf.tensor1d([2]) }, ['y']))).toEqual([[4]]);
  });
  [first, second, other].forEach((graph) => graph.delete());
});

test('a variable that shares its memory with a tensor does not change it', () => {
  const graph = new Graph(withVariable());
  tf.tidy(() => {
    const start = tf.scalar(1);
    graph.run({ x: start }, ['assigned']);
    const [before] = graph.run({}, ['value']);
    graph.run({ x: tf.scalar(1) }, ['added']);
    expect(numbers([start, before, ...graph.run({}, ['value'])])).toEqual([[1], [1], [2]]);
  });
  graph.delete();
});

test.each([
  [false, Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism()],
  [true, 1],
])('with one thread per operation: %p, a graph has its own threads for that, and ends them', (one, expected) => {
  const threads = (): number => readdirSync('/proc/self/task').length;
  const run = (): Graph => {
    const description = new GraphDescription({ oneThreadPerOperation: one });
    description.add('y', 'Relu', [description.input('x', 'DT_FLOAT', [-1])], { T: FLOAT });
    const graph = new Graph(description);
    graph.compute({ x: Float32Array.of(1) }, ['y']);
    return graph;
  };
  run().delete(); // the first graph of all makes the threads between operations, which all graphs share
  const before = threads();
  const graph = run();
  expect(threads() - before).toBe(expected);
  graph.delete();
  expect(threads()).toBe(before);
});

test.each<[string, () => unknown, RegExp]>([
  ['an operation that does not exist', () => new Graph(withOne('Relo', { T: FLOAT })), /Op type not registered 'Relo'/],
  ['an attribute that is missing', () => new Graph(withOne('Relu', { U: FLOAT })), /No attr named 'T' in NodeDef/],
  [
    'an input that is missing',
    () => new Graph(example()).run({}, ['y']),
    /must feed a value for placeholder tensor 'x'/,
  ],
  ['a result that does not exist', () => new Graph(example()).run({ x: tf.tensor1d([1]) }, ['z']), /can not be found/],
])('%s is an error with the message of TensorFlow', (_what, use, message) => {
  expect(() => tf.tidy(() => void use())).toThrow(message);
});

function withOne(op: string, attributes: Parameters<GraphDescription['add']>[3]): GraphDescription {
  const description = new GraphDescription();
  description.add('y', op, [description.input('x', 'DT_FLOAT', [-1])], attributes);
  return description;
}

test('leaks no tensor, neither in tfjs nor in the addon', () => {
  const { binding } = tf.backend() as unknown as {
    binding: { getNumOfTensors(): number; getNumOfSavedModels(): number };
  };
  const counts = (): number[] => [binding.getNumOfTensors(), binding.getNumOfSavedModels()];
  const before = counts();
  expectNoLeak(() => {
    const graph = new Graph(example());
    tf.tidy(() => void graph.run({ x: tf.tensor1d([1]) }, ['y', 'unique:1']));
    graph.delete();
  });
  expect(counts()).toEqual(before);
});
