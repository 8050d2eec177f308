import type { Layout, Plot } from 'nodeplotlib';
import { displayedAs } from '../display/display';
import { type Figure, figureBundle } from '../display/plot';

export type { Figure } from '../display/plot';

/** Makes a figure of plotly.js traces and a layout. */
export function figure(data: Plot[], layout: Layout): Figure {
  return displayedAs({ data, layout }, () => figureBundle(data, layout));
}

// Colours of Okabe and Ito's palette, which colour-blind readers can tell apart (M. Okabe, K. Ito: Color Universal
// Design, 2008). Dashes and markers distinguish the curves as well.
export const COLORS = { blue: '#0072B2', vermillion: '#D55E00', green: '#009E73', purple: '#CC79A7', black: '#000000' };

export const INK = '#222222';
/** What recedes: lines of secondary importance. */
export const GREY = '#8A8A8A';
/** Fills behind dark text. */
export const PALE_BLUE = '#DCE9F5';
export const GRID = '#DDDDDD';

/** The font size of all text in figures, in pixels: read from the last row of a class. */
export const TEXT_SIZE = 16;
export const FONT = 'Arial, Helvetica, sans-serif';

/** As wide as a cell of JupyterLab on a screen of 1280 pixels, with the file browser open, leaves room for. */
export const FULL_WIDTH = 720;

/** An axis with an unobtrusive grid. */
export function axis(title: string, more: object = {}): object {
  return {
    title: { text: title, standoff: 8 },
    gridcolor: GRID,
    zerolinecolor: '#999999',
    linecolor: INK,
    showline: true,
    ticks: 'outside',
    ...more,
  };
}

/**
 * The layout that all figures share: dark ink on a white card, readable in light and dark themes, with a description in
 * words.
 */
export function card(width: number, height: number, description: string, more: object): Layout {
  return {
    width,
    height,
    paper_bgcolor: '#FFFFFF',
    plot_bgcolor: '#FFFFFF',
    font: { family: FONT, size: TEXT_SIZE, color: INK },
    margin: { l: 70, r: 20, t: 40, b: 60 },
    meta: { description },
    ...more,
  } as Layout;
}

/** A heading above one of several panels side by side; x is the middle of the panel, 0-1. */
export function panelTitle(text: string, x: number): object {
  return {
    text: `<b>${text}</b>`,
    x,
    y: 1.02,
    xanchor: 'center',
    xref: 'paper',
    yref: 'paper',
    yanchor: 'bottom',
    showarrow: false,
  };
}

/** Escapes text for SVG and HTML. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
