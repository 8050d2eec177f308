import { join } from 'node:path';
import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
import type { Layout, Plot } from 'nodeplotlib';

/** The worker's answer: the picture, or the reason why there is none. */
export type Rendered = { svg: string } | { error: string };

const LONGEST_WAIT_MS = 30_000;
/**
 * plotly.js is unloaded after a pause that is so many times as long as the first figure took. A busy machine draws slowly, but
 * figures also come less often there, and loading plotly.js again for each would keep the machine busy.
 */
const PAUSE_FACTOR = 5;

// One worker for the whole process. plotly.js takes 0.7 s to load, and 65 MB: in a class, each kernel would hold them.
let worker: Worker | null = null;
let pauseMs = 0;
let pause: NodeJS.Timeout | undefined;

/**
 * Draws a figure as SVG, by plotly.js but without a browser. Blocks until the picture is drawn, so that a figure is
 * complete when its cell ends.
 *
 * @param data plotly.js traces.
 * @param layout plotly.js layout; width and height in pixels.
 * @returns the SVG document as text, always the same for the same figure.
 * @throws Error with plotly's reason if the figure cannot be drawn without a browser (3-D, maps, more than
 *   10,000 marks).
 * @example const svg = renderSvg([{ x: [1, 2], y: [3, 4] }], { width: 400, height: 300 });
 */
export function renderSvg(data: Plot[], layout: Layout): string {
  const { port1: answers, port2: replyTo } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const start = performance.now();
  const isFirst = !worker;
  worker ??= startWorker();
  endAfter(LONGEST_WAIT_MS); // in case Stop terminates this function
  worker.postMessage({ data, layout, signal, replyTo }, [replyTo]);
  Atomics.wait(signal, 0, 0, LONGEST_WAIT_MS);
  if (isFirst) {
    pauseMs = PAUSE_FACTOR * (performance.now() - start);
  }
  endAfter(pauseMs);
  const answer = receiveMessageOnPort(answers)?.message as Rendered | undefined;
  answers.close();
  if (!answer) {
    endWorker();
    throw new Error(`the figure was not drawn within ${LONGEST_WAIT_MS / 1000} s`);
  }
  if ('error' in answer) {
    throw new Error(answer.error);
  }
  return answer.svg;
}

/** Ends the worker after a pause, unless it draws another figure before. */
function endAfter(milliseconds: number): void {
  clearTimeout(pause);
  pause = setTimeout(endWorker, milliseconds).unref();
}

function startWorker(): Worker {
  const started = new Worker(join(__dirname, 'svg-worker.js'));
  started.on('error', endWorker);
  // The worker alone must not keep the process alive.
  started.unref();
  return started;
}

function endWorker(): void {
  clearTimeout(pause);
  void worker?.terminate();
  worker = null;
}
