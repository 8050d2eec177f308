/*
 * The worker thread behind svg.ts: plotly.js in jsdom. jsdom has no layout engine and no canvas, so this file supplies
 * what plotly needs from them: the size of texts, the length of lines, and small pixel images (heat maps).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { JSDOM, VirtualConsole } from 'jsdom';
import type { Layout, Plot } from 'nodeplotlib';
import { pathLength, pointAtLength } from './path-length';
import { PixelCanvas } from './pixel-canvas';
import type { Rendered } from './svg';
import { textExtent } from './text-metrics';

interface Task {
  data: Plot[];
  layout: Layout;
  signal: Int32Array;
  replyTo: MessagePort;
}

/** The element of a figure, with the traces as plotly completed them. */
type FigureElement = Element & { _fullData: { type: string }[] };

interface Plotly {
  newPlot(element: Element, data: Plot[], layout: Layout, config: object): Promise<FigureElement>;
  purge(element: Element): void;
  Snapshot: { toSVG(element: Element, format: 'svg'): string };
}

// Each mark is an SVG element of its own: so many take 3 s and 2 MB.
const MOST_MARKS = 10_000;

const { window } = new JSDOM('<!doctype html><body></body>', {
  runScripts: 'outside-only',
  // Nothing listens to this console: jsdom's own one writes plotly's warnings with stack traces.
  virtualConsole: new VirtualConsole(),
});
const document = window.document;

Object.assign(window, {
  TextDecoder,
  // Lets plotly draw a heat map with one pixel per cell, which the viewer enlarges without smoothing.
  CSS: { supports: () => true },
});
window.URL.createObjectURL = () => '';
Object.assign(window.HTMLCanvasElement.prototype, {
  getContext(this: HTMLCanvasElement & { pixels?: PixelCanvas }) {
    return (this.pixels ??= new PixelCanvas(this.width, this.height));
  },
  toDataURL(this: HTMLCanvasElement & { pixels?: PixelCanvas }) {
    return (this.pixels ?? new PixelCanvas(this.width, this.height)).toDataURL();
  },
});
Object.assign(window.SVGElement.prototype, {
  getBBox: boundingBox,
  getBoundingClientRect: boundingBox,
  getComputedTextLength(this: Element) {
    return textExtent(this).width;
  },
  getTotalLength(this: Element) {
    return pathLength(this.getAttribute('d') ?? '');
  },
  getPointAtLength(this: Element, distance: number) {
    return pointAtLength(this.getAttribute('d') ?? '', distance);
  },
});

function boundingBox(this: Element): DOMRect {
  return textExtent(this) as DOMRect;
}

window.eval(readFileSync(require.resolve('plotly.js-cartesian-dist-min'), 'utf8'));
const plotly = (window as unknown as { Plotly: Plotly }).Plotly;

parentPort!.on('message', (task: Task) => {
  void render(task);
});

async function render({ data, layout, signal, replyTo }: Task): Promise<void> {
  let rendered: Rendered;
  try {
    rendered = { svg: await draw(data, layout) };
  } catch (error) {
    rendered = { error: error instanceof Error ? error.message : String(error) };
  }
  replyTo.postMessage(rendered);
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
}

async function draw(data: Plot[], layout: Layout): Promise<string> {
  check(data, layout);
  seedIds(JSON.stringify([data, layout]));
  const element = document.createElement('div');
  document.body.append(element);
  try {
    const { _fullData } = await plotly.newPlot(element, data, layout, { staticPlot: true, logging: 0 });
    // For a type that it does not have, plotly draws an empty scatter plot.
    const unsupported = data.find(({ type = 'scatter' }, index) => _fullData[index].type !== type);
    if (unsupported) {
      throw new Error(`a trace of type '${unsupported.type}' cannot be drawn without a browser`);
    }
    const svg = plotly.Snapshot.toSVG(element, 'svg');
    return (
      svg
        // plotly writes this placeholder for the quotes around a font's name, and fails to replace it outside browsers.
        .replaceAll('TOBESTRIPPED', "'")
        // The picture shrinks where its place is narrower.
        .replace(/ width="([\d.]+)" height="([\d.]+)" style=""/, '$& viewBox="0 0 $1 $2"')
        .replace('style=""', 'style="max-width: 100%; height: auto;"')
    );
  } finally {
    plotly.purge(element);
    element.remove();
  }
}

/** Refuses what plotly.js would never finish without a browser, or only after minutes. */
function check(data: Plot[], layout: Layout): void {
  // plotly would wait for an image to load.
  const isLoaded = (source?: string): boolean => source !== undefined && !source.startsWith('data:');
  if (
    data.some((trace) => trace.type === 'image' && 'source' in trace) ||
    layout.images?.some((i) => isLoaded(i.source))
  ) {
    throw new Error('an image from elsewhere cannot be drawn without a browser');
  }
  // Lines, histograms and heat maps are one element, however many values they have.
  const hasMarks = ({ type = 'scatter', mode = 'lines' }: Plot): boolean =>
    type === 'bar' || (type.startsWith('scatter') && /markers|text/.test(mode));
  const marks = data.filter(hasMarks).reduce((sum, { x, y }) => sum + ((y ?? x)?.length ?? 0), 0);
  if (marks > MOST_MARKS) {
    throw new Error(`${marks} marks cannot be drawn without a browser (at most ${MOST_MARKS})`);
  }
}

/**
 * plotly takes the ids inside a picture (clip paths) from Math.random. Here they are derived from the figure's content:
 * they stay the same from run to run, and still differ between two figures on one page.
 */
function seedIds(figure: string): void {
  const bytes = createHash('sha256').update(figure).digest();
  let calls = 0;
  (window.eval('Math') as Math).random = () => {
    const offset = (calls++ * 4) % bytes.length;
    return ((bytes.readUInt32BE(offset) + Math.imul(calls, 0x9e3779b1)) >>> 0) / 2 ** 32;
  };
}
