/*
 * Keeps numbers between 0 and 1 as the bytes they were made of, a quarter of the memory, until TensorFlow needs them.
 * tfjs-node itself computes with a tensor only after it has asked for `values` that may still be missing. Operations that
 * only move numbers move the bytes, and the training graph reads a batch of them.
 */
import * as tf from '@tensorflow/tfjs-node';
import { Graph, GraphDescription, type Result } from './graph';
import { type NodeBackend, type OpAttribute, nodeBackend } from './internals';

export const LARGEST_BYTE = 255;
const MOVING_OPERATIONS = ['Slice', 'GatherV2', 'Reshape'];

/** The entry of such a tensor in tfjs-node's list of tensors. */
class NormalizedBytes {
  readonly dtype: number;
  refCount = 1;
  areBytes = true;

  /** @param id the addon's number of the bytes, which the entry owns; later of the floats. */
  constructor(
    readonly shape: number[],
    public id: number,
    { TF_FLOAT }: NodeBackend['binding'],
  ) {
    this.dtype = TF_FLOAT;
  }

  /** tfjs-node reads it before it reads `id` in order to compute with the tensor. */
  get values(): null {
    if (this.areBytes) {
      const bytes = this.id;
      this.id = divided(bytes);
      this.areBytes = false;
      nodeBackend()!.binding.deleteTensor(bytes);
    }
    return null;
  }
}

/**
 * Makes a tensor of bytes divided by 255.
 *
 * @param bytes are copied.
 * @returns float32. The caller disposes of it.
 * @example normalizedTensor(Uint8Array.of(0, 51), [2]) // 0, 0.2
 */
export function normalizedTensor(bytes: Uint8Array, shape: number[]): tf.Tensor {
  const backend = nodeBackend()!;
  const { binding } = backend;
  const id = binding.createTensor(shape, binding.TF_UINT8, bytes);
  if (!isShared(bytes, binding)) {
    return register({ id, shape }, backend);
  }
  const [copy] = binding.executeOp('DeepCopy', [ofBytes(binding)], [id], 1);
  binding.deleteTensor(id);
  return register(copy, backend);
}

/** Whether TensorFlow shares the memory of bytes with their owner. It does if they are aligned, and copies them if not. */
function isShared(bytes: Uint8Array, binding: NodeBackend['binding']): boolean {
  if (bytes.length === 0) {
    return false;
  }
  const first = bytes.subarray(0, 1);
  const id = binding.createTensor([1], binding.TF_BOOL, first); // tfjs-node cannot read a tensor of type uint8
  first[0] ^= 1;
  const [seen] = binding.tensorDataSync(id);
  const hasChanged = seen === first[0];
  first[0] ^= 1;
  binding.deleteTensor(id);
  return hasChanged;
}

/** Whether a tensor was made by `normalizedTensor`, or is a part of such a tensor, and no floats have been made of it yet. */
export function hasBytes(tensor: tf.Tensor): boolean {
  const backend = nodeBackend();
  return backend !== undefined && entryOf(tensor, backend) !== null;
}

/**
 * The bytes of a tensor that has them (see `hasBytes`).
 *
 * @returns uint8, which tfjs calls int32: only a graph can use it. It shares their memory, and stays when floats are made of
 *   them. The caller disposes of it.
 * @example const bytes = bytesOf(trainX);
 */
export function bytesOf(tensor: tf.Tensor): tf.Tensor {
  const backend = nodeBackend()!;
  const { binding } = backend;
  return backend.createOutputTensor(
    binding.executeOp('Identity', [ofBytes(binding)], [entryOf(tensor, backend)!.id], 1)[0],
  );
}

/**
 * Prepares a graph for divisions of bytes by 255. TensorFlow's optimizer, which graph.ts turns off, would make products of them,
 * which round differently.
 *
 * @returns a function that adds a division under a name. It takes a result of uint8 and returns one of float32.
 * @example const x = division(description)('divided', description.input('bytes', 'DT_UINT8'));
 */
export function division(graph: GraphDescription): (name: string, bytes: Result) => Result {
  const largest = graph.constant('largestByte', Float32Array.of(LARGEST_BYTE));
  const float = { type: 'DT_FLOAT' } as const;
  return (name, bytes) => {
    const floats = graph.add(`${name}/floats`, 'Cast', [bytes], { SrcT: { type: 'DT_UINT8' }, DstT: float });
    return graph.add(name, 'RealDiv', [floats, largest], { T: float }); // over the floats that it reads
  };
}

let divisionGraph: Graph | undefined;

/** Divides bytes by 255. Takes and returns the addon's numbers of tensors. */
function divided(bytes: number): number {
  if (!divisionGraph) {
    const description = new GraphDescription();
    division(description)('divided', description.input('bytes', 'DT_UINT8'));
    divisionGraph = new Graph(description);
  }
  return divisionGraph.runByNumber(['bytes'], [bytes], ['divided'])[0];
}

function entryOf({ dataId }: tf.TensorInfo, { tensorMap }: NodeBackend): NormalizedBytes | null {
  const entry = tensorMap.get(dataId);
  return entry instanceof NormalizedBytes && entry.areBytes ? entry : null;
}

function register({ id, shape }: { id: number; shape: number[] }, backend: NodeBackend): tf.Tensor {
  const dataId = {};
  backend.tensorMap.set(dataId, new NormalizedBytes(shape, id, backend.binding));
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' });
}

function ofBytes({ TF_ATTR_TYPE, TF_UINT8 }: NodeBackend['binding']): OpAttribute {
  return { name: 'T', type: TF_ATTR_TYPE, value: TF_UINT8 };
}

for (const name of MOVING_OPERATIONS) {
  const kernel = tf.getKernel(name, 'tensorflow');
  tf.unregisterKernel(name, 'tensorflow');
  tf.registerKernel({
    ...kernel,
    kernelFunc: (args) => {
      const backend = args.backend as NodeBackend;
      const entry = entryOf(args.inputs.x!, backend);
      return kernel.kernelFunc(entry ? { ...args, backend: movingBytes(entry, backend) } : args);
    },
  });
}

/** A backend that runs an operation with the bytes of its first input in place of the floats. */
function movingBytes(entry: NormalizedBytes, backend: NodeBackend): NodeBackend {
  const { binding } = backend;
  const isFloat = ({ type, value }: OpAttribute): boolean =>
    type === binding.TF_ATTR_TYPE && value === binding.TF_FLOAT;
  const moving: Pick<NodeBackend, 'executeSingleOutput'> = {
    executeSingleOutput: (name, attributes, [, ...others]) => {
      const types = attributes.map((each) => (isFloat(each) ? { ...each, value: binding.TF_UINT8 } : each));
      const ids = [entry.id, ...backend.getInputTensorIds(others)];
      return register(binding.executeOp(name, types, ids, 1)[0], backend);
    },
  };
  return Object.assign(Object.create(backend) as NodeBackend, moving);
}
