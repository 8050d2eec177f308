import type { Config, Layout, Plot } from 'nodeplotlib';
import type { Observable } from 'rxjs';
import { altText } from './alt-text';
import { type MimeBundle, isInKernel, newDisplay } from './display';
import { renderSvg } from './svg';

export type { Config, Layout, Plot } from 'nodeplotlib';

/** A figure: `plot(figure)` shows it, and so does a cell whose last expression it is. */
export interface Figure {
  data: Plot[];
  layout: Layout;
}

const DEFAULT_SIZE = { width: 700, height: 450 };

/**
 * Shows a figure inline.
 *
 * In a notebook, the figure appears below its cell, as one output in three forms: interactive in viewers that support
 * plotly (JupyterLab), an SVG picture in others (a saved page, GitHub), and a description in words. Outside a notebook,
 * nodeplotlib opens it in a browser.
 *
 * @param figure what this library's figures return: plotly.js traces and layout.
 * @param config plotly.js configuration. plotly's toolbar is not shown, unless this sets `displayModeBar`.
 * @example plot(softmaxBars([1, 2, 3]));
 */
export function plot(figure: Figure, config?: Config): void;
/**
 * Shows a figure inline: nodeplotlib's `plot`, with the same arguments.
 *
 * @param data plotly.js traces; an Observable of them redraws the same output with each value it emits.
 * @param layout plotly.js layout. Its string `meta.description` is the description; without it, one is made.
 * @param config plotly.js configuration. plotly's toolbar is not shown, unless this sets `displayModeBar`.
 * @throws the error of an Observable, which the kernel shows.
 * @example plot([{ x: [1, 2, 3], y: [2, 4, 8], type: 'scatter' }], { title: 'Doubling' });
 */
export function plot(data: Plot[] | Observable<Plot[]>, layout?: Layout, config?: Config): void;
export function plot(first: Figure | Plot[] | Observable<Plot[]>, second?: Layout | Config, third?: Config): void {
  if ('data' in first) {
    show(first.data, first.layout, second as Config);
  } else {
    show(first, second as Layout, third);
  }
}

function show(data: Plot[] | Observable<Plot[]>, layout: Layout = {}, config: Config = {}): void {
  if (!isInKernel()) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only when needed: it contains a web server
    const nodeplotlib = require('nodeplotlib') as typeof import('nodeplotlib');
    nodeplotlib.plot(data, layout, config);
    return;
  }
  const display = newDisplay();
  const update = (traces: Plot[]): void => display.update(figureBundle(traces, layout, config));
  if (Array.isArray(data)) {
    update(data);
  } else {
    data.subscribe(update);
  }
}

/** A figure in the three forms in which a notebook shows it. */
export function figureBundle(data: Plot[], layout: Layout, config: Config = {}): MimeBundle {
  const figure = plainJson({
    data,
    layout: { ...DEFAULT_SIZE, ...layout },
    // No toolbar, which would cover the figure; in one that a cell asks for, no upload to another host.
    config: { displayModeBar: false, displaylogo: false, showSendToCloud: false, ...config },
  });
  const bundle: MimeBundle = {
    'application/vnd.plotly.v1+json': figure,
    'text/plain': altText(figure.data, figure.layout),
  };
  try {
    bundle['image/svg+xml'] = renderSvg(figure.data, figure.layout);
  } catch {
    // Some kinds of figures need a real browser: JupyterLab still draws them, other viewers show the description.
  }
  return bundle;
}

/**
 * Converts a figure to plain JSON: typed arrays become lists, and a title that is a string becomes `{ text }`, the only
 * form that current plotly.js understands. nodeplotlib's types allow both.
 */
function plainJson<T>(figure: T): T {
  return JSON.parse(
    JSON.stringify(figure, (key, value: unknown) => {
      if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
        return Array.from(value as Float32Array);
      }
      return key === 'title' && typeof value === 'string' ? { text: value } : value;
    }),
  ) as T;
}
