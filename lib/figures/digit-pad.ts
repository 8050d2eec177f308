import * as tf from '@tensorflow/tfjs-node';
import { PNG } from 'pngjs';
import { type IdxArray } from '../data/idx';
import { displayedAs } from '../display/display';
import { pageBundle } from '../display/page-part';
import { indexOfLargest, percent } from '../page/bars';
import { ACTIVATIONS, type Activation, type PackedLayer, forward, packLayer, unpackLayer } from '../page/network';
import { COLORS, FONT, GREY, INK, escapeXml } from './style';
import { svgAddress } from './svg-elements';

/** A pad to draw a digit on, which a cell shows if it is its last expression. */
export interface DigitPad {
  /** The network that answers: that of the model, with 8 bits a weight. */
  layers: PackedLayer[];
}

const NUM_PIXELS = 28 * 28;
/** Layers that change nothing once a network is trained. */
const ONLY_IN_TRAINING = ['InputLayer', 'Dropout', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'RandomShift'];

/**
 * A pad in the output of a cell, to draw a digit on with the mouse, a pen or a finger. Meanwhile, ten bars show the
 * probabilities. Beside the pad is the drawing as the network sees it, in the form of MNIST's digits.
 *
 * The network travels inside the output, about 1.1 MB for that of the lecture. So the pad needs no kernel, and also works in the
 * saved notebook and in its page. Weights have 8 bits: the lecture's network then answers 2 of the 10,000 test digits
 * otherwise, and has the same accuracy. Where no script runs, a picture stands in its place: the first image and its bars.
 *
 * @param model a stack of dense layers from 784 pixels to classes, with softmax at the end. The pad keeps a copy of its weights as
 *   they are now. Layers that only act in training, such as dropout, are left out.
 * @param images uint8 [count, 28, 28], raw bytes 0-255; the first one is in the picture.
 * @returns the pad.
 * @throws RangeError if the model has other layers, inputs or outputs, or if there is no image of 28 × 28 pixels.
 * @example digitPad(model, testImages)
 */
export function digitPad(model: tf.LayersModel, images: IdxArray): DigitPad {
  const [count, rows, columns] = images.shape;
  if (!(count >= 1) || rows * columns !== NUM_PIXELS) {
    throw new RangeError(`the images have the shape [${images.shape.join(', ')}] (expected [1 or more, 28, 28])`);
  }
  const layers = packedLayers(model);
  const pixels = images.data.slice(0, NUM_PIXELS);
  return displayedAs({ layers }, () => {
    const inputs = Array.from(pixels, (pixel) => pixel / 255);
    const probabilities = Array.from(forward(layers.map(unpackLayer), inputs));
    const best = indexOfLargest(probabilities);
    const description =
      'A pad to draw a digit on, with the probability of each class as a bar. ' +
      `In the picture, the network answers ${best} with ${percent(probabilities[best])}.`;
    return pageBundle('draw', { layers }, still(pixels, probabilities), description);
  });
}

function packedLayers(model: tf.LayersModel): PackedLayer[] {
  const layers = model instanceof tf.Sequential ? model.layers : [];
  const dense = layers.filter((layer) => !ONLY_IN_TRAINING.includes(layer.getClassName()));
  if (dense.length === 0) {
    throw new RangeError('the model is not a stack of layers (expected tf.sequential with dense layers)');
  }
  dense.forEach(checkLayer);
  const [inputs, last] = [dense[0].batchInputShape?.[1] ?? kernelShape(dense[0])[0], dense[dense.length - 1]];
  if (inputs !== NUM_PIXELS) {
    throw new RangeError(`the model takes ${inputs} inputs (expected ${NUM_PIXELS}, one per pixel of 28 × 28)`);
  }
  if (last.getConfig().activation !== 'softmax') {
    throw new RangeError(
      `the last layer, ${last.name}, has the activation ${activationOf(last)} (expected softmax, which gives a probability per class)`,
    );
  }
  return dense.map((layer) => {
    const [kernel, bias] = layer.getWeights().map((weights) => weights.dataSync<'float32'>());
    const [, units] = kernelShape(layer);
    return packLayer({ activation: activationOf(layer), kernel, bias: bias ?? new Float32Array(units) });
  });
}

function checkLayer(layer: tf.layers.Layer): void {
  if (layer.getClassName() !== 'Dense') {
    throw new RangeError(
      `the layer ${layer.name} is of the kind ${layer.getClassName()} (expected Dense): the pad computes dense layers only`,
    );
  }
  if (!ACTIVATIONS.includes(activationOf(layer))) {
    throw new RangeError(
      `the layer ${layer.name} has the activation ${activationOf(layer)} (expected one of ${ACTIVATIONS.join(', ')})`,
    );
  }
}

function activationOf(layer: tf.layers.Layer): Activation {
  return layer.getConfig().activation as Activation;
}

function kernelShape(layer: tf.layers.Layer): number[] {
  return layer.getWeights()[0].shape;
}

/** The picture for where no script runs: the pad with a digit on it, and its bars. Returns its address. */
function still(pixels: Uint8Array, probabilities: number[]): string {
  const best = indexOfLargest(probabilities);
  const rows = probabilities.map((probability, digit) => {
    const y = 12 + (digit * 256) / probabilities.length;
    const height = 200 / probabilities.length;
    return (
      `<text x="318" y="${y + height * 0.85}" font-weight="bold" text-anchor="end">${digit}</text>` +
      `<rect x="328" y="${y}" width="${(200 * probability).toFixed(1)}" height="${height}" fill="${digit === best ? COLORS.blue : GREY}"/>` +
      `<text x="538" y="${y + height * 0.85}">${escapeXml(percent(probability))}</text>`
    );
  });
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="610" height="284" viewBox="0 0 610 284" font-family="${FONT}" font-size="16" fill="${INK}">` +
    `<rect width="610" height="284" fill="#FFFFFF"/><rect x="2" y="2" width="280" height="280" fill="none" stroke="${GREY}" stroke-width="2" rx="4"/>` +
    `<image x="2" y="2" width="280" height="280" style="image-rendering:pixelated" href="data:image/png;base64,${picture(pixels)}"/>` +
    `<path d="M328 8V276" stroke="${GREY}"/>${rows.join('')}</svg>`;
  return svgAddress(svg);
}

/** Dark ink on white paper, as PNG in base64. */
function picture(pixels: Uint8Array): string {
  const png = new PNG({ width: 28, height: 28 });
  pixels.forEach((pixel, index) => {
    const grey = 255 - pixel;
    png.data.set([grey, grey, grey, 255], 4 * index);
  });
  return PNG.sync.write(png).toString('base64');
}
