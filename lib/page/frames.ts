import { BARS_STYLE, bars, indexOfLargest, percent } from './bars';
import { addStyle } from './part';
import { bytesOf, drawInk } from './pictures';

/** What the part "frames" is given: a digit that becomes another, step by step. */
export interface FramesData {
  /** The size of a picture in pixels. */
  rows: number;
  columns: number;
  /** All pictures, one after the other: ink 0-255, in base64. */
  ink: string;
  /** For each picture, the probabilities of all classes. */
  probabilities: number[][];
  /** The class that the digit becomes. */
  target: number;
}

const STYLE = `
  .frames { display: flex; flex-wrap: wrap; gap: 16px 32px; align-items: center; margin: 0; padding: 16px; }
  canvas { width: 224px; image-rendering: pixelated; border: 1px solid var(--line); }
  .step { flex-basis: 100%; }
  input { display: block; width: min(100%, 40em); margin: 4px 0 0; height: 24px; accent-color: var(--blue); }
  input:focus-visible { outline: 2px solid var(--blue); outline-offset: 4px; }
`;

/** Pictures to step through by a slider, each with the probabilities that the network gives it. */
export function stepThrough(shadow: ShadowRoot, data: FramesData): void {
  const { rows, columns, probabilities, target } = data;
  const ink = bytesOf(data.ink);
  const size = rows * columns;
  const last = probabilities.length - 1;
  addStyle(shadow, BARS_STYLE + STYLE);
  const figure = document.createElement('figure');
  figure.className = 'frames';
  figure.setAttribute('role', 'group');
  figure.setAttribute('aria-label', `A ${indexOfLargest(probabilities[0])} becomes a ${target}`);
  figure.innerHTML = `
    <canvas role="img" width="${columns}" height="${rows}"></canvas>
    <label class="step"><span></span><input type="range" min="0" max="${last}" value="0"></label>`;
  const canvas = figure.querySelector('canvas')!;
  const chart = bars(probabilities[0].length);
  canvas.after(chart.element);
  const slider = figure.querySelector('input')!;
  const show = () => {
    const step = Number(slider.value);
    const answer = indexOfLargest(probabilities[step]);
    const words = `Step ${step} of ${last}: the network sees a ${answer}, ${percent(probabilities[step][answer])}`;
    drawInk(canvas, ink.subarray(step * size, (step + 1) * size));
    canvas.setAttribute('aria-label', `The digit after step ${step}`);
    chart.update(probabilities[step]);
    figure.querySelector('.step span')!.textContent = words;
    slider.setAttribute('aria-label', 'Step');
    slider.setAttribute('aria-valuetext', words);
  };
  slider.addEventListener('input', show);
  show();
  shadow.append(figure);
}
