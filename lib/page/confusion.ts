import { addStyle } from './part';
import { bytesOf, drawInk } from './pictures';

/** What the part "confusion" is given. */
export interface ConfusionData {
  /** Counts: row is the label, column the predicted class. */
  matrix: number[][];
  /** Precision, recall and F1 of each class; null where one is not defined. */
  scores: (number | null)[][];
  /** The pictures behind the cells: in a cell off the diagonal, the most certain first, on it the least certain. */
  pictures: { index: number; label: number; predicted: number; probability: string }[];
  /** The size of a picture in pixels. */
  size: { rows: number; columns: number };
  /** uint8 [pictures, rows, columns] as base64: 0 is paper, 255 ink. */
  pixels: string;
}

const METRICS = ['precision', 'recall', 'F1'];

const STYLE = `
  .scroll { overflow-x: auto; }
  table { border-collapse: separate; border-spacing: 1px; font-variant-numeric: tabular-nums; }
  th { font-weight: normal; color: var(--grey); padding: 0 3px; vertical-align: bottom; }
  th[scope='row'] { position: sticky; left: 0; background: var(--paper); vertical-align: middle; }
  td { box-sizing: border-box; min-width: 42px; height: 32px; padding: 0 2px; text-align: center; background: var(--paper); }
  td.count { background: color-mix(in srgb, light-dark(#f0935a, #a04a17) calc(100% * var(--share)), var(--paper)); cursor: pointer; }
  td.right { background: light-dark(#cfe3f2, #1b4a6b); font-weight: bold; }
  td.score { min-width: 60px; }
  tr :nth-child(1 of .score) { border-left: 12px solid transparent; background-clip: padding-box; }
  td[aria-selected='true'] { outline: 3px solid var(--blue); outline-offset: -3px; }
  td:focus-visible { outline: 3px solid var(--ink); outline-offset: -3px; }
  p { margin: 8px 0; }
  ul { display: flex; flex-wrap: wrap; gap: 12px; margin: 0; padding: 0; list-style: none; }
  li { text-align: center; font-size: 14px; line-height: 1.3; }
  canvas { display: block; width: 84px; border: 1px solid var(--line); image-rendering: pixelated; }
  small { display: block; color: var(--grey); font-size: 14px; }
`;

/** A cell that can be reached: what it says, and what a click on it does. */
interface Cell {
  element: HTMLTableCellElement;
  sentence: string;
  choose?: () => void;
}

/** A confusion matrix with precision, recall and F1 beside it. A click, or Enter, on a cell shows the digits behind it. */
export function exploreConfusion(shadow: ShadowRoot, data: ConfusionData): void {
  addStyle(shadow, STYLE);
  const sentence = create('p');
  sentence.ariaHidden = 'true'; // the label of the cell says the same
  const heading = create('p');
  heading.role = 'status';
  const digits = create('ul');
  const pixels = bytesOf(data.pixels);

  const show = (label: number, predicted: number): void => {
    const found = data.pictures.flatMap((picture, position) =>
      picture.label === label && picture.predicted === predicted ? [{ ...picture, position }] : [],
    );
    heading.textContent = headingOf(label, predicted, data.matrix[label][predicted], found.length);
    digits.replaceChildren(
      ...found.map(({ position, index, probability }) => {
        const canvas = drawing(pixels, position, data.size);
        canvas.role = 'img';
        canvas.ariaLabel = `digit ${index}: label ${label}, answer ${predicted} with ${probability}`;
        const item = create('li');
        item.append(canvas, `${predicted} with ${probability}`, create('small', `digit ${index}`));
        return item;
      }),
    );
  };

  const cells = cellsOf(data, show);
  const focusable = cells.flat();
  const focus = ({ element }: Cell): void => {
    focusable.forEach((cell) => (cell.element.tabIndex = cell.element === element ? 0 : -1));
    element.focus();
  };
  const choose = (cell: Cell): void => {
    focusable.forEach(({ element }) => element.removeAttribute('aria-selected'));
    cell.element.ariaSelected = 'true';
    cell.choose!();
  };
  cells.forEach((row, y) =>
    row.forEach((cell, x) => {
      const { element } = cell;
      const say = (): void => {
        sentence.textContent = cell.sentence;
      };
      element.addEventListener('pointerenter', say);
      element.addEventListener('focus', say);
      element.addEventListener('click', () => {
        focus(cell);
        if (cell.choose) {
          choose(cell);
        }
      });
      element.addEventListener('keydown', (event) => {
        const next = nextCell(event.key, cells, y, x);
        if (next) {
          focus(next);
        } else if ((event.key === 'Enter' || event.key === ' ') && cell.choose) {
          choose(cell);
        } else {
          return;
        }
        event.preventDefault(); // no scrolling
      });
    }),
  );

  const scroll = create('div');
  scroll.className = 'scroll';
  scroll.append(tableOf(cells));
  shadow.append(scroll, sentence, heading, digits);

  const [y, x] = largestConfusion(data.matrix);
  cells[y][x].element.tabIndex = 0;
  sentence.textContent = cells[y][x].sentence;
  choose(cells[y][x]);
}

