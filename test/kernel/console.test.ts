// Jupyter's console as a second client, and on its own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../helpers/notebook';
import { installPackages, python } from '../helpers/python';

jest.setTimeout(5 * 60_000);

let folder: string;
/** What the consoles showed. */
let shown: { beside: string; alone: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'console-'));
  installPackages('console', folder);
  const env = { ...process.env, PYTHONPATH: folder, JUPYTER_PREFER_ENV_PATH: '1', HOME: folder };
  shown = JSON.parse(
    execFileSync(python, [join(root, 'test', 'console', 'console.py')], { encoding: 'utf8', env }),
  ) as typeof shown;
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a console that joins the kernel of another client shows its input and output, and uses its variables', () => {
  // Between them, the console may draw its own prompt once more.
  expect(shown.beside).toMatch(
    /let count = 20;\r\nconsole\.log\('from the other client'\);\r\ncount \* 2\r\n.*from the other client\r\n.*40/s,
  );
  expect(shown.beside).toMatch(/Out\[2\]: 21/);
});

test('a console that starts a kernel shows values and errors, and asks for the rest of an open line', () => {
  expect(shown.alone).toMatch(/TypeScript \d+\.\d+\.\d+ on Node \d+/);
  expect(shown.alone).toMatch(/\.\.\.: /);
  expect(shown.alone).toMatch(/Out\[1\]: 10/);
  expect(shown.alone).toMatch(/Error: on purpose\r\n.*Cell In\[2\]/);
});
