import type * as tf from '@tensorflow/tfjs-node';
import type { IdxArray } from '../data/idx';
import type { MimeBundle } from '../display/display';
import { pageBundle } from '../display/page-part';
import { type Answer, type ClassScores, answersOf, classReport, confusionMatrix } from '../evaluation';
import { MISTAKE, RIGHT, describeConfusion, largestConfusions } from './confusion-figure';
import { digitPicture } from './digit-picture';
import { probabilityText } from './probability-bars';
import { FULL_WIDTH } from './style';
import { svgAddress, svgPicture, svgText } from './svg-elements';

/** The most bytes of pictures: with them, an output stays below 0.5 MB. */
const MOST_BYTES = 270_000;
/** The digits of each cell on the diagonal: there are many, and most look alike. */
const ON_DIAGONAL = 10;

// The still picture, in pixels.
const CELL = { width: 44, height: 34 };
const MATRIX = { left: 60, top: 60 };
const METRIC_WIDTH = 72;
const GRID = { rows: 3, columns: 7, pixel: 3, titleHeight: 30 };

/**
 * A confusion matrix to explore in the page: a click on a cell, or Enter, shows the digits behind it. Beside the matrix stand
 * precision, recall and F1 of each class; pointing at a cell shows its percentages. The output contains pictures of the mistakes
 * and of the right answers that were least certain. Where scripts do not run, it is a picture with the largest confusions.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255 (0: paper, 255: ink).
 * @param trueLabels one label per image, 0 to numClasses - 1.
 * @param probabilities float32 [count, numClasses], from `predict`, in the same order. The caller disposes of it.
 * @returns a bundle for `display`: HTML of at most 0.5 MB, and a description in words. If there are too many mistakes, each
 *   cell has the most certain of them.
 * @throws RangeError if the numbers of images, labels and rows differ, if a label is not a class, or if a value is not a
 *   probability.
 * @example display(confusionExplorer(testImages, trueLabels, predictions));
 */
export function confusionExplorer(images: IdxArray, trueLabels: number[], probabilities: tf.Tensor2D): MimeBundle {
  const [count, rows, columns] = images.shape;
  if (count !== trueLabels.length) {
    throw new RangeError(`${count} images and ${trueLabels.length} labels (expected the same number)`);
  }
  const answers = answersOf(trueLabels, probabilities);
  const predictedLabels = answers.map(({ predicted }) => predicted);
  const matrix = confusionMatrix(trueLabels, predictedLabels, probabilities.shape[1]);
  const report = classReport(matrix);
  const shown = selected(answers, matrix.length, Math.floor(MOST_BYTES / (rows * columns)));
  const pixels = shown.map(({ index }) => images.data.subarray(index * rows * columns, (index + 1) * rows * columns));
  const data = {
    matrix,
    scores: report.map(({ precision, recall, f1 }) => [precision, recall, f1]), // in JSON, NaN is null
    pictures: shown.map(({ index, label, predicted, confidence }) => ({
      ...{ index, label, predicted },
      probability: probabilityText(confidence),
    })),
    size: { rows, columns },
    pixels: Buffer.concat(pixels).toString('base64'),
  };
  const metrics = report.map(
    ({ label, precision, recall, f1 }) => `${label} ${[precision, recall, f1].map(metricText).join(', ')}`,
  );
  const description = `${describeConfusion(matrix)} Precision, recall and F1 of each class: ${metrics.join('; ')}.`;
  const still = svgAddress(stillPicture(images, matrix, report, shown));
  return pageBundle('confusion', data, still, description);
}

/** The answers to show of each cell: the most certain mistakes, and the least certain right answers. */
function selected(answers: Answer[], numClasses: number, room: number): Answer[] {
  const cells = Array.from({ length: numClasses ** 2 }, (): Answer[] => []);
  for (const answer of [...answers].sort((a, b) => b.confidence - a.confidence)) {
    cells[answer.label * numClasses + answer.predicted].push(answer);
  }
  const ordered = cells.map((cell) =>
    cell[0]?.label === cell[0]?.predicted ? cell.reverse().slice(0, ON_DIAGONAL) : cell,
  );
  const within = (limit: number): Answer[] => ordered.flatMap((cell) => cell.slice(0, limit));
  let limit = Math.max(...ordered.map((cell) => cell.length));
  while (limit > 1 && within(limit).length > room) {
    limit--;
  }
  return within(limit);
}

