import type { Plot } from 'nodeplotlib';
import { checkSquare } from '../evaluation';
import { type Figure, GRID, axis, card, figure } from './style';

const CELL = { width: 58, height: 40 };
/** The colours of right predictions and of the most frequent mistake. */
export const RIGHT = '#CFE3F2';
export const MISTAKE = '#F0935A';
const MARGINS = { l: 70, r: 20, t: 70, b: 20 };

/**
 * A confusion matrix as a table: correct predictions on the diagonal in blue, mistakes beside it, the more the darker.
 *
 * @param matrix counts as `confusionMatrix` returns them: row is the true label, column the predicted one.
 * @returns the figure.
 * @throws RangeError if the matrix is empty or not square.
 * @example plot(confusionFigure(confusionMatrix(trueLabels, predictedLabels, 10)));
 */
export function confusionFigure(matrix: number[][]): Figure {
  checkSquare(matrix);
  const numClasses = matrix.length;
  const classes = matrix.map((_, index) => String(index));
  const cells = matrix.flatMap((row, label) => row.map((count, predicted) => ({ label, predicted, count })));
  const most = largestConfusions(matrix)[0]?.count ?? 1;
  // Correct predictions all have one colour: on a common scale, all mistakes would look alike.
  const table = (colorscale: [number, string][], isShown: (label: number, predicted: number) => boolean, max: number) =>
    ({
      type: 'heatmap',
      x: classes,
      y: classes,
      z: matrix.map((row, label) => row.map((count, predicted) => (isShown(label, predicted) ? count : null))),
      zmin: 0,
      zmax: max,
      colorscale,
      showscale: false,
      xgap: 1,
      ygap: 1,
      hovertemplate: 'label %{y}, predicted %{x}: %{z}<extra></extra>',
      hoverongaps: false,
    }) as unknown as Plot;
  const diagonal = table(
    [0, 1].map((end) => [end, RIGHT]),
    (label, predicted) => label === predicted,
    1,
  );
  const others = table(
    [
      [0, '#FFFFFF'],
      [1, MISTAKE],
    ],
    (label, predicted) => label !== predicted,
    most,
  );
  const shown = cells.filter(({ count }) => count > 0);
  const counts = {
    type: 'scatter',
    mode: 'text',
    x: shown.map(({ predicted }) => String(predicted)),
    y: shown.map(({ label }) => String(label)),
    text: shown.map(({ label, predicted, count }) => (label === predicted ? `<b>${count}</b>` : String(count))),
    hoverinfo: 'skip',
    showlegend: false,
  } as unknown as Plot;
  const sides = { ...{ showgrid: false, showline: false, ticks: '' }, ticklabelstandoff: 4, type: 'category' };
  const layout = card(
    numClasses * CELL.width + MARGINS.l + MARGINS.r,
    numClasses * CELL.height + MARGINS.t + MARGINS.b,
    describeConfusion(matrix),
    {
      xaxis: axis('predicted', { ...sides, side: 'top' }),
      yaxis: axis('label', { ...sides, autorange: 'reversed' }), // row 0 is the top one
      plot_bgcolor: GRID, // seen in the gaps between the cells
      margin: MARGINS,
    },
  );
  return figure([diagonal, others, counts], layout);
}

/** The counts off the diagonal that are not 0, the largest first. */
export function largestConfusions(matrix: number[][]): { label: number; predicted: number; count: number }[] {
  return matrix
    .flatMap((row, label) => row.map((count, predicted) => ({ label, predicted, count })))
    .filter(({ label, predicted, count }) => label !== predicted && count > 0)
    .sort((a, b) => b.count - a.count);
}

/** Describes a confusion matrix in words. */
export function describeConfusion(matrix: number[][]): string {
  const worst = largestConfusions(matrix)
    .slice(0, 3)
    .map(({ label, predicted, count }) => `${label} taken for ${predicted} ${count} times`);
  const right = matrix.reduce((sum, row, index) => sum + row[index], 0);
  const all = matrix.flat().reduce((sum, count) => sum + count, 0);
  return (
    `A table of ${matrix.length} by ${matrix.length} counts, row the label, column the prediction: ` +
    `${right} of ${all} predictions are right${worst.length > 0 ? `; the most frequent mistakes: ${worst.join(', ')}` : ''}.`
  );
}
