import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeInBrowser, openFile } from '../helpers/browser';
import { Checkout } from '../helpers/checkout';
import {
  type Notebook,
  answered,
  grade,
  grades,
  points,
  read,
  solution,
  solutions,
  students,
  write,
} from '../helpers/exercises';
import { joined } from '../helpers/notebook';
import { testWithPython311 } from '../helpers/python';

jest.setTimeout(900_000);

const testWithNbgrader = testWithPython311('nbgrader');

let checkout: Checkout;
beforeAll(() => {
  checkout = new Checkout().takeOver();
});
afterAll(() => checkout.delete());

const course = (...path: string[]): string => join(checkout.root, 'course', ...path);

testWithNbgrader(
  'nbgrader hands out, collects and grades the exercises: right, half right, and broken in the middle',
  () => {
    checkout.takeOverVenv('grading');
    write(course('source', 'short'), 'exercises.ipynb', solutions);
    grade(checkout, 'generate_assignment', 'short', '--create');
    expect(statSync(course()).mode & 0o077).toBe(0);
    // An assignment that the teacher has not made yet is there, with its solutions.
    expect(readFileSync(course('source', 'exercises-ko', 'exercises.ipynb'), 'utf8')).toBe(
      readFileSync(join(checkout.root, 'notebooks', 'exercises', 'ko', 'solutions.ipynb'), 'utf8'),
    );
    const released = read(course('release', 'short', 'exercises.ipynb'));
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
    grade(checkout, 'zip_collect', 'short');
    grade(checkout, 'autograde', 'short', '--create');
    grade(checkout, 'generate_feedback', 'short');
    grade(checkout, 'export');

    expect(grades(checkout)).toEqual({
      right: points,
      half: Math.ceil(points / 2),
      broken: points - 1,
    });
    const feedback = readFileSync(course('feedback', 'half', 'short', 'exercises.html'), 'utf8');
    expect(feedback).toContain('not written yet');
    expect(feedback).toMatch(new RegExp(`Score: ${Math.ceil(points / 2)}(\\.0)? / ${points}`));
  },
);

// After the test above, which writes it.
describeInBrowser('feedback', () => {
  testWithNbgrader('shows formulas and points, and asks no other host', async () => {
    const { text, requests } = await openFile(course('feedback', 'half', 'short', 'exercises.html'));
    expect(text).toContain(`Score: ${Math.ceil(points / 2)}`);
    expect(requests).toEqual([]);
  });
});
