// The exercises, shortened, and what students make of them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkout } from './checkout';
import { joined, root } from './notebook';

export interface Cell {
  id: string;
  cell_type: string;
  source: string | string[];
  metadata: { nbgrader?: { solution: boolean; grade: boolean; points?: number } };
}
export interface Notebook {
  cells: Cell[];
}

export const read = (...path: string[]): Notebook => JSON.parse(readFileSync(join(...path), 'utf8')) as Notebook;
export function write(folder: string, name: string, notebook: Notebook): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), JSON.stringify(notebook));
}

/** The exercises before the first training, so that they are graded in seconds. */
function short(notebook: Notebook): Notebook {
  return {
    ...notebook,
    cells: notebook.cells.slice(
      0,
      notebook.cells.findIndex(({ id }) => id === 'training'),
    ),
  };
}

const folder = join(root, 'notebooks', 'exercises');
export const solutions = short(read(folder, 'solutions.ipynb'));
export const students = short(read(folder, 'exercises.ipynb'));
export const points = solutions.cells.filter(({ metadata }) => metadata.nbgrader?.grade).length;

/** The right answer of a task's cell. */
export function solution({ id }: Cell): string {
  const cell = solutions.cells.find((other) => other.id === id)!;
  return joined(cell.source).replace(/^ *\/\/ (BEGIN|END) SOLUTION\n/gm, '');
}

/** What a student hands in: of the students' edition, with the answer to each task. */
export function answered(edition: Notebook, answer: (task: number, cell: Cell) => string): Notebook {
  let task = 0;
  const cells = edition.cells.map((cell) =>
    cell.metadata.nbgrader?.solution ? { ...cell, source: answer(task++, cell) } : cell,
  );
  return { ...edition, cells };
}

/** Runs `npm run grade` in a checkout, which must succeed, and returns what it says. */
export function grade(checkout: Checkout, ...command: string[]): string {
  const { status, stdout, stderr } = checkout.run('grade', {}, command);
  expect([command, status, status === 0 ? '' : `${stdout}${stderr}`]).toEqual([command, 0, '']);
  return `${stdout}${stderr}`;
}

/** The points of each student. */
export function grades(checkout: Checkout): Record<string, number> {
  const [head, ...rows] = readFileSync(join(checkout.root, 'course', 'grades.csv'), 'utf8')
    .trim()
    .split(/\r?\n/);
  const [name, score] = ['student_id', 'score'].map((column) => head.split(',').indexOf(column));
  return Object.fromEntries(rows.map((row) => [row.split(',')[name], Number(row.split(',')[score])]));
}
