/*
 * The private parts of TensorFlow.js that the library uses, all in one file. They may change with any release, so the
 * library refuses a version that this file was not written for.
 */
import * as tf from '@tensorflow/tfjs-node';

const KNOWN_VERSION = '4.22.0';

for (const name of ['tfjs-core', 'tfjs-layers', 'tfjs-node'] as const) {
  const found = (tf.version as Record<string, string>)[name];
  if (found !== KNOWN_VERSION) {
    throw new Error(
      `mnist-lib was written for ${name} ${KNOWN_VERSION} and found ${found}: install that version with \`npm run setup\`, ` +
        'or adapt lib/tensorflow/internals.ts to the new one.',
    );
  }
}

/** A tensor of TensorFlow, by the addon's number of it. */
interface TensorNumber {
  id: number;
  shape: number[];
  dtype: number;
}

/** An attribute of an operation. */
export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** tfjs-node's backend. */
export interface NodeBackend {
  /** The addon that joins Node and TensorFlow. It knows tensors by numbers. */
  binding: {
    TF_Version: string;
    TF_FLOAT: number;
    TF_INT32: number;
    TF_UINT8: number;
    TF_BOOL: number;
    TF_ATTR_TYPE: number;
    createTensor(shape: number[], dtype: number, values: Float32Array | Int32Array | Uint8Array): number;
    deleteTensor(tensor: number): void;
    tensorDataSync(tensor: number): Float32Array;
    executeOp(name: string, attributes: OpAttribute[], inputs: number[], numOutputs: number): TensorNumber[];
    /** Takes names joined by commas. */
    runSavedModel(id: number, inputs: number[], inputNames: string, results: string): TensorNumber[];
  };
  /** What the backend knows of each tensor, by its `dataId`. */
  tensorMap: { get(dataId: object): object; set(dataId: object, entry: object): void };
  /** Returns the addon's numbers of tf.Tensors, which keep owning them. */
  getInputTensorIds(tensors: tf.Tensor[]): number[];
  /** Makes a tf.Tensor that owns a tensor of TensorFlow. */
  createOutputTensor(info: TensorNumber): tf.Tensor;
  /** Run one operation of TensorFlow. */
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: OpAttribute[], inputs: tf.Tensor[], numOutputs: number): tf.Tensor[];
  /** Loads the graph of a SavedModel and returns its id. Takes its tags joined by commas. */
  loadSavedModelMetaGraph(folder: string, tags: string): number;
  runSavedModel(id: number, inputs: tf.Tensor[], inputNames: { name: string }[], results: string[]): tf.Tensor[];
  deleteSavedModel(id: number): void;
}

/** Returns tfjs-node's backend; undefined if tfjs uses another backend. */
export function nodeBackend(): NodeBackend | undefined {
  return tf.getBackend() === 'tensorflow' ? (tf.backend() as unknown as NodeBackend) : undefined;
}

/** TensorFlow's names for types of numbers. */
export type DataType = 'DT_FLOAT' | 'DT_INT32' | 'DT_UINT8' | 'DT_BOOL';

/** An operation in a graph. */
export interface NodeDef {
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: string[]): void;
  getAttrMap(): { set(name: string, value: AttrValue): void };
}

/** The value of an operation's attribute: one of these. */
export interface AttrValue {
  setType(type: number): void;
  setB(value: boolean): void;
  setI(value: number): void;
  setS(bytes: Uint8Array): void;
  setShape(shape: object): void;
  setTensor(tensor: object): void;
}

/** tfjs-node's classes for the messages of a SavedModel, which TensorFlow defines in saved_model.proto. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- it has no types
export const protocol = require('@tensorflow/tfjs-node/dist/proto/api_pb') as {
  SavedModel: new () => {
    setSavedModelSchemaVersion(version: number): void;
    setMetaGraphsList(metaGraphs: object[]): void;
    serializeBinary(): Uint8Array;
  };
  MetaGraphDef: {
    new (): { setMetaInfoDef(info: object): void; setGraphDef(graph: object): void };
    MetaInfoDef: new () => { setTagsList(tags: string[]): void };
  };
  GraphDef: new () => { setNodeList(nodes: NodeDef[]): void };
  NodeDef: new () => NodeDef;
  AttrValue: new () => AttrValue;
  TensorShape: {
    new (): { setDimList(dimensions: object[]): void };
    Dim: new () => { setSize(size: number): void };
  };
  Tensor: new () => {
    setDtype(type: number): void;
    setTensorShape(shape: object): void;
    /** In the byte order of the machine. */
    setTensorContent(bytes: Uint8Array): void;
  };
  DataType: Record<DataType, number>;
};

/** A moment of Adam, as tfjs stores it. */
export interface Moment {
  originalName: string;
  variable: tf.Variable;
}

/** A weight of an optimizer or model with the name under which it is saved. */
export type NamedTensor = Awaited<ReturnType<tf.Optimizer['getWeights']>>[number];

/** What Adam and Adamax have in common. */
interface WithMoments {
  beta1: number;
  accBeta1: tf.Variable;
  accumulatedFirstMoment: Moment[];
  readonly iterations: number;
  incrementIterations(): void;
  /** Returns the number of steps, the first of the weights that are saved. */
  saveIterations(): Promise<NamedTensor>;
  /** Takes the number of steps from the weights that were saved, and returns the others. */
  extractIterations(weights: NamedTensor[]): Promise<NamedTensor[]>;
}

/** tfjs's Adam optimizer with its state. */
export interface Adam extends WithMoments {
  learningRate: number;
  beta2: number;
  epsilon: number;
  accBeta2: tf.Variable;
  accumulatedSecondMoment: Moment[];
}

/** tfjs's Adamax optimizer with its state. */
export interface Adamax extends WithMoments {
  iteration: tf.Variable;
  accumulatedWeightedInfNorm: Moment[];
}

/** tfjs's Momentum optimizer: its learning rate times -1, its momentum, and a sum of gradients for each weight. */
export interface Momentum {
  c: tf.Scalar;
  m: tf.Scalar;
  accumulations: Moment[];
}

/** Returns the optimizer with Adam's state; null if it is another optimizer. */
export function asAdam(optimizer: tf.Optimizer): Adam | null {
  return optimizer.getClassName() === 'Adam' ? (optimizer as unknown as Adam) : null;
}

/** The variable in which tfjs keeps a weight of a layer. */
export function variableOf(weight: tf.layers.Layer['weights'][number]): tf.Variable {
  return weight.read() as tf.Variable;
}

/** The best value that EarlyStopping has seen, and the model that it watches. */
export function earlyStoppingState(callback: tf.EarlyStopping): { best: number; model: tf.LayersModel } {
  return callback as unknown as { best: number; model: tf.LayersModel };
}

/**
 * Makes a model dispose of its optimizer. tfjs creates the optimizer of a loaded model itself but treats it as the
 * user's, so it would never be disposed of.
 */
export function ownOptimizer(model: tf.LayersModel): void {
  (model as unknown as { isOptimizerOwned: boolean }).isOptimizerOwned = true;
}

/** Whether a callback has a method that is called between batches, so that it may look at the model there. */
export function watchesBatches(callback: tf.CustomCallback): boolean {
  const methods = callback as unknown as Record<string, unknown>;
  if (callback instanceof tf.CustomCallback) {
    return ['batchBegin', 'batchEnd', 'yield'].some((name) => Boolean(methods[name]));
  }
  const inherited = tf.Callback.prototype as unknown as Record<string, unknown>;
  return ['onBatchBegin', 'onBatchEnd'].some((name) => methods[name] !== inherited[name]);
}
