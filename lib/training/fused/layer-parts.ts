/*
 * The layers that the graph of a training step can contain, and their division into parts.
 *
 * A thread of TensorFlow computes one operation after another. To keep several threads busy, the units of a hidden layer are
 * divided into parts: the columns of its kernel, and the rows of the next kernel. Forward pass, gradients and Adam's update of
 * a part need nothing of the others, except that the layer behind them adds up what all parts give it. M. Shoeybi et al.,
 * Megatron-LM, training multi-billion parameter language models using model parallelism, 2019, section 3.
 */
import { availableParallelism } from 'node:os';

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

/** The sizes of parts along an axis of a kernel: 0 divides its inputs, 1 its units. */
interface Division {
  axis: 0 | 1;
  sizes: number[];
}

/** A dense layer with the division of its kernel. */
export type DividedDense = DenseShape & Division;

/** A layer of the graph after the division. */
export type DividedLayer = DividedDense | DropoutShape | ShiftShape;

/** A weight: its name in the graph, its shape, and its division. */
export interface Weight extends Division {
  name: string;
  shape: number[];
}

// Parts of fewer units take longer than a whole layer; more parts than this take longer than 4 on two threads.
const [MIN_UNITS, MAX_PARTS] = [64, 8];
// The most float32 numbers that a processor multiplies at once (AVX-512). With other sizes, training takes 5 percent longer.
const UNITS_AT_ONCE = 16;

/** Divides the units of the first, third, fifth... dense layer, and thus the inputs of the one behind it. */
export function divide(layers: LayerShape[]): DividedLayer[] {
  let inputSizes: number[] = [];
  return layers.map((layer, index) => {
    if (layer.kind !== 'dense') {
      return layer;
    }
    if (inputSizes.length > 1) {
      const sizes = inputSizes;
      inputSizes = [];
      return { ...layer, axis: 0, sizes };
    }
    inputSizes = index < layers.length - 1 ? partSizes(layer.units) : [layer.units];
    return { ...layer, axis: 1, sizes: inputSizes };
  });
}

/** Divides units into parts of about the same size, as many for each thread. */
function partSizes(units: number): number[] {
  const threads = Number(process.env.TF_NUM_INTEROP_THREADS) || availableParallelism();
  const wanted = threads < 4 ? 2 * threads : threads; // on two threads, 4 parts take 2 percent less time than 2
  const most = Math.min(wanted, MAX_PARTS, Math.ceil(units / MIN_UNITS));
  const count = most > threads ? most - (most % threads) : most;
  const blocks = Math.ceil(units / UNITS_AT_ONCE);
  const startOf = (part: number): number => Math.min(units, Math.round((part * blocks) / count) * UNITS_AT_ONCE);
  return Array.from({ length: count }, (_, part) => startOf(part + 1) - startOf(part));
}

/** Returns the weights: of each dense layer its kernel and, if it has one, its bias. */
export function weightsOf(layers: DividedLayer[]): Weight[] {
  return layers.flatMap((layer, index) => {
    if (layer.kind !== 'dense') {
      return [];
    }
    const { inputs, units, hasBias, axis, sizes } = layer;
    const kernel: Weight = { name: `kernel${index}`, shape: [inputs, units], axis, sizes };
    const bias: Weight = { name: `bias${index}`, shape: [units], axis: 0, sizes: axis === 1 ? sizes : [units] };
    return hasBias ? [kernel, bias] : [kernel];
  });
}

/** The name of a part of a weight, or of one of Adam's moments of it. */
export function partOf(name: string, part: number): string {
  return `${name}/${part}`;
}