/** The matrix with its metrics, and below it the most certain digits of the largest confusions. */
function stillPicture(images: IdxArray, matrix: number[][], report: ClassScores[], shown: Answer[]): string {
  const [, rows, columns] = images.shape;
  const confusions = largestConfusions(matrix).slice(0, GRID.rows);
  const digitHeight = rows * GRID.pixel;
  const grid = { top: MATRIX.top + matrix.length * CELL.height + 20, rowHeight: GRID.titleHeight + digitHeight + 12 };
  const step = FULL_WIDTH / GRID.columns;
  const gridHeight = confusions.length * grid.rowHeight;
  const placed = confusions.flatMap(({ label, predicted }, row) =>
    shown
      .filter((answer) => answer.label === label && answer.predicted === predicted)
      .slice(0, GRID.columns)
      .map(({ index }, column) => ({
        index,
        left: Math.round((column + 0.5) * step - (columns * GRID.pixel) / 2),
        top: row * grid.rowHeight + GRID.titleHeight,
      })),
  );
  const titles = confusions.map(({ label, predicted, count }, row) =>
    svgText(16, grid.top + row * grid.rowHeight + 20, `${label} taken for ${predicted}, ${times(count)}`),
  );
  const digits =
    placed.length > 0
      ? `<image y="${grid.top}" width="${FULL_WIDTH}" height="${gridHeight}" href="${digitPicture(images, placed, GRID.pixel, FULL_WIDTH, gridHeight)}"/>`
      : '';
  return svgPicture(FULL_WIDTH, grid.top + gridHeight, [...tableElements(matrix, report), digits, ...titles]);
}

/** The matrix as in `confusionFigure`, with precision, recall and F1 beside it. */
function tableElements(matrix: number[][], report: ClassScores[]): string[] {
  const most = Math.max(1, ...largestConfusions(matrix).map(({ count }) => count));
  const x = (column: number): number => MATRIX.left + (column + 0.5) * CELL.width;
  const y = (row: number): number => MATRIX.top + (row + 0.65) * CELL.height;
  const metricX = (column: number): number => MATRIX.left + matrix.length * CELL.width + (column + 0.5) * METRIC_WIDTH;
  const cells = matrix.flatMap((row, label) =>
    row.map((count, predicted) => {
      const fill =
        label === predicted ? `fill="${RIGHT}"` : `fill="${MISTAKE}" fill-opacity="${(count / most).toFixed(2)}"`;
      const [left, top] = [MATRIX.left + predicted * CELL.width, MATRIX.top + label * CELL.height];
      const box = `<rect x="${left}" y="${top}" width="${CELL.width - 1}" height="${CELL.height - 1}" ${fill}/>`;
      return count > 0 ? box + svgText(x(predicted), y(label), String(count), 'middle') : box;
    }),
  );
  return [
    svgText(x((matrix.length - 1) / 2), 22, 'predicted', 'middle'),
    svgText(16, MATRIX.top - 12, 'label'),
    ...matrix.map((_, index) => svgText(x(index), MATRIX.top - 12, String(index), 'middle')),
    ...matrix.map((_, index) => svgText(MATRIX.left - 16, y(index), String(index), 'middle')),
    ...['precision', 'recall', 'F1'].map((name, index) => svgText(metricX(index), MATRIX.top - 12, name, 'middle')),
    ...report.flatMap(({ label, precision, recall, f1 }) =>
      [precision, recall, f1].map((metric, index) => svgText(metricX(index), y(label), metricText(metric), 'middle')),
    ),
    ...cells,
  ];
}

function metricText(metric: number): string {
  return Number.isNaN(metric) ? '–' : metric.toFixed(3);
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
