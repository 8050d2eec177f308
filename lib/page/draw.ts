import { BARS_STYLE, bars, percent } from './bars';
import { type Picture, type Point, SIDE, digitOf, inkOf, linesInPad } from './digit';
import { type PackedLayer, forward, unpackLayer } from './network';
import { addStyle } from './part';
import { drawInk } from './pictures';

/** What the part "draw" is given: a network from 28 × 28 pixels to a probability per class. */
export interface DrawData {
  layers: PackedLayer[];
}

/** What the host of the pad offers to the page's scripts, as its property `digitPad`. */
export interface DigitPadControl {
  /** Lays a picture of ink onto the pad, as if it had been drawn there. It takes the place of all strokes. */
  show(picture: Picture): void;
  /** The probability of each class for a picture of 28 × 28 pixels, 0 to 255. */
  probabilities(pixels: ArrayLike<number>): number[];
}

const STYLE = `
  ${BARS_STYLE}
  .pad-and-answer { display: flex; flex-wrap: wrap; gap: 16px 24px; align-items: flex-start; padding: 8px; }
  .pad {
    display: block; width: 280px; max-width: 100%; aspect-ratio: 1; box-sizing: border-box;
    border: 2px solid var(--grey); border-radius: 4px; overflow: hidden;
    touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair;
  }
  .pad path { fill: none; stroke: var(--ink); stroke-linecap: round; stroke-linejoin: round; stroke-width: var(--pen); }
  .pad text { fill: var(--grey); font-size: 18px; text-anchor: middle; }
  .pad.drawn text { display: none; }
  .tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 8px; max-width: 280px; }
  .tools label { display: flex; gap: 6px; align-items: center; }
  .tools input { width: 84px; accent-color: var(--blue); }
  button { font: inherit; padding: 2px 12px; }
  :focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
  figure { margin: 0; width: 140px; }
  figure canvas { display: block; width: 140px; image-rendering: pixelated; border: 1px solid var(--grey); }
  figcaption { font-size: 14px; color: var(--grey); }
  .answer { min-width: 0; }
  .guess { margin: 0 0 8px; min-height: 3em; max-width: 20em; }
  .guess b { font-size: 2em; line-height: 1; color: var(--blue); }
  .unsure .bar > div { visibility: hidden; }
  .unsure .value { visibility: hidden; }
  .bars { grid-template-columns: auto minmax(4em, 12em) 4em; }
  .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

const HTML = `
  <div class="pad-and-answer" role="group" aria-label="Draw a digit">
    <div>
      <svg class="pad" viewBox="0 0 280 280" tabindex="0" role="img" aria-label="Pad to draw a digit on"
        aria-keyshortcuts="Control+Z Delete">
        <image width="280" height="280" preserveAspectRatio="none"></image>
        <text x="140" y="146" aria-hidden="true">Draw a digit here</text>
        <g></g>
      </svg>
      <div class="tools">
        <button type="button" title="Ctrl+Z">Undo</button>
        <button type="button" title="Delete">Clear</button>
        <label>Pen <input type="range" min="4" max="28" value="16"></label>
      </div>
    </div>
    <figure>
      <canvas width="${SIDE}" height="${SIDE}" role="img" aria-label="The drawing as the network sees it"></canvas>
      <figcaption>What the network sees: ${SIDE} × ${SIDE} pixels</figcaption>
    </figure>
    <div class="answer">
      <p class="guess"></p>
      <p class="heard" role="status"></p>
    </div>
  </div>