/** The cells of each row: a count for each class, then precision, recall and F1. */
function cellsOf(
  { matrix, scores: metrics }: ConfusionData,
  show: (label: number, predicted: number) => void,
): Cell[][] {
  const total = (counts: number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const labels = matrix.map(total);
  const answers = matrix.map((_, predicted) => total(matrix.map((row) => row[predicted])));
  const most = Math.max(1, ...matrix.flatMap((row, label) => row.filter((_, predicted) => predicted !== label)));
  return matrix.map((row, label) => {
    const counts = row.map((count, predicted): Cell => {
      const sentence =
        `Label ${label}, predicted ${predicted}: ${digitsText(count)}, ${percent(count, labels[label])} of the digits ${label} ` +
        `and ${percent(count, answers[predicted])} of the answers ${predicted}.`;
      const element = cell(count > 0 ? String(count) : '', sentence);
      element.classList.add('count');
      element.classList.toggle('right', label === predicted);
      element.style.setProperty('--share', String(count / most));
      return { element, sentence, choose: () => show(label, predicted) };
    });
    const right = row[label];
    const sentences = [
      `Precision of ${label}: of ${answers[label]} answers ${label}, ${right} are right.`,
      `Recall of ${label}: of ${labels[label]} digits ${label}, ${right} are recognised.`,
      `F1 of ${label}: the harmonic mean of its precision and recall.`,
    ];
    const values = metrics[label].map((value, index): Cell => {
      const text = value === null ? '–' : value.toFixed(3);
      const element = cell(text, `${METRICS[index]} ${text}. ${sentences[index]}`);
      element.classList.add('score');
      return { element, sentence: sentences[index] };
    });
    return [...counts, ...values];
  });
}

function cell(text: string, label: string): HTMLTableCellElement {
  const element = create('td', text);
  element.role = 'gridcell';
  element.tabIndex = -1;
  element.ariaLabel = label;
  return element;
}

function tableOf(cells: Cell[][]): HTMLTableElement {
  const table = create('table');
  table.role = 'grid';
  table.ariaLabel =
    'Confusion matrix. Row: label. Column: predicted. Arrow keys move, Enter shows the digits of a cell.';
  const classes = cells.map((_, index) => String(index));
  const header = (text: string, scope: 'col' | 'row', className = ''): HTMLTableCellElement => {
    const element = create('th', text);
    Object.assign(element, { scope, className, role: scope === 'col' ? 'columnheader' : 'rowheader' });
    return element;
  };
  const label = Object.assign(header('label', 'col'), { rowSpan: 2 });
  const predicted = Object.assign(header('predicted', 'col'), { colSpan: classes.length });
  const rows = [
    [label, predicted],
    [...classes.map((name) => header(name, 'col')), ...METRICS.map((name) => header(name, 'col', 'score'))],
    ...cells.map((row, label) => [header(classes[label], 'row'), ...row.map(({ element }) => element)]),
  ];
  for (const row of rows) {
    table.insertRow().append(...row);
  }
  return table;
}

/** The cell to which a key leads, at an edge the same one; undefined if it is no such key. */
function nextCell(key: string, cells: Cell[][], y: number, x: number): Cell | undefined {
  const row = cells[y];
  switch (key) {
    case 'ArrowUp':
      return cells[Math.max(y - 1, 0)][x];
    case 'ArrowDown':
      return cells[Math.min(y + 1, cells.length - 1)][x];
    case 'ArrowLeft':
      return row[Math.max(x - 1, 0)];
    case 'ArrowRight':
      return row[Math.min(x + 1, row.length - 1)];
    case 'Home':
      return row[0];
    case 'End':
      return row.at(-1);
  }
}

/** The row and column of the largest count off the diagonal, or of the first cell if there is no mistake. */
function largestConfusion(matrix: number[][]): [number, number] {
  let largest: [number, number] = [0, 0];
  let most = 0;
  matrix.forEach((row, label) =>
    row.forEach((count, predicted) => {
      if (label !== predicted && count > most) {
        [largest, most] = [[label, predicted], count];
      }
    }),
  );
  return largest;
}

function headingOf(label: number, predicted: number, count: number, shown: number): string {
  const isRight = label === predicted;
  if (count === 0) {
    return isRight ? `No ${label} was recognised.` : `No ${label} was taken for ${predicted}.`;
  }
  const what = isRight ? `${label} recognised` : `${label} taken for ${predicted}`;
  const kind = isRight ? 'least' : 'most';
  const which =
    count === 1 ? '.' : shown < count ? `; here are the ${shown} ${kind} certain.` : `, the ${kind} certain first.`;
  return `${what}: ${digitsText(count)}${which}`;
}

/** A picture, dark ink on white paper. */
function drawing(pixels: Uint8Array, position: number, { rows, columns }: ConfusionData['size']): HTMLCanvasElement {
  const canvas = create('canvas');
  [canvas.width, canvas.height] = [columns, rows];
  drawInk(canvas, pixels.subarray(position * rows * columns, (position + 1) * rows * columns));
  return canvas;
}

function digitsText(count: number): string {
  return `${count} ${count === 1 ? 'digit' : 'digits'}`;
}

function percent(count: number, all: number): string {
  return all === 0 ? '0 %' : `${((100 * count) / all).toFixed(1)} %`;
}

function create<Name extends keyof HTMLElementTagNameMap>(name: Name, text = ''): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
