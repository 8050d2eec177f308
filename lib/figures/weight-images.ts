import * as tf from '@tensorflow/tfjs-node';
import { type LayerChoice, chosenLayer, kernelOf } from '../look-inside/layers';
import { pictureGrid, scaleOf, signedColor } from './picture-grid';
import type { Figure } from './style';

/**
 * The incoming weights of neurons as pictures: each weight at the position of its pixel. Ink on
 * vermillion excites the neuron, ink on blue inhibits it, ink on white does not matter. All pictures have the same scale.
 *
 * @param model a built model whose inputs are flattened square images.
 * @param neurons which neurons, by index.
 * @param layer the name or index of a Dense layer on the pixels, by default the first Dense layer.
 * @returns the figure.
 * @throws RangeError if the layer is not there or not Dense, if its inputs are not the pixels of square images, or if
 *   there is no such neuron.
 * @example plot(weightImages(model, strongestNeurons(model, 16)));
 */
export function weightImages(model: tf.LayersModel, neurons: number[], layer?: LayerChoice): Figure {
  const chosen = chosenLayer(model, layer);
  const kernel = kernelOf(chosen); // [pixels, units]
  const [pixels, units] = kernel.shape;
  const side = Math.sqrt(pixels);
  if (!Number.isInteger(side)) {
    throw new RangeError(
      `${chosen.name} has ${pixels} inputs (expected the pixels of a square image, such as 28 · 28)`,
    );
  }
  check(chosen.name, units, neurons);
  const weights = tf.tidy(() => kernel.gather(neurons, 1).transpose().dataSync<'float32'>()); // [neurons, pixels]
  const scale = scaleOf(weights);
  const end = scale.toPrecision(2);
  return pictureGrid({
    count: neurons.length,
    rows: side,
    columns: side,
    colorOf: (picture, row, column) => signedColor(weights[picture * pixels + row * side + column] / scale),
    titles: neurons.map((neuron) => `neuron ${neuron}`),
    legend: [end, '0', `−${end}`],
    description:
      `The weights into ${neurons.length} of the ${units} neurons of ${chosen.name} as pictures of ${side} by ${side} ` +
      `pixels, vermillion above 0 and blue below; the largest is ${end} from 0. The neurons: ${neurons.join(', ')}.`,
  });
}

function check(name: string, units: number, neurons: number[]): void {
  if (neurons.length === 0) {
    throw new RangeError('no neuron was selected (expected at least one index)');
  }
  for (const neuron of neurons) {
    if (!Number.isInteger(neuron) || neuron < 0 || neuron >= units) {
      throw new RangeError(`${name} has no neuron ${neuron} (expected 0-${units - 1})`);
    }
  }
}
