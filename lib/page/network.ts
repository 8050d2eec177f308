// A stack of dense layers with weights of 8 bits, in plain JavaScript: no Node and no page is needed.
import { bytesOf } from './pictures';

export const ACTIVATIONS = ['linear', 'relu', 'sigmoid', 'tanh', 'softmax'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A dense layer: `activation(inputs · kernel + bias)`. */
export interface DenseLayer {
  activation: Activation;
  /** float32 [inputs, units], row by row. */
  kernel: Float32Array;
  /** float32 [units]. */
  bias: Float32Array;
}

/** A dense layer whose kernel has 8 bits a weight, as it travels inside a page. */
export interface PackedLayer {
  activation: Activation;
  /** int8 [inputs, units], row by row, in base64. */
  kernel: string;
  /** float32 [units]: a weight is its int8 times the scale of its unit; in base64. */
  scales: string;
  /** float32 [units], in base64. */
  bias: string;
}

const LARGEST_INT8 = 127;

/**
 * Rounds the weights of a layer to 8 bits: int8 -127 to 127, times a scale per unit, so that a unit with small weights keeps as
 * many digits as one with large weights. Biases stay as they are.
 *
 * @param layer a dense layer; it is not changed.
 * @returns the layer for `unpackLayer`.
 * @example const packed = packLayer({ activation: 'softmax', kernel, bias });
 */
export function packLayer({ activation, kernel, bias }: DenseLayer): PackedLayer {
  const units = bias.length;
  const scales = new Float32Array(units);
  kernel.forEach((weight, index) => {
    scales[index % units] = Math.max(scales[index % units], Math.abs(weight) / LARGEST_INT8);
  });
  const rounded = Int8Array.from(kernel, (weight, index) => Math.round(weight / (scales[index % units] || 1)));
  return { activation, kernel: toBase64(rounded), scales: toBase64(scales), bias: toBase64(bias) };
}

/**
 * Restores the weights of a layer, as float32.
 *
 * @param layer what `packLayer` returned.
 * @returns the layer; each weight is off by at most half the scale of its unit.
 * @example const layers = packed.map(unpackLayer);
 */
export function unpackLayer({ activation, kernel, scales, bias }: PackedLayer): DenseLayer {
  const scale = toFloats(scales);
  const rounded = new Int8Array(bytesOf(kernel).buffer);
  return {
    activation,
    kernel: Float32Array.from(rounded, (value, index) => value * scale[index % scale.length]),
    bias: toFloats(bias),
  };
}

/**
 * Computes the outputs of a network.
 *
 * @param layers from the first to the last.
 * @param inputs as many as the first kernel has rows: pixels 0-1.
 * @returns one per unit of the last layer: probabilities if it has softmax.
 * @example forward(layers, pixels) // [0.01, 0.97, ...]
 */
export function forward(layers: DenseLayer[], inputs: ArrayLike<number>): ArrayLike<number> {
  return layers.reduce<ArrayLike<number>>((values, { activation, kernel, bias }) => {
    const sums = Float64Array.from(bias);
    for (let input = 0, row = 0; input < values.length; input++, row += sums.length) {
      const value = values[input];
      // Most pixels are paper, and many neurons are silent.
      if (value !== 0) {
        for (let unit = 0; unit < sums.length; unit++) {
          sums[unit] += value * kernel[row + unit];
        }
      }
    }
    return activated(sums, activation);
  }, inputs);
}

function activated(sums: Float64Array, activation: Activation): Float64Array {
  switch (activation) {
    case 'linear':
      return sums;
    case 'relu':
      return sums.map((sum) => Math.max(sum, 0));
    case 'sigmoid':
      return sums.map((sum) => 1 / (1 + Math.exp(-sum)));
    case 'tanh':
      return sums.map(Math.tanh);
    case 'softmax': {
      const largest = Math.max(...sums); // subtracted, so that no exponential is infinite
      const powers = sums.map((sum) => Math.exp(sum - largest));
      const total = powers.reduce((sum, power) => sum + power, 0);
      return powers.map((power) => power / total);
    }
  }
}

const CHUNK = 0x8000; // of arguments of a call

/** The bytes of an array in base64, the lowest first: x64 and arm64 keep them so. */
function toBase64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let text = '';
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return btoa(text);
}

function toFloats(base64: string): Float32Array {
  return new Float32Array(bytesOf(base64).buffer);
}
