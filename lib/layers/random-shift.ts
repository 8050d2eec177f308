import * as tf from '@tensorflow/tfjs-node';

/** Options of `randomShift`: those of every layer, and how far it shifts. */
export interface RandomShiftOptions {
  /** The largest shift in each direction, in pixels: 1 or more, and less than the digit's side. */
  pixels: number;
  /** `[784]` if this is the model's first layer. */
  inputShape?: tf.Shape;
  name?: string;
}

/**
 * A layer that moves each digit a little while the network trains, as Keras's RandomTranslation does: in each batch, each
 * digit moves by its own whole numbers of pixels, from -pixels to pixels across and down, all equally likely. Paper (0) fills
 * the edge left behind, and what leaves the digit's square is lost. When the network predicts, the layer changes nothing.
 *
 * `setSeed` seeds the shifts. `fit` trains it by the fast path where it comes before the first dense layer.
 *
 * @param options how far to shift, and the input shape: the digits must be square and flattened, float32 [count, 784]. They
 *   come out in the same shape.
 * @returns a layer without weights for `tf.sequential`, which saves and loads like any other.
 * @throws RangeError if `pixels` is no whole number of 1 or more; and when the model is built, if the digits are not square
 *   and flattened, or not larger than the shift.
 * @example const model = tf.sequential({ layers: [randomShift({ pixels: 1, inputShape: [784] }), ...otherLayers] });
 */
export function randomShift(options: RandomShiftOptions): tf.layers.Layer {
  return new RandomShift(options);
}

type Tensors = tf.Tensor | tf.Tensor[];

export class RandomShift extends tf.layers.Layer {
  static readonly className = 'RandomShift'; // under which models are saved
  readonly pixels: number;
  /** Of the digits, once the layer is built. */
  side = 0;

  constructor(options: RandomShiftOptions) {
    super(options);
    const { pixels } = options;
    if (!Number.isInteger(pixels) || pixels < 1) {
      throw new RangeError(`randomShift: pixels is ${pixels} (expected a whole number, 1 or more)`);
    }
    this.pixels = pixels;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const [, ...sizes] = inputShape as tf.Shape; // a single input
    const side = Math.sqrt(sizes[0] ?? NaN);
    if (sizes.length !== 1 || !Number.isInteger(side)) {
      throw new RangeError(
        `randomShift takes square digits whose rows lie end to end (expected an input shape such as [784], 28 × 28; found [${sizes.join(', ')}])`,
      );
    }
    if (this.pixels >= side) {
      throw new RangeError(
        `randomShift: pixels is ${this.pixels} for digits of ${side} × ${side} (expected less than ${side})`,
      );
    }
    this.side = side;
    super.build(inputShape);
  }

  override call(inputs: Tensors, { training }: { training?: boolean } = {}): Tensors {
    const [digits] = [inputs].flat();
    if (!training) {
      return digits;
    }
    const { side, pixels } = this;
    const shifts = drawShifts(digits.shape[0], pixels);
    const opposite = shifts.map((shift) => shiftCount(pixels) - 1 - shift);
    return tf.customGrad((x) => ({
      value: move(x as tf.Tensor, side, pixels, shifts),
      gradFunc: (gradient: tf.Tensor) => move(gradient, side, pixels, opposite), // back to where the pixels came from
    }))(digits);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), pixels: this.pixels };
  }
}

tf.serialization.registerClass(RandomShift);

/** Moves each digit by the shift of its number. */
function move(digits: tf.Tensor, side: number, pixels: number, shifts: Int32Array): tf.Tensor {
  return tf.tidy(() => {
    const all = tf.tensor2d(shiftSources(side, pixels), [shiftCount(pixels), side * side], 'int32');
    const sources = tf.gather(all, tf.tensor1d(shifts, 'int32'));
    const withPaper = tf.concat([digits, tf.zeros([digits.shape[0], 1])], 1);
    return tf.gather(withPaper, sources, 1, 1);
  });
}

/** The number of different shifts: so many columns times as many rows. */
export function shiftCount(pixels: number): number {
  return (2 * pixels + 1) ** 2;
}

/** Draws a shift for each digit: its number, a row of `shiftSources`. */
export function drawShifts(count: number, pixels: number): Int32Array {
  return Int32Array.from({ length: count }, () => Math.floor(Math.random() * shiftCount(pixels)));
}

/**
 * For each shift, where the pixels of the shifted digit come from. The shift of the number n moves a digit by
 * floor(n / (2 pixels + 1)) - pixels down and n % (2 pixels + 1) - pixels to the right.
 *
 * @returns int32 [shiftCount, side * side]: indices into the pixels of a digit; side * side, behind the last pixel, is paper.
 */
export function shiftSources(side: number, pixels: number): Int32Array {
  const sources = new Int32Array(shiftCount(pixels) * side * side);
  let position = 0;
  for (let down = -pixels; down <= pixels; down++) {
    for (let right = -pixels; right <= pixels; right++) {
      for (let y = -down; y < side - down; y++) {
        for (let x = -right; x < side - right; x++) {
          const isInside = y >= 0 && y < side && x >= 0 && x < side;
          sources[position++] = isInside ? y * side + x : side * side;
        }
      }
    }
  }
  return sources;
}
