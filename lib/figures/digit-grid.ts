import type { Plot } from 'nodeplotlib';
import type { IdxArray } from '../data/idx';
import { type Figure, card, figure } from './style';

const COLUMNS = 4;
const GAP = 24;
const TITLE_HEIGHT = 24;
const MARGIN = 12;

/**
 * Pictures of digits in rows of four: dark ink on white paper, each pixel a sharp square.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255 (0: paper, 255: ink).
 * @param indices the images to show, in this order.
 * @param titles one line above each picture; optional.
 * @returns the figure; a single picture is drawn larger.
 * @throws RangeError if no index is given, if an index is not one of `images`, or if there is not one title per index.
 * @example const { data, layout } = digitGrid(trainImages, [0, 1, 2, 3]);
 */
export function digitGrid(images: IdxArray, indices: number[], titles?: string[]): Figure {
  const [count, rows, columns] = images.shape;
  check(count, indices, titles);
  const pixel = indices.length === 1 ? 10 : 4; // screen pixels per side; a whole number makes all squares the same size
  const [cellWidth, cellHeight] = [columns * pixel, rows * pixel];
  const gridColumns = Math.min(COLUMNS, indices.length);
  const gridRows = Math.ceil(indices.length / COLUMNS);
  const titleHeight = titles ? TITLE_HEIGHT : 0;
  const width = gridColumns * (cellWidth + GAP) - GAP;
  const height = gridRows * (titleHeight + cellHeight + GAP) - GAP;

  const data: Plot[] = [];
  const annotations: object[] = [];
  const axes: Record<string, object> = {};
  indices.forEach((index, position) => {
    const number = position === 0 ? '' : String(position + 1);
    const left = (position % COLUMNS) * (cellWidth + GAP);
    const top = Math.floor(position / COLUMNS) * (titleHeight + cellHeight + GAP) + titleHeight;
    data.push({
      type: 'heatmap',
      z: pixelRows(images, index),
      xaxis: `x${number}`,
      yaxis: `y${number}`,
      colorscale: [
        [0, '#FFFFFF'],
        [1, '#000000'],
      ],
      zmin: 0,
      zmax: 255,
      zsmooth: false,
      showscale: false,
      hovertemplate: 'row %{y}, column %{x}: %{z}<extra></extra>',
    } as unknown as Plot);
    const frame = { showgrid: false, zeroline: false, showticklabels: false, ticks: '', showline: true, mirror: true };
    const line = { linecolor: '#999999', fixedrange: true };
    // Figures of a saved notebook are stretched to the width of JupyterLab's page; digits keep their proportions.
    const square = { scaleanchor: `x${number}`, constrain: 'domain' };
    axes[`xaxis${number}`] = {
      ...frame,
      ...line,
      constrain: 'domain',
      domain: [left / width, (left + cellWidth) / width],
      range: [-0.5, columns - 0.5],
      anchor: `y${number}`,
    };
    axes[`yaxis${number}`] = {
      ...frame,
      ...line,
      ...square,
      domain: [1 - (top + cellHeight) / height, 1 - top / height],
      range: [rows - 0.5, -0.5], // row 0 is the top one
      anchor: `x${number}`,
    };
    if (titles) {
      annotations.push({
        text: titles[position],
        x: (left + cellWidth / 2) / width,
        y: 1 - (top - 3) / height,
        xref: 'paper',
        yref: 'paper',
        xanchor: 'center',
        yanchor: 'bottom',
        showarrow: false,
        font: { size: 12 },
      });
    }
  });
  const description =
    `${indices.length === 1 ? 'A handwritten digit' : `${indices.length} handwritten digits in rows of ${gridColumns}`}` +
    `, ${rows} by ${columns} pixels${indices.length === 1 ? '' : ' each'}: ` +
    `${indices.map((index, position) => (titles ? `${index} (${titles[position]})` : index)).join(', ')}.`;
  const layout = card(width + 2 * MARGIN, height + 2 * MARGIN, description, {
    margin: { l: MARGIN, r: MARGIN, t: MARGIN, b: MARGIN },
    annotations,
    ...axes,
  });
  return figure(data, layout);
}

function check(count: number, indices: number[], titles?: string[]): void {
  if (indices.length === 0) {
    throw new RangeError('no image was selected (expected at least one index)');
  }
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new RangeError(`there is no image ${index} (expected 0-${count - 1})`);
    }
  }
  if (titles && titles.length !== indices.length) {
    throw new RangeError(`${titles.length} titles for ${indices.length} images (expected one each)`);
  }
}

function pixelRows({ data, shape: [, rows, columns] }: IdxArray, index: number): number[][] {
  return Array.from({ length: rows }, (_, row) => {
    const start = (index * rows + row) * columns;
    return Array.from(data.subarray(start, start + columns));
  });
}
