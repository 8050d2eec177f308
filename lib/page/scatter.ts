import { addStyle } from './part';
import { DIGIT_COLORS, type Point, scaledToFit } from './scatter-scale';

/** What the part "scatter" is given: digits as points, each with its picture. */
export interface ScatterData {
  /** The position of each digit. */
  points: Point[];
  /** The class of each digit. */
  labels: number[];
  /** The address of one picture with those of all digits, `perRow` in a row, dark ink on white. */
  sheet: string;
  perRow: number;
  /** The size of a digit's picture in pixels. */
  rows: number;
  columns: number;
  /** What the two directions are. */
  titles: [string, string];
  /** The whole in words. */
  description: string;
}

const HEIGHT_TO_WIDTH = 0.75;
const MARGIN = 30;
const REACH = 24; // pixels between a pointer and the digit that it chooses
const PALE = 0.12; // opacity of digits that are not highlighted
const DIRECTIONS: Record<string, Point> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const STYLE = `
  .scatter { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; margin: 0; padding: 8px; }
  .map { flex: 1 1 480px; max-width: 760px; min-width: 0; }
  .map canvas { display: block; width: 100%; aspect-ratio: ${1 / HEIGHT_TO_WIDTH}; cursor: crosshair; touch-action: manipulation; }
  .map canvas:focus-visible { outline: 3px solid var(--blue); outline-offset: 1px; }
  .side { flex: 0 1 200px; }
  .side canvas { display: block; width: 168px; image-rendering: pixelated; background: white; border: 1px solid var(--line); }
  .classes { display: grid; grid-template-columns: repeat(5, 32px); gap: 2px; }
  button { min-height: 32px; font: inherit; font-weight: bold; background: white; border: 2px solid transparent; border-radius: 4px; cursor: pointer; }
  button[aria-pressed="true"] { border-color: currentColor; }
  button:focus-visible { outline: 3px solid var(--blue); outline-offset: 1px; }
  p { margin: 8px 0; min-height: 3em; }
  .hint { color: var(--grey); font-size: 14px; }
`;

