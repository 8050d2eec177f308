import type { Config, Layout, Plot } from 'nodeplotlib';
import { type Observable, isObservable } from 'rxjs';
import { altText } from './alt-text';
import { type MimeBundle, isInKernel, newDisplay } from './display';
import { renderSvg, warmUpSvg } from './svg';

export type { Config, Layout, Plot } from 'nodeplotlib';

const DEFAULT_SIZE = { width: 700, height: 450 };

// In a kernel figures will come: plotly.js loads while the cells before them work.
if (isInKernel()) {
  warmUpSvg();
}

/**
 * Shows a figure: nodeplotlib's `plot`, with the same arguments, but inline.
 *
 * In a notebook the figure stands below its cell, as one output in three forms: interactive where plotly is known
 * (JupyterLab), as an SVG picture elsewhere (a saved page, GitHub), and as a sentence. Outside a notebook nodeplotlib
 * opens it in a browser.
 *
 * @param data plotly.js traces; an Observable of them redraws the same output with each value it emits.
 * @param layout plotly.js layout. Its `meta.description`, a string, is the sentence; without it one is made.
 * @param config plotly.js configuration.
 * @throws what an Observable's error is, shown by the kernel.
 * @example plot([{ x: [1, 2, 3], y: [2, 4, 8], type: 'scatter' }], { title: 'Doubling' });
 */
export function plot(data: Plot[] | Observable<Plot[]>, layout: Layout = {}, config: Config = {}): void {
  if (!isInKernel()) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only here: it brings a whole web server
    const nodeplotlib = require('nodeplotlib') as typeof import('nodeplotlib');
    nodeplotlib.plot(data, layout, config);
    return;
  }
  const display = newDisplay();
  const show = (traces: Plot[]): void => display.update(figureBundle(traces, layout, config));
  if (isObservable(data)) {
    data.subscribe(show);
  } else {
    show(data);
  }
}

/** A figure in the three forms in which a notebook shows it. */
export function figureBundle(data: Plot[], layout: Layout, config: Config = {}): MimeBundle {
  const figure = plainJson({ data, layout: { ...DEFAULT_SIZE, ...layout }, config: { displaylogo: false, ...config } });
  const bundle: MimeBundle = {
    'application/vnd.plotly.v1+json': figure,
    'text/plain': altText(figure.data, figure.layout),
  };
  try {
    bundle['image/svg+xml'] = renderSvg(figure.data, figure.layout);
  } catch {
    // A kind of figure that needs a real browser: JupyterLab still draws it, other viewers show the sentence.
  }
  return bundle;
}

/**
 * The figure as JSON can carry it: typed arrays become lists. A title that is a mere text becomes `{ text }`, which
 * nodeplotlib's types know as well and today's plotly.js alone understands.
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
