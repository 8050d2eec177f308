import type { Plot } from 'nodeplotlib';
import { type Color, FRAME, PictureCanvas } from './picture-canvas';
import { COLORS, type Figure, card, figure } from './style';

interface PictureGrid {
  /** How many pictures. */
  count: number;
  /** Pixels per column and per row of a picture. */
  rows: number;
  columns: number;
  /** The colour of a pixel of a picture. */
  colorOf: (picture: number, row: number, column: number) => Color;
  /** Pictures per row, 4 by default. */
  perRow?: number;
  /** One line above each picture; optional. */
  titles?: string[];
  /** The whole in words. */
  description: string;
  /** What the colours mean, at the ends and in the middle of a strip of `signedColor`, from top to bottom; optional. */
  legend?: [string, string, string];
}

const GAP = 24;
const TITLE_HEIGHT = 30;
const TITLE_SIZES = [14, 20]; // smallest and largest font size
const STRIP = { width: 20, height: 140, words: 110 };
const WHITE = 255;

const [NEGATIVE, POSITIVE] = [COLORS.blue, COLORS.vermillion].map((hex) =>
  [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16)),
);

/** A colour for a number between -1 and 1: blue below 0, white at 0, vermillion above. */
export function signedColor(value: number): Color {
  const end = value < 0 ? NEGATIVE : POSITIVE;
  const share = Math.min(1, Math.abs(value));
  return end.map((channel) => Math.round(WHITE + (channel - WHITE) * share)) as unknown as Color;
}

/** The largest distance from 0, the end of a scale of both signs; 1 if all values are 0, so that one may divide by it. */
export function scaleOf(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
}

/**
 * Small pictures in rows, each pixel a sharp square.
 *
 * @returns the figure; a single picture is drawn larger.
 */
export function pictureGrid(grid: PictureGrid): Figure {
  const { count, rows, columns, colorOf, perRow = 4, titles, description, legend } = grid;
  const pixel = count === 1 ? 10 : 5; // screen pixels per side
  const [cellWidth, cellHeight] = [columns * pixel, rows * pixel];
  const gridColumns = Math.min(count, perRow);
  const gridRows = Math.ceil(count / gridColumns);
  const titleHeight = titles ? TITLE_HEIGHT : 0;
  const gridWidth = gridColumns * (cellWidth + GAP);
  const gridHeight = gridRows * (titleHeight + cellHeight + GAP);
  const width = gridWidth + (legend ? STRIP.width + STRIP.words : 0);
  const height = Math.max(gridHeight, legend ? STRIP.height + 2 * GAP : 0);
  const canvas = new PictureCanvas(width, height);
  const cells = Array.from({ length: count }, (_, picture) => ({
    left: (picture % gridColumns) * (cellWidth + GAP) + GAP / 2,
    top: Math.floor(picture / gridColumns) * (titleHeight + cellHeight + GAP) + titleHeight + GAP / 2,
  }));
  cells.forEach(({ left, top }, picture) => {
    canvas.draw(left, top, { rows, columns, pixel, colorOf: (row, column) => colorOf(picture, row, column) });
  });

  const longest = Math.max(...(titles ?? ['']).map((title) => title.replace(/\p{Script=Hangul}/gu, '$&$&').length));
  const [smallest, largest] = TITLE_SIZES;
  const size = Math.max(smallest, Math.min(largest, (2 * (cellWidth + GAP)) / longest)); // a character is half as wide, a Korean one as wide
  const traces = [
    textTrace(
      titles ?? [],
      titles ? cells.map(({ left }) => left + cellWidth / 2) : [],
      titles ? cells.map(({ top }) => top - TITLE_HEIGHT / 2) : [],
      'middle center',
      { size },
    ),
  ];
  if (legend) {
    const top = titleHeight + GAP / 2;
    canvas.fill(gridWidth - 1, top - 1, STRIP.width + 2, STRIP.height + 2, FRAME);
    for (let y = 0; y < STRIP.height; y++) {
      canvas.fill(gridWidth, top + y, STRIP.width, 1, signedColor(1 - (2 * y) / (STRIP.height - 1)));
    }
    const heights = [top + 8, top + STRIP.height / 2, top + STRIP.height - 8];
    const words = textTrace(legend, Array<number>(3).fill(gridWidth + STRIP.width + 4), heights, 'middle right', {
      size: 14,
    });
    traces.push(words);
  }

  const layout = card(width, height, description, {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    ...(legend && { showlegend: false }),
    // The axes count screen pixels from the upper left corner. Where a figure is stretched (to the width of JupyterLab's
    // page), digits keep their proportions.
    xaxis: { visible: false, fixedrange: true, constrain: 'domain', range: [0, width] },
    yaxis: { visible: false, fixedrange: true, constrain: 'domain', range: [height, 0], scaleanchor: 'x' },
    // One picture for all: a heat map for each would take plotly 0.1 s and 3 KB.
    images: [
      {
        source: canvas.toDataUrl(),
        ...{ x: 0, y: 0, xref: 'x', yref: 'y', sizex: width, sizey: height, sizing: 'stretch', layer: 'below' },
      },
    ],
  });
  return figure(traces, layout);
}

function textTrace(text: string[], x: number[], y: number[], textposition: string, textfont: object): Plot {
  const trace = {
    type: 'scatter',
    mode: 'text',
    text,
    x,
    y,
    textposition,
    textfont,
    cliponaxis: false,
    hoverinfo: 'skip',
  };
  return trace as unknown as Plot;
}
