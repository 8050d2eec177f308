import type * as tf from '@tensorflow/tfjs-node';
import { pictureGrid, scaleOf, signedColor } from './picture-grid';
import type { Figure } from './style';

const PER_ROW = 3;
const WIDTH_TO_HEIGHT = 1.6;
const PAPER = [0xff, 0xff, 0xff] as const;

/**
 * The activations of a layer: a field per image, with a square per neuron, the darker the more active. All fields have the
 * same order and scale.
 *
 * @param activations float32 [count, units], such as the result of `hiddenActivations`. The caller disposes of it.
 * @param titles one line above each field; optional.
 * @returns the figure.
 * @throws RangeError if there are no activations, if one is not a number, or if there is not one title per image.
 * @example plot(activationFigure(hiddenActivations(model, testX.slice(0, 3)), ['7', '2', '1']));
 */
export function activationFigure(activations: tf.Tensor2D, titles?: string[]): Figure {
  const [count, units] = activations.shape;
  if (count * units === 0) {
    throw new RangeError(
      `the activations have the shape [${count}, ${units}] (expected at least one image and neuron)`,
    );
  }
  if (titles && titles.length !== count) {
    throw new RangeError(`${titles.length} titles for ${count} images (expected one each)`);
  }
  const values = activations.dataSync<'float32'>();
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new RangeError(`the activation of neuron ${wrong % units} is ${values[wrong]} (expected a finite number)`);
  }
  const columns = Math.ceil(Math.sqrt(units * WIDTH_TO_HEIGHT));
  const rows = Math.ceil(units / columns);
  const scale = scaleOf(values);
  const end = scale.toPrecision(2);
  const active = Array.from({ length: count }, (_, image) => {
    const lit = values.subarray(image * units, (image + 1) * units).filter((value) => value !== 0).length;
    return `${lit}${titles ? ` (${titles[image]})` : ''}`;
  });
  return pictureGrid({
    ...{ count, rows, columns, titles },
    perRow: PER_ROW,
    colorOf: (image, row, column) => {
      const neuron = row * columns + column;
      return neuron < units ? signedColor(values[image * units + neuron] / scale) : PAPER;
    },
    legend: [end, '0', values.some((value) => value < 0) ? `−${end}` : ''],
    description:
      `The activations of ${units} neurons, ${columns} in a row, for ${count} image${count === 1 ? '' : 's'}, ` +
      `the larger the darker; the largest is ${end}. Neurons that are not 0: ${active.join(', ')}.`,
  });
}
