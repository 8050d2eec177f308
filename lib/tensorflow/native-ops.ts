import type * as tf from '@tensorflow/tfjs-node';
import { type Attribute, type NativeTensor, nodeBackend } from './internals';

/** Whether tfjs runs on TensorFlow's library now, which `NativeOps` requires. */
export function hasNativeOps(): boolean {
  return nodeBackend() !== undefined;
}

/**
 * Runs TensorFlow's operations directly, in float32, without a tf.Tensor for each result: creating and tracking tensors
 * would take a large part of a training step. `release` or `releaseAll` frees the results of operations. tfjs keeps
 * owning tensors that came from it (`fromTensor`).
 *
 * @example const ops = new NativeOps(); const [sum] = ops.run('AddV2', [a, b]); ops.releaseAll();
 */
export class NativeOps {
  private readonly backend = nodeBackend()!;
  private readonly binding = this.backend.binding;
  private readonly floatType: Attribute = { name: 'T', type: this.binding.TF_ATTR_TYPE, value: this.binding.TF_FLOAT };
  private readonly owned = new Set<NativeTensor>();

  /**
   * @param name an operation of TensorFlow whose type attribute, if it has one, is `T`.
   * @param inputs in the operation's order.
   * @param attributes other attributes than `T`, by name; booleans or strings.
   * @param numOutputs the number of results.
   * @returns the results.
   * @throws Error with TensorFlow's message.
   */
  run(
    name: string,
    inputs: NativeTensor[],
    attributes: Record<string, boolean | string> = {},
    numOutputs = 1,
  ): NativeTensor[] {
    const others = Object.entries(attributes).map(([attribute, value]) => this.attribute(attribute, value));
    return this.execute(name, [this.floatType, ...others], inputs, numOutputs);
  }

  /** Returns the rows of a matrix with these indices, in this order. */
  gatherRows(matrix: NativeTensor, indices: Int32Array): NativeTensor {
    const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = this.binding;
    const rows = this.own(this.binding.createTensor([indices.length], TF_INT32, indices));
    const axis = this.own(this.binding.createTensor([], TF_INT32, Int32Array.of(0)));
    const types: Attribute[] = [
      { name: 'Tparams', type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: 'Tindices', type: TF_ATTR_TYPE, value: TF_INT32 },
      { name: 'Taxis', type: TF_ATTR_TYPE, value: TF_INT32 },
    ];
    return this.execute('GatherV2', types, [matrix, rows, axis], 1)[0];
  }

  /** Makes a tensor, which may share memory with `values`: do not change them afterwards. */
  floats(values: Float32Array, shape: number[]): NativeTensor {
    return this.own(this.binding.createTensor(shape, this.binding.TF_FLOAT, values));
  }

  /** Returns a copy of a tensor's values. */
  read(tensor: NativeTensor): Float32Array {
    return this.binding.tensorDataSync(tensor);
  }

  /** Makes a float32 tensor of bytes. TensorFlow converts them: JavaScript's memory never holds the floats. */
  floatsFromBytes(bytes: Uint8Array, shape: number[]): NativeTensor {
    const { TF_ATTR_TYPE, TF_FLOAT, TF_UINT8 } = this.binding;
    const source = this.own(this.binding.createTensor(shape, TF_UINT8, bytes));
    const types: Attribute[] = [
      { name: 'SrcT', type: TF_ATTR_TYPE, value: TF_UINT8 },
      { name: 'DstT', type: TF_ATTR_TYPE, value: TF_FLOAT },
    ];
    const [floats] = this.execute('Cast', [...types, this.attribute('Truncate', false)], [source], 1);
    return floats;
  }

  scalar(value: number): NativeTensor {
    return this.floats(Float32Array.of(value), []);
  }

  /** Returns the TensorFlow tensor behind a tf.Tensor, for reading; tfjs keeps owning it. */
  fromTensor(tensor: tf.Tensor): NativeTensor {
    return this.backend.getInputTensorIds([tensor])[0];
  }

  /** Makes a tf.Tensor of a result, which tfjs owns from now on. */
  toTensor(tensor: NativeTensor, shape: number[]): tf.Tensor {
    this.owned.delete(tensor);
    return this.backend.createOutputTensor({ id: tensor, shape, dtype: this.binding.TF_FLOAT });
  }

  /** Makes a resource variable: a tensor that operations such as ResourceApplyAdam change in place. */
  createVariable(shape: number[], name: string): NativeTensor {
    const { TF_ATTR_SHAPE, TF_ATTR_STRING } = this.binding;
    const attributes: Attribute[] = [
      { name: 'container', type: TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: TF_ATTR_STRING, value: name },
      { name: 'shape', type: TF_ATTR_SHAPE, value: shape },
      { ...this.floatType, name: 'dtype' },
    ];
    const [{ id }] = this.binding.executeOp('VarHandleOp', attributes, [], 1);
    return id;
  }

  assignVariable(variable: NativeTensor, value: NativeTensor): void {
    this.execute('AssignVariableOp', [{ ...this.floatType, name: 'dtype' }], [variable, value], 0);
  }

  /** Returns the variable's value. Until it is released, the next change of the variable makes a copy first. */
  readVariable(variable: NativeTensor): NativeTensor {
    const [value] = this.execute('ReadVariableOp', [{ ...this.floatType, name: 'dtype' }], [variable], 1);
    return value;
  }

  destroyVariable(variable: NativeTensor): void {
    this.execute('DestroyResourceOp', [], [variable], 0);
    this.binding.deleteTensor(variable);
  }

  release(tensors: NativeTensor[]): void {
    for (const tensor of tensors) {
      if (this.owned.delete(tensor)) {
        this.binding.deleteTensor(tensor);
      }
    }
  }

  /** Frees all results that were neither released nor passed to tfjs. */
  releaseAll(): void {
    this.release([...this.owned]);
  }

  private execute(name: string, attributes: Attribute[], inputs: NativeTensor[], numOutputs: number): NativeTensor[] {
    return this.binding.executeOp(name, attributes, inputs, numOutputs).map(({ id }) => this.own(id));
  }

  private own(tensor: NativeTensor): NativeTensor {
    this.owned.add(tensor);
    return tensor;
  }

  private attribute(name: string, value: boolean | string): Attribute {
    const { TF_ATTR_BOOL, TF_ATTR_STRING } = this.binding;
    return { name, type: typeof value === 'boolean' ? TF_ATTR_BOOL : TF_ATTR_STRING, value };
  }
}
