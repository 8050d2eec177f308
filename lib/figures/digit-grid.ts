import type { Plot } from 'nodeplotlib';
import type { IdxArray } from '../data/idx';
import { checkIndices, digitPicture } from './digit-picture';
import { type Figure, card, figure } from './style';

const COLUMNS = 4;
const GAP = 24;
const TITLE_HEIGHT = 30;
const TITLE_SIZES = [14, 20]; // smallest and largest font size

/**
 * Pictures of digits in rows of four: dark ink on white paper, each pixel a sharp square.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255 (0: paper, 255: ink).
 * @param indices the images to show, in this order.
 * @param titles one line above each picture; optional. The shorter the titles are, the larger they are written.
 * @returns the figure; a single picture is drawn larger.
 * @throws RangeError if no index is given, if an index is not one of `images`, or if there is not one title per index.
 * @example plot(digitGrid(trainImages, [0, 1, 2, 3]));
 */
export function digitGrid(images: IdxArray, indices: number[], titles?: string[]): Figure {
  const [count, rows, columns] = images.shape;
  checkIndices(count, indices);
  if (titles && titles.length !== indices.length) {
    throw new RangeError(`${titles.length} titles for ${indices.length} images (expected one each)`);
  }
  const pixel = indices.length === 1 ? 10 : 5; // screen pixels per side
  const [cellWidth, cellHeight] = [columns * pixel, rows * pixel];
  const gridColumns = Math.min(COLUMNS, indices.length);
  const gridRows = Math.ceil(indices.length / COLUMNS);
  const titleHeight = titles ? TITLE_HEIGHT : 0;
  const width = gridColumns * (cellWidth + GAP);
  const height = gridRows * (titleHeight + cellHeight + GAP);
  const cells = indices.map((index, position) => ({
    index,
    left: (position % COLUMNS) * (cellWidth + GAP) + GAP / 2,
    top: Math.floor(position / COLUMNS) * (titleHeight + cellHeight + GAP) + titleHeight + GAP / 2,
  }));

  const longest = Math.max(...(titles ?? ['']).map((title) => title.replace(/\p{Script=Hangul}/gu, '$&$&').length));
  const [smallest, largest] = TITLE_SIZES;
  const size = Math.max(smallest, Math.min(largest, (2 * (cellWidth + GAP)) / longest)); // a character is half as wide, a Korean one as wide
  const text = {
    type: 'scatter',
    mode: 'text',
    text: titles ?? [],
    x: titles ? cells.map(({ left }) => left + cellWidth / 2) : [],
    y: titles ? cells.map(({ top }) => top - TITLE_HEIGHT / 2) : [],
    textposition: 'middle center',
    textfont: { size },
    cliponaxis: false,
    hoverinfo: 'skip',
  } as unknown as Plot;

  const description =
    `${indices.length === 1 ? 'A handwritten digit' : `${indices.length} handwritten digits in rows of ${gridColumns}`}` +
    `, ${rows} by ${columns} pixels${indices.length === 1 ? '' : ' each'}: ` +
    `${indices.map((index, position) => (titles ? `${index} (${titles[position]})` : index)).join(', ')}.`;
  const layout = card(width, height, description, {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    // The axes count screen pixels from the upper left corner. Where a figure is stretched (to the width of JupyterLab's
    // page), digits keep their proportions.
    xaxis: { visible: false, fixedrange: true, constrain: 'domain', range: [0, width] },
    yaxis: { visible: false, fixedrange: true, constrain: 'domain', range: [height, 0], scaleanchor: 'x' },
    // One picture for all digits: a heat map for each would take plotly 0.1 s and 3 KB.
    images: [
      {
        source: digitPicture(images, cells, pixel, width, height),
        ...{ x: 0, y: 0, xref: 'x', yref: 'y', sizex: width, sizey: height, sizing: 'stretch', layer: 'below' },
      },
    ],
  });
  return figure([text], layout);
}
