import type * as tf from '@tensorflow/tfjs-node';
import type { Plot } from 'nodeplotlib';
import type { IdxArray } from '../data/idx';
import { answersOf } from '../evaluation';
import { checkIndices, digitPicture } from './digit-picture';
import { probabilityText } from './probability-bars';
import { COLORS, FULL_WIDTH, type Figure, GREY, INK, card, figure } from './style';

const COLUMNS = 2;
const PIXEL = 4; // screen pixels per pixel of an image
const MARGIN = 16;
const TITLE_HEIGHT = 30;
const TICK_HEIGHT = 24;

/**
 * Digits, each beside its ten probabilities: blue the answer, vermillion the label.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255 (0: paper, 255: ink).
 * @param indices the images to show, in this order.
 * @param trueLabels one label per image of `images`.
 * @param probabilities float32 [count, numClasses], from `predict` for `images`. The caller disposes of it.
 * @returns the figure.
 * @throws RangeError if no index is given, if an index is not one of `images`, or if the numbers of images, labels and
 *   rows differ.
 * @example plot(answersFigure(testImages, confidentMistakes(trueLabels, predictions, 8), trueLabels, predictions));
 */
export function answersFigure(
  images: IdxArray,
  indices: number[],
  trueLabels: number[],
  probabilities: tf.Tensor2D,
): Figure {
  const [count, rows, columns] = images.shape;
  const [, numClasses] = probabilities.shape;
  checkIndices(count, indices);
  if (count !== trueLabels.length) {
    throw new RangeError(`${count} images and ${trueLabels.length} labels (expected the same number)`);
  }
  const answers = answersOf(trueLabels, probabilities);
  const values = probabilities.dataSync();
  const [digitWidth, digitHeight] = [columns * PIXEL, rows * PIXEL];
  const panel = { width: FULL_WIDTH / COLUMNS, height: TITLE_HEIGHT + digitHeight + TICK_HEIGHT + MARGIN };
  const step = (panel.width - digitWidth - 3 * MARGIN) / numClasses;
  const panels = indices.map((index, position) => {
    const left = (position % COLUMNS) * panel.width + MARGIN;
    const top = Math.floor(position / COLUMNS) * panel.height + TITLE_HEIGHT;
    const { label, predicted } = answers[index];
    const bars = Array.from(values.subarray(index * numClasses, (index + 1) * numClasses), (probability, digit) => ({
      digit,
      probability,
      x: left + digitWidth + MARGIN + (digit + 0.5) * step,
      color: digit === predicted ? COLORS.blue : digit === label ? COLORS.vermillion : GREY,
      isNamed: digit === predicted || digit === label,
    }));
    const title = `${label} → ${predicted} (${probabilityText(answers[index].confidence)})`;
    return { index, left, top, bottom: top + digitHeight, bars, title };
  });
  const width = FULL_WIDTH;
  const height = Math.ceil(indices.length / COLUMNS) * panel.height;

  // All panels share one pair of axes, which count screen pixels from the upper left corner.
  const all = panels.flatMap(({ bottom, bars }) => bars.map((bar) => ({ ...bar, bottom })));
  const bars = {
    type: 'bar',
    x: all.map(({ x }) => x),
    base: all.map(({ bottom }) => bottom),
    y: all.map(({ probability }) => -probability * digitHeight),
    width: all.map(() => 0.75 * step),
    customdata: all.map(({ digit, probability }) => [digit, probabilityText(probability)]),
    marker: { color: all.map(({ color }) => color) },
    hovertemplate: 'class %{customdata[0]}: %{customdata[1]}<extra></extra>',
  } as unknown as Plot;
  const words = (at: { text: string; x: number; y: number; color: string }[], size: number): Plot =>
    ({
      type: 'scatter',
      mode: 'text',
      text: at.map(({ text }) => text),
      x: at.map(({ x }) => x),
      y: at.map(({ y }) => y),
      textfont: { size, color: at.map(({ color }) => color) },
      cliponaxis: false,
      hoverinfo: 'skip',
    }) as unknown as Plot;
  const titles = panels.map(({ title, left, top }) => ({
    text: `<b>${title}</b>`,
    x: left - MARGIN + panel.width / 2,
    y: top - TITLE_HEIGHT / 2,
    color: INK,
  }));
  const ticks = all.map(({ digit, x, bottom, color, isNamed }) => ({
    text: isNamed ? `<b>${digit}</b>` : String(digit),
    x,
    y: bottom + TICK_HEIGHT / 2,
    color: isNamed ? color : INK,
  }));
  const description =
    `${indices.length} handwritten digits, each beside bars of its ${numClasses} probabilities: ` +
    `${panels.map(({ index }) => `${index} (${described(answers[index])})`).join(', ')}.`;
  const layout = card(width, height, description, {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    showlegend: false,
    xaxis: { visible: false, fixedrange: true, constrain: 'domain', range: [0, width] },
    yaxis: { visible: false, fixedrange: true, constrain: 'domain', range: [height, 0], scaleanchor: 'x' },
    images: [
      {
        source: digitPicture(images, panels, PIXEL, width, height),
        ...{ x: 0, y: 0, xref: 'x', yref: 'y', sizex: width, sizey: height, sizing: 'stretch', layer: 'below' },
      },
    ],
    shapes: panels.map(({ left, bottom }) => ({
      type: 'line',
      ...{ x0: left + digitWidth + MARGIN, x1: left + panel.width - 2 * MARGIN, y0: bottom, y1: bottom },
      line: { color: INK, width: 1 },
    })),
  });
  return figure([bars, words(titles, 18), words(ticks, 14)], layout);
}

function described({ label, predicted, confidence }: { label: number; predicted: number; confidence: number }): string {
  return `label ${label}, answer ${predicted} with ${probabilityText(confidence)}`;
}