/** Digits as points, written as digits. The pointer or the arrow keys choose one, and its picture appears. */
export function digitScatter(shadow: ShadowRoot, data: ScatterData): void {
  const { labels, rows, columns, perRow } = data;
  addStyle(shadow, STYLE);
  const figure = document.createElement('figure');
  figure.className = 'scatter';
  figure.innerHTML = `
    <div class="map"><canvas tabindex="0" role="application" aria-roledescription="scatter plot" aria-describedby="hint"></canvas></div>
    <div class="side">
      <canvas role="img" width="${columns}" height="${rows}" aria-label="No digit is chosen"></canvas>
      <p aria-live="polite"></p>
      <div class="classes" role="group" aria-label="Highlight a digit"></div>
      <p class="hint" id="hint">Point at a digit, or move with the arrow keys. A button highlights all digits of its kind.</p>
    </div>`;
  const map = figure.querySelector<HTMLCanvasElement>('.map canvas')!;
  const picture = figure.querySelector<HTMLCanvasElement>('.side canvas')!;
  const words = figure.querySelector<HTMLElement>('.side p')!;
  map.setAttribute('aria-label', data.description);

  let positions: Point[] = [];
  let chosen = -1;
  let highlighted = -1;
  const isLit = (index: number) => highlighted < 0 || labels[index] === highlighted;

  /** Draws the map in the size that it has in the page. */
  const draw = () => {
    const width = map.clientWidth;
    if (width === 0) {
      return; // not in the page, or hidden
    }
    const height = width * HEIGHT_TO_WIDTH;
    const density = window.devicePixelRatio;
    [map.width, map.height] = [width * density, height * density];
    positions = scaledToFit(data.points, width, height, MARGIN);
    const context = map.getContext('2d')!;
    context.scale(density, density);
    context.fillStyle = '#FFFFFF';
    context.fillRect(0, 0, width, height);
    Object.assign(context, {
      textAlign: 'center',
      textBaseline: 'middle',
      font: 'bold 12px Arial, Helvetica, sans-serif',
    });
    const write = (index: number) => context.fillText(String(labels[index]), ...positions[index]);
    const all = labels.map((_, index) => index);
    for (const index of [...all.filter((each) => !isLit(each)), ...all.filter(isLit)]) {
      context.globalAlpha = isLit(index) ? 1 : PALE;
      context.fillStyle = DIGIT_COLORS[labels[index] % DIGIT_COLORS.length];
      write(index);
    }
    context.globalAlpha = 1;
    context.fillStyle = '#444444';
    context.font = '14px Arial, Helvetica, sans-serif';
    context.fillText(data.titles[0], width / 2, height - 10);
    context.translate(10, height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(data.titles[1], 0, 0);
    context.setTransform(density, 0, 0, density, 0, 0);
    if (chosen >= 0) {
      const [left, top] = positions[chosen];
      context.beginPath();
      context.arc(left, top, 11, 0, 2 * Math.PI);
      context.fillStyle = '#FFFFFF';
      context.fill();
      Object.assign(context, { strokeStyle: '#000000', lineWidth: 2.5 });
      context.stroke();
      context.fillStyle = DIGIT_COLORS[labels[chosen] % DIGIT_COLORS.length];
      context.font = 'bold 14px Arial, Helvetica, sans-serif';
      write(chosen);
    }
  };

  const sheet = new Image();
  const showPicture = () => {
    const context = picture.getContext('2d')!;
    context.clearRect(0, 0, columns, rows);
    if (chosen >= 0) {
      const [left, top] = [(chosen % perRow) * columns, Math.floor(chosen / perRow) * rows];
      context.drawImage(sheet, left, top, columns, rows, 0, 0, columns, rows);
    }
    picture.setAttribute('aria-label', chosen < 0 ? 'No digit is chosen' : `The picture of digit number ${chosen}`);
    words.textContent = chosen < 0 ? '' : `A ${labels[chosen]}: number ${chosen} of ${labels.length}`;
  };
  sheet.addEventListener('load', showPicture);
  sheet.src = data.sheet;
  const choose = (index: number) => {
    if (index !== chosen) {
      chosen = index;
      showPicture();
      draw();
    }
  };

  /** The digit with the smallest cost, of those that are highlighted; -1 if all costs are infinite. */
  const best = (costOf: (position: Point) => number): number => {
    const costs = positions.map((position, index) => (isLit(index) && index !== chosen ? costOf(position) : Infinity));
    const least = costs.reduce((smallest, cost) => Math.min(smallest, cost), Infinity);
    return least === Infinity ? -1 : costs.indexOf(least);
  };
  const pointAt = ({ offsetX, offsetY }: PointerEvent) => {
    const distance = ([left, top]: Point) => Math.hypot(left - offsetX, top - offsetY);
    const nearest = best(distance);
    const isNearer = chosen < 0 || !isLit(chosen) || distance(positions[nearest]) < distance(positions[chosen]);
    if (nearest >= 0 && isNearer && distance(positions[nearest]) <= REACH) {
      choose(nearest);
    }
  };
  map.addEventListener('pointermove', pointAt);
  map.addEventListener('pointerdown', pointAt);
  map.addEventListener('keydown', (event) => {
    const direction = DIRECTIONS[event.key] as Point | undefined;
    if (event.key === 'Escape') {
      choose(-1);
    } else if (direction) {
      event.preventDefault(); // the page does not scroll
      const from: Point = chosen < 0 ? [map.clientWidth / 2, map.clientHeight / 2] : positions[chosen];
      const next = best(([left, top]) => {
        const [dx, dy] = [left - from[0], top - from[1]];
        const along = dx * direction[0] + dy * direction[1];
        const aside = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
        return chosen < 0 ? Math.hypot(dx, dy) : along > 0 ? along + 2 * aside : Infinity;
      });
      if (next >= 0) {
        choose(next);
      }
    }
  });

  const classes = figure.querySelector('.classes')!;
  const buttons = [...new Set(labels)]
    .sort((a, b) => a - b)
    .map((label) => {
      const button = document.createElement('button');
      button.textContent = String(label);
      button.style.color = DIGIT_COLORS[label % DIGIT_COLORS.length];
      button.addEventListener('click', () => {
        highlighted = highlighted === label ? -1 : label;
        update();
      });
      classes.append(button);
      return { button, label };
    });
  const update = () => {
    buttons.forEach(({ button, label }) => button.setAttribute('aria-pressed', String(label === highlighted)));
    draw();
  };
  update();
  shadow.append(figure);
  new ResizeObserver(draw).observe(map);
}
