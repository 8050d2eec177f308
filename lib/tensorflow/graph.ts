/*
 * Graphs of TensorFlow's operations. tfjs runs one operation at a time and makes a tensor of each result. TensorFlow runs
 * a graph as a whole: it runs independent operations at the same time, and reuses the memory of results.
 */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-node';
import { type AttrValue, type DataType, type NodeDef, nodeBackend, protocol } from './internals';

// Tags of a SavedModel. scripts/setup/session_options.h reads the second one: TensorFlow does not optimize the graph. It would do
// so each time the graph is run for other results, which takes 30 ms, and our graphs do not run faster afterwards.
const TAGS = ['serve', 'run-as-described'];
// Read there, too.
const ONE_THREAD_PER_OPERATION = 'one-thread-per-operation';
const writtenFolders = new Set<string>();

/** A result of an operation in a graph: `name` or, if it is not the operation's first, `name:index`. */
export type Result = string;

/** Numbers that are part of a graph. */
interface Constant {
  values: Float32Array | Int32Array;
  shape: number[];
}

/** An operation's attribute. In a shape, -1 stands for any size. */
type Attribute =
  { type: DataType } | { b: boolean } | { i: number } | { s: string } | { shape: number[] } | { tensor: Constant };

/** Whether tfjs runs on TensorFlow's library now, which graphs require. */
export function hasGraphs(): boolean {
  return nodeBackend() !== undefined;
}

/**
 * Describes a graph, operation by operation. https://www.tensorflow.org/api_docs/python/tf/raw_ops lists the operations with
 * their inputs and attributes; every attribute without a default must be given.
 *
 * @example
 * const description = new GraphDescription();
 * const x = description.input('x', 'DT_FLOAT', [-1, 3]);
 * description.add('y', 'Relu', [x], { T: { type: 'DT_FLOAT' } });
 * const graph = new Graph(description);
 * const [y] = graph.run({ x: tf.tensor2d([[-1, 0, 2]]) }, ['y']); // [[0, 0, 2]]
 */
export class GraphDescription {
  private readonly nodes: NodeDef[] = [];
  /** SavedModel's tags, by which it is loaded. */
  readonly tags: string[];

  /**
   * @param options.oneThreadPerOperation whether an operation runs in one thread instead of all. This takes less time if there
   *   is always another operation for the other threads, because they do not wait for each other within each operation.
   */
  constructor({ oneThreadPerOperation = false } = {}) {
    this.tags = [...TAGS, ...(oneThreadPerOperation ? [ONE_THREAD_PER_OPERATION] : [])];
  }

  /**
   * Adds an operation.
   *
   * @param name of the operation, which must be new.
   * @param op TensorFlow's name for the kind of operation.
   * @param inputs in the operation's order.
   * @param attributes by name.
   * @param after operations that must have run before, beside those of the inputs.
   * @returns its first result.
   */
  add(
    name: string,
    op: string,
    inputs: Result[],
    attributes: Record<string, Attribute> = {},
    after: string[] = [],
  ): Result {
    const node = new protocol.NodeDef();
    node.setName(name);
    node.setOp(op);
    node.setInputList([...inputs, ...after.map((other) => `^${other}`)]);
    for (const [key, value] of Object.entries(attributes)) {
      node.getAttrMap().set(key, attributeMessage(value));
    }
    this.nodes.push(node);
    return name;
  }

  /** Adds a value that is given each time the graph runs, of any shape if none is given. */
  input(name: string, type: DataType, shape?: number[]): Result {
    return this.add(name, 'Placeholder', [], { dtype: { type }, ...(shape && { shape: { shape } }) });
  }

  /** Adds numbers that never change: a value of the given shape, by default a single number. */
  constant(name: string, values: Float32Array | Int32Array, shape: number[] = []): Result {
    const tensor = { values, shape };
    return this.add(name, 'Const', [], { dtype: { type: typeOf(values) }, value: { tensor } });
  }

  /** Returns the graph as a SavedModel, the format in which tfjs-node loads graphs. */
  toSavedModel(): Uint8Array {
    const graph = new protocol.GraphDef();
    graph.setNodeList(this.nodes);
    const info = new protocol.MetaGraphDef.MetaInfoDef();
    info.setTagsList(this.tags);
    const metaGraph = new protocol.MetaGraphDef();
    metaGraph.setMetaInfoDef(info);
    metaGraph.setGraphDef(graph);
    const model = new protocol.SavedModel();
    model.setSavedModelSchemaVersion(1);
    model.setMetaGraphsList([metaGraph]);
    return model.serializeBinary();
  }
}

