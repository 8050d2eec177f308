import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkout, link } from '../helpers/checkout';
import { joined, root } from '../helpers/notebook';
import { testWithPython311 } from '../helpers/python';

jest.setTimeout(900_000);

interface Cell {
  id: string;
  cell_type: string;
  source: string | string[];
  metadata: { nbgrader?: { solution: boolean; grade: boolean; points?: number } };
}
interface Notebook {
  cells: Cell[];
}

const testWithNbgrader = testWithPython311('nbgrader');

let checkout: Checkout;
beforeAll(() => {
  checkout = new Checkout().takeOver();
});
afterAll(() => checkout.delete());

/** Installs nbgrader in this checkout, unless an earlier run has, and links it into the copy. */
function installNbgrader(): void {
  const install = `import { setUpOwnVenv } from './scripts/setup/own-venv.mjs'; setUpOwnVenv('${join(root, 'grading')}', 'nbgrader');`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', install], { cwd: root });
  const venv = join('grading', '.venv');
  link(join(root, venv), join(checkout.root, venv));
  checkout.replace(join(venv, '.setup'), (stamp) => stamp.replace(root, checkout.root));
}

const course = (...path: string[]): string => join(checkout.root, 'course', ...path);
const read = (...path: string[]): Notebook => JSON.parse(readFileSync(join(...path), 'utf8')) as Notebook;
function write(folder: string, name: string, notebook: Notebook): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), JSON.stringify(notebook));
}
function grade(...command: string[]): void {
  const { status, stdout, stderr } = checkout.run('grade', {}, command);
  expect([command, status, status === 0 ? '' : `${stdout}${stderr}`]).toEqual([command, 0, '']);
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

/** What a student hands in: of the students' edition, with the answer to each task. */
function answered(edition: Notebook, answer: (task: number, cell: Cell) => string): Notebook {
  let task = 0;
  const cells = edition.cells.map((cell) =>
    cell.metadata.nbgrader?.solution ? { ...cell, source: answer(task++, cell) } : cell,
  );
  return { ...edition, cells };
}

testWithNbgrader(
  'nbgrader hands out, collects and grades the exercises: right, half right, and broken in the middle',
  () => {
    installNbgrader();
    const exercises = join(checkout.root, 'notebooks', 'exercises');
    const solutions = short(read(exercises, 'solutions.ipynb'));
    const points = solutions.cells.filter(({ metadata }) => metadata.nbgrader?.grade).length;
    const solution = ({ id }: Cell): string => {
      const cell = solutions.cells.find((other) => other.id === id)!;
      return joined(cell.source).replace(/^ *\/\/ (BEGIN|END) SOLUTION\n/gm, '');
    };

    write(course('source', 'short'), 'exercises.ipynb', solutions);
    grade('generate_assignment', 'short', '--create');
    expect(statSync(course()).mode & 0o077).toBe(0);
    // An assignment that the teacher has not made yet is there, with its solutions.
    expect(readFileSync(course('source', 'exercises-ko', 'exercises.ipynb'), 'utf8')).toBe(
      readFileSync(join(exercises, 'ko', 'solutions.ipynb'), 'utf8'),
    );
    const released = read(course('release', 'short', 'exercises.ipynb'));
    const students = short(read(exercises, 'exercises.ipynb'));
    const codes = ({ cells }: Notebook): string[] =>
      cells.filter(({ cell_type }) => cell_type === 'code').map(({ source }) => joined(source).trimEnd());
    expect(codes(released)).toEqual(codes(students)); // nbgrader and `npm run exercises` make the same of them

    const archive = course('downloaded', 'short', 'archive');
    const handIn = { right: 'right_exercises.ipynb', half: 'half_exercises.ipynb', broken: 'broken_exercises.ipynb' };
    write(
      archive,
      handIn.right,
      answered(students, (_task, cell) => solution(cell)),
    );
    write(
      archive,
      handIn.half,
      answered(released, (task, cell) => (task % 2 ? joined(cell.source) : solution(cell))),
    );
    const middle = Math.floor(points / 2);
    write(
      archive,
      handIn.broken,
      answered(students, (task, cell) => solution(cell) + (task === middle ? '\nfor (;;) {' : '')),
    );
    grade('zip_collect', 'short');
    grade('autograde', 'short', '--create');
    grade('generate_feedback', 'short');
    grade('export');

    const [head, ...rows] = readFileSync(course('grades.csv'), 'utf8').trim().split(/\r?\n/);
    const [name, score] = ['student_id', 'score'].map((column) => head.split(',').indexOf(column));
    expect(Object.fromEntries(rows.map((row) => [row.split(',')[name], Number(row.split(',')[score])]))).toEqual({
      right: points,
      half: Math.ceil(points / 2),
      broken: points - 1,
    });
    const feedback = readFileSync(course('feedback', 'half', 'short', 'exercises.html'), 'utf8');
    expect(feedback).toContain('not written yet');
    expect(feedback).toMatch(new RegExp(`Score: ${Math.ceil(points / 2)}(\\.0)? / ${points}`));
  },
);