`;

const PAD = 280; // the side of the pad in its own units
const GREY = 128; // seen on light and on dark paper
const NOTHING = 'Nothing is drawn yet.';
const ONLY_A_DOT = 'This is only a dot: draw a digit.';

/** What is on the pad: strokes, or a picture that was laid there. */
interface Drawing {
  strokes: Point[][];
  picture: Picture | null;
}

/**
 * A pad to draw a digit on with the mouse, a pen or a finger. Beside it are the drawing as the network sees it and the network's
 * answer, which are updated meanwhile.
 */
export function drawDigit(shadow: ShadowRoot, data: DrawData): void {
  const layers = data.layers.map(unpackLayer);
  addStyle(shadow, STYLE);
  const template = document.createElement('template');
  template.innerHTML = HTML;
  shadow.append(template.content);
  const find = <E extends Element>(selector: string): E => shadow.querySelector<E>(selector)!;
  const pad = find<SVGSVGElement>('.pad');
  const lines = find('g');
  const image = find<SVGImageElement>('image');
  const answer = find('.answer');
  const guess = find('.guess');
  const heard = find('.heard');
  const pen = find<HTMLInputElement>('input');
  const [undoButton, clearButton] = shadow.querySelectorAll('button');
  const chart = bars(layers[layers.length - 1].bias.length);
  answer.append(chart.element);

  // The last is the current drawing; the others are for undo.
  let drawings: Drawing[] = [{ strokes: [], picture: null }];
  const current = (): Drawing => drawings[drawings.length - 1];

  const predict = (pixels: ArrayLike<number>): number[] =>
    Array.from(
      forward(
        layers,
        Array.from(pixels, (pixel) => pixel / 255),
      ),
    );

  function show(): void {
    const { strokes, picture } = current();
    lines.replaceChildren(...strokes.map(pathOf));
    image.setAttribute('href', picture ? addressOf(picture) : '');
    pad.classList.toggle('drawn', strokes.length > 0 || picture !== null);
    undoButton.disabled = drawings.length === 1;
    const ink = picture ? ({ kind: 'drawing', picture } as const) : inkOf(strokes);
    const pixels = ink.kind === 'drawing' ? digitOf(ink.picture) : null;
    drawInk(find<HTMLCanvasElement>('canvas'), pixels ?? new Uint8Array(SIDE * SIDE));
    answer.classList.toggle('unsure', pixels === null);
    if (pixels) {
      const probabilities = predict(pixels);
      const best = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
      chart.update(probabilities);
      const first = document.createElement('b');
      first.textContent = String(best[0]);
      guess.replaceChildren(first, ` with ${percent(probabilities[best[0]])}`);
      spoken = `${best.map((digit) => `${digit} with ${percent(probabilities[digit])}`).join(', then ')}.`;
    } else {
      chart.update(new Array<number>(layers[layers.length - 1].bias.length).fill(0));
      spoken = ink.kind === 'dot' ? ONLY_A_DOT : NOTHING;
      guess.textContent = spoken;
    }
  }
  let spoken = '';
  /** Announces the answer to screen readers, when drawing pauses. */
  const speak = (): void => {
    heard.textContent = spoken;
  };

  let frame = 0;
  const showSoon = (): void => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      show();
    });
  };

  function change(next: Drawing[]): void {
    drawings = next;
    show();
    speak();
  }
  const undo = (): void => change(drawings.length > 1 ? drawings.slice(0, -1) : drawings);
  const clear = (): void => {
    const { strokes, picture } = current();
    change(strokes.length > 0 || picture ? [...drawings, { strokes: [], picture: null }] : drawings);
  };

  let drawingPointer: number | null = null;
  const pointOf = ({ clientX, clientY }: PointerEvent): Point => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    const border = 2; // pixels of the style above, which zoom scales as it scales these
    return [(clientX - left - border) / (width - 2 * border), (clientY - top - border) / (height - 2 * border)];
  };
  pad.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || drawingPointer !== null) {
      return; // a second finger draws nothing
    }
    drawingPointer = event.pointerId;
    pad.setPointerCapture(event.pointerId); // so that a stroke may leave the pad and come back
    pad.focus({ preventScroll: true });
    drawings = [...drawings, { strokes: [...current().strokes, [pointOf(event)]], picture: null }];
    showSoon();
  });
  pad.addEventListener('pointermove', (event) => {
    if (event.pointerId === drawingPointer) {
      const { strokes } = current();
      // A quick hand passes several points between two frames. Browsers tell them to secure pages only.
      const passed = (event as Partial<PointerEvent>).getCoalescedEvents ? event.getCoalescedEvents() : [];
      strokes[strokes.length - 1].push(...(passed.length > 0 ? passed : [event]).map(pointOf));
      showSoon();
    }
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId === drawingPointer) {
        drawingPointer = null;
        show();
        speak();
      }
    });
  }
  undoButton.addEventListener('click', undo);
  clearButton.addEventListener('click', clear);
  find('.pad-and-answer').addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey } = event as KeyboardEvent;
    const action = key === 'Delete' || key === 'Backspace' ? clear : key === 'z' && (ctrlKey || metaKey) ? undo : null;
    if (action) {
      event.preventDefault();
      action();
    }
  });
  const setPen = (): void => pad.style.setProperty('--pen', pen.value);
  pen.addEventListener('input', setPen);
  setPen();
  show();

  const control: DigitPadControl = {
    show: (picture) => change([...drawings, { strokes: [], picture }]),
    probabilities: predict,
  };
  Object.assign(shadow.host, { digitPad: control });
}

/** A stroke as a line in the pad. */
function pathOf(stroke: Point[]): SVGPathElement {
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const coordinates = ([x, y]: Point): string => `${(x * PAD).toFixed(1)} ${(y * PAD).toFixed(1)}`;
  path.setAttribute('d', linesInPad(stroke).map(([from, to]) => `M${coordinates(from)}L${coordinates(to)}`).join('')); // prettier-ignore
  return path;
}

/** The address of a picture of ink: as dark as its ink, on nothing. */
function addressOf({ width, height, ink }: Picture): string {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(width, height);
  for (let index = 0; index < ink.length; index++) {
    pixels.data.fill(GREY, 4 * index, 4 * index + 3);
    pixels.data[4 * index + 3] = ink[index];
  }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}