function attributeMessage(value: Attribute): AttrValue {
  const message = new protocol.AttrValue();
  if ('type' in value) {
    message.setType(protocol.DataType[value.type]);
  } else if ('b' in value) {
    message.setB(value.b);
  } else if ('i' in value) {
    message.setI(value.i);
  } else if ('s' in value) {
    message.setS(Buffer.from(value.s));
  } else if ('shape' in value) {
    message.setShape(shapeMessage(value.shape));
  } else {
    const { values, shape } = value.tensor;
    const tensor = new protocol.Tensor();
    tensor.setDtype(protocol.DataType[typeOf(values)]);
    tensor.setTensorShape(shapeMessage(shape));
    tensor.setTensorContent(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    message.setTensor(tensor);
  }
  return message;
}

function shapeMessage(sizes: number[]): object {
  const shape = new protocol.TensorShape();
  shape.setDimList(
    sizes.map((size) => {
      const dimension = new protocol.TensorShape.Dim();
      dimension.setSize(size);
      return dimension;
    }),
  );
  return shape;
}

function typeOf(values: Float32Array | Int32Array): DataType {
  return values instanceof Int32Array ? 'DT_INT32' : 'DT_FLOAT';
}

/** A graph that can be run, with variables of its own. */
export class Graph {
  private readonly backend = nodeBackend()!;
  private readonly id: number;

  /**
   * @throws Error with TensorFlow's message if the description is wrong.
   * @example const graph = new Graph(description);
   */
  constructor(description: GraphDescription) {
    const folder = this.folderOf(description.toSavedModel());
    this.id = this.backend.loadSavedModelMetaGraph(folder, description.tags.join());
  }

  /**
   * Runs the operations on which some results depend.
   *
   * @param inputs the values of all inputs that they need.
   * @param results the names of the wanted results.
   * @returns the results in this order. The caller disposes of them.
   * @throws Error with TensorFlow's message.
   */
  run(inputs: Record<string, tf.Tensor>, results: Result[]): tf.Tensor[] {
    const names = Object.keys(inputs).map((name) => ({ name }));
    return this.backend.runSavedModel(this.id, Object.values(inputs), names, results);
  }

  /**
   * Runs operations as `run` does, and returns numbers. It makes no tf.Tensor of the results and of inputs that are arrays:
   * in a training step of 4 ms, these would take 0.2 ms.
   *
   * @param inputs tensors, and arrays as tensors of one dimension.
   * @param results the names of the wanted results, all float32.
   * @returns the numbers of each result.
   * @throws Error with TensorFlow's message.
   */
  compute(inputs: Record<string, tf.Tensor | Float32Array | Int32Array>, results: Result[]): Float32Array[] {
    const { binding } = this.backend;
    const made: number[] = [];
    try {
      const ids = Object.values(inputs).map((input) => {
        if (input instanceof tf.Tensor) {
          return this.backend.getInputTensorIds([input])[0];
        }
        const type = input instanceof Int32Array ? binding.TF_INT32 : binding.TF_FLOAT;
        const id = binding.createTensor([input.length], type, input);
        made.push(id);
        return id;
      });
      const outputs = this.runByNumber(Object.keys(inputs), ids, results);
      made.push(...outputs);
      return outputs.map((id) => binding.tensorDataSync(id));
    } finally {
      made.forEach((id) => binding.deleteTensor(id));
    }
  }

  /**
   * Runs operations as `run` does, on tensors that are known by the addon's numbers.
   *
   * @returns the numbers of the results. The caller deletes them.
   */
  runByNumber(names: string[], inputs: number[], results: Result[]): number[] {
    const { binding } = this.backend;
    return binding.runSavedModel(this.id, inputs, names.join(), results.join()).map(({ id }) => id);
  }

  /** Frees the graph and its variables. */
  delete(): void {
    this.backend.deleteSavedModel(this.id);
  }

  /**
   * Writes a SavedModel, which tfjs-node loads from a folder only, to a folder in TensorFlow's memory. Files there can be
   * neither changed nor deleted, so that equal graphs share one: the graph of the lecture takes 47 KB.
   */
  private folderOf(model: Uint8Array): string {
    const folder = `ram://mnist-lib/${createHash('sha256').update(model).digest('hex')}`;
    if (!writtenFolders.has(folder)) {
      tf.tidy(() => {
        const file = [tf.scalar(`${folder}/saved_model.pb`), tf.scalar(model, 'string')];
        this.backend.executeMultipleOutputs('WriteFile', [], file, 0);
      });
      writtenFolders.add(folder);
    }
    return folder;
  }
}
