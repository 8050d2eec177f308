import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kernel } from '../helpers/kernel';
import { startKernel } from '../helpers/kernel';
import {
  type Cell,
  type CodeCell,
  type Notebook,
  readNotebook,
  root,
  shownText,
  streamText,
} from '../helpers/notebook';

const folder = join(root, 'notebooks', 'exercises');
const PATHS = { en: folder, ko: join(folder, 'ko') };
const read = (language: keyof typeof PATHS, name: string): Notebook => readNotebook(join(PATHS[language], name));

interface Graded {
  grade: boolean;
  solution: boolean;
  locked: boolean;
  grade_id: string;
  points?: number;
  schema_version: number;
}
const gradingOf = ({ metadata }: Cell): Graded | undefined => (metadata as { nbgrader?: Graded }).nbgrader;
const codeOf = ({ cells }: Notebook): CodeCell[] => cells.filter((cell): cell is CodeCell => cell.cell_type === 'code');

const solutions = read('en', 'solutions.ipynb');
const students = read('en', 'exercises.ipynb');
const checkIds = codeOf(solutions).flatMap(({ id }) => (id.startsWith('check-') ? id : []));

describe('the exercises as committed', () => {
  test.each(['en', 'ko'] as const)(
    "the students' edition (%s) is what `npm run exercises` makes of the solutions",
    (language) => {
      const script = `import { studentsEdition } from ${JSON.stringify(join(root, 'scripts', 'exercises', 'students-edition.mjs'))};
      import { readFileSync } from 'node:fs';
      const source = JSON.parse(readFileSync(${JSON.stringify(join(PATHS[language], 'solutions.ipynb'))}, 'utf8'));
      process.stdout.write(JSON.stringify(studentsEdition(source, '${language}'), null, 1) + '\\n');`;
      const made = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
      expect(readFileSync(join(PATHS[language], 'exercises.ipynb'), 'utf8')).toBe(made);
    },
  );

  test("the students' edition has no solutions and no outputs, and says so in its first cell", () => {
    expect(students.cells[0].source).toMatch(/students' edition/);
    expect(solutions.cells[0].source).toMatch(/teacher's edition/);
    for (const { source, outputs, execution_count } of codeOf(students)) {
      expect([outputs, execution_count]).toEqual([[], null]);
      expect(source).not.toMatch(/SOLUTION|HIDDEN/);
    }
    const open = students.cells.map(({ source }) => source).join('\n');
    for (const { source } of codeOf(solutions).filter((cell) => gradingOf(cell)?.solution)) {
      const [, solution] = /BEGIN SOLUTION\n([^]*?)\n *\/\/ END/.exec(source)!;
      expect(open).not.toContain(solution);
    }
  });

  test('each check is a cell that nbgrader grades and that students cannot change; each answer is one that it clears', () => {
    for (const cell of codeOf(students)) {
      const grading = gradingOf(cell);
      if (cell.id.startsWith('check-')) {
        expect(grading).toMatchObject({ grade: true, solution: false, locked: true, grade_id: cell.id, points: 1 });
        expect(cell.metadata).toMatchObject({ editable: false, deletable: false });
      } else if (/YOUR CODE HERE/.test(cell.source)) {
        expect(grading).toMatchObject({ grade: false, solution: true, locked: false, grade_id: cell.id });
        expect(cell.metadata).not.toHaveProperty('editable');
      } else {
        expect([cell.id, grading]).toEqual([cell.id, undefined]);
      }
    }
    expect(checkIds).toHaveLength(18);
    expect(codeOf(solutions).filter((cell) => gradingOf(cell)?.solution)).toHaveLength(18);
  });

  test('each part has a question to predict, with the answer folded away after the cell that shows it', () => {
    const { cells } = solutions;
    const asked = cells.flatMap(({ source }, index) => (/^### Predict before you run$/m.test(source) ? index : []));
    expect(asked).toHaveLength(4);
    for (const index of asked) {
      expect(cells[index + 1].cell_type).toBe('code');
      expect(cells[index + 2].source).toMatch(/^<details><summary>Answer<\/summary>\n\n[^]*\n\n<\/details>$/);
    }
  });

  test.each(['en', 'ko'] as const)('the solutions (%s) are executed, and all of them are right', (language) => {
    for (const cell of codeOf(read(language, 'solutions.ipynb'))) {
      expect(cell.execution_count).toBeNull();
      expect(cell.outputs.map(({ output_type }) => output_type)).not.toContain('error');
      expect(streamText(cell, 'stderr')).toBe('');
      if (cell.id.startsWith('check-')) {
        expect([cell.id, shownText(cell)]).toEqual([cell.id, expect.stringMatching(/^✔ /)]);
      }
    }
  });

  test('numbers in the answers are in the outputs', () => {
    const outputs = codeOf(solutions)
      .flatMap((cell) => [shownText(cell), cell.source])
      .join('\n');
    const answers = solutions.cells.filter(({ source }) => source.startsWith('<details>'));
    const quoted = answers.flatMap(({ source }) => source.match(/\d+\.\d{3}|\d{5,}/g) ?? []);
    expect(quoted.length).toBeGreaterThan(4);
    // −log(1/10), which no cell shows.
    expect(Math.log(10).toFixed(3)).toBe('2.303');
    expect(quoted.filter((number) => number !== '2.303' && !outputs.includes(number))).toEqual([]);
  });

  test('the Korean edition has the same cells, with the same code up to comments, strings and outputs', () => {
    // No string or comment of these cells contains the other's delimiters.
    const bare = (source: string): string =>
      source
        .replace(/\/\/ (?!BEGIN|END).*$/gm, '//')
        .replace(/'[^'\n]*'/g, (text) => (/^'(en|ko)'$/.test(text) ? "''" : text));
    for (const name of ['solutions.ipynb', 'exercises.ipynb']) {
      const shape = (language: 'en' | 'ko') =>
        read(language, name).cells.map((cell) => ({
          id: cell.id,
          type: cell.cell_type,
          metadata: cell.metadata,
          headings: cell.source.match(/^#+ /gm) ?? [],
          code: cell.cell_type === 'code' ? bare(cell.source.replace(/^( *)throw new Error\('.*$/m, '$1throw;')) : '',
          outputs:
            cell.cell_type === 'code'
              ? cell.outputs.map(({ data, output_type }) => [output_type, Object.keys(data ?? {})])
              : [],
        }));
      expect(shape('ko')).toEqual(shape('en'));
      read('ko', name).cells.forEach(({ cell_type, source }) => {
        if (cell_type === 'markdown') {
          expect(source).toMatch(/[가-힣]/);
        }
      });
    }
  });
});

describe('in the kernel', () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await startKernel({ cwd: folder });
  });
  afterAll(() => kernel.stop());

  test('every solution passes its check', async () => {
    for (const { id, source } of codeOf(solutions)) {
      const { status, traceback, stderr, text } = await kernel.run(source);
      expect([id, status, traceback?.join('\n'), stderr]).toEqual([id, 'ok', undefined, '']);
      if (id.startsWith('check-')) {
        expect([id, text]).toEqual([id, expect.stringMatching(/^✔ Right\. /)]);
      }
    }
  }, 120_000);

  test('every task that is not done yet gets its first hint', async () => {
    const hints = new Map<string, string>();
    for (const { id, source } of codeOf(students)) {
      const isOpen = source.includes('YOUR CODE HERE');
      if (isOpen || id === 'train' || id.startsWith('check-')) {
        const run = await kernel.run(source);
        if (id.startsWith('check-')) {
          expect([id, run.status]).toEqual([id, 'ok']);
          hints.set(id, run.text);
        }
      }
    }
    expect([...hints.keys()]).toEqual(checkIds);
    for (const [id, hint] of hints) {
      const first =
        id === 'check-units'
          ? /units = 1000 makes a network of 795,010 parameters/
          : id === 'check-learning-rate'
            ? /val_acc is 0\.\d+ after epoch 5 .*The loss does not fall/
            : /^✘ Not yet\. \w+\(.*\) threw an error: not written yet$/;
      expect([id, hint]).toEqual([id, expect.stringMatching(first)]);
    }
  }, 60_000);

  test('a task that is not done counts as an error for automatic grading', async () => {
    await kernel.run(students.cells.find(({ id }) => id === 'softmax')!.source);
    const { status, evalue } = await kernel.run(solutions.cells.find(({ id }) => id === 'check-softmax')!.source);
    expect([status, evalue]).toEqual(['error', 'softmax([1, 2, 3]) threw an error: not written yet']);
  });

  test('a wrong signature is an error that says so, before the check runs', async () => {
    const { evalue } = await kernel.run('check.softmax((logits: number[]) => 1)');
    expect(evalue).toMatch(/Type 'number' is not assignable to type 'number\[\]'/);
  });

  test('Stop ends an endless loop in an answer, also one of TensorFlow operations', async () => {
    const loops = ['while (true) {}', 'while (true) { tf.tidy(() => tf.add(1, 1)); }'];
    for (const loop of loops) {
      const run = await kernel.interruptOnceStarted(
        `check.neuron(() => { console.log('started'); ${loop} return 1; })`,
      );
      expect([loop, run.status, run.ename]).toEqual([loop, 'error', 'Interrupted']);
    }
    const { text } = await kernel.run('check.neuron((inputs, weights, bias) => bias)');
    expect(text).toMatch(/^✘ Not yet\. neuron\(\[1, 2\], \[3, 4\], 5\) returned 5 \(expected 16\)/);
  });
});
