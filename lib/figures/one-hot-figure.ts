import type { Plot } from 'nodeplotlib';
import { COLORS, type Figure, GRID, axis, card, figure } from './style';

const CELL = 50;
const MARGINS = { l: 20, r: 20, t: 20, b: 65 };

/**
 * A one-hot row as cells: 1 in the cell of the label, 0 in all others, the index of each cell below it.
 *
 * @param label a class, 0 to numClasses - 1.
 * @param numClasses the number of cells.
 * @returns the figure.
 * @throws RangeError if the label is not a class.
 * @example plot(oneHotFigure(5));
 */
export function oneHotFigure(label: number, numClasses = 10): Figure {
  const classes = Array.from({ length: numClasses }, (_, index) => index);
  if (!classes.includes(label)) {
    throw new RangeError(`label ${label} is not a class (expected 0-${numClasses - 1})`);
  }
  const row = classes.map((index) => Number(index === label));
  const cells = {
    type: 'heatmap',
    x: classes,
    y: [0],
    z: [row],
    zmin: 0,
    zmax: 1,
    colorscale: [
      [0, '#FFFFFF'],
      [1, COLORS.blue],
    ],
    showscale: false,
    xgap: 2,
    ygap: 2,
    hoverinfo: 'skip',
  } as unknown as Plot;
  const numbers = {
    type: 'scatter',
    mode: 'text',
    x: classes,
    y: classes.map(() => 0),
    text: row.map((value) => (value === 1 ? '<b>1</b>' : '0')),
    textfont: { size: 22, color: row.map((value) => (value === 1 ? '#FFFFFF' : '#222222')) },
    hoverinfo: 'skip',
    showlegend: false,
  } as unknown as Plot;
  const layout = card(
    numClasses * CELL + MARGINS.l + MARGINS.r,
    CELL + MARGINS.t + MARGINS.b,
    `A row of ${numClasses} cells for the label ${label}: cell ${label} is 1, all others are 0.`,
    {
      xaxis: axis('class', { showgrid: false, zeroline: false, showline: false, ticks: '', tickvals: classes }),
      yaxis: { visible: false },
      plot_bgcolor: GRID, // seen in the gaps between the cells
      margin: MARGINS,
    },
  );
  return figure([cells, numbers], layout);
}
