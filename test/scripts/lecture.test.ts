import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JSDOM } from 'jsdom';
import { type CodeCell, joined, readNotebook, root } from '../helpers/notebook';

const MARKDOWN = String.raw`The names are ${'`${name}_${index}.png`'} and ${'`$y`'}, not ${'${name}_${index}.png'}.

Tea costs $5, **coffee** $6. A loss of $\frac{1}{2}$, and broken: $\frac{a}{b}_$.

$$x_1 < 2$$

~~~sh
echo "$HOME/$USER" $$
~~~

The end.`;

const code = (id: string, source: string, tags: string[] = []) => ({
  ...{ cell_type: 'code', id, source, execution_count: null, metadata: { tags } },
  outputs: [{ output_type: 'stream', name: 'stdout', text: `earlier ${id}\n` }],
});

const NOTEBOOK = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript' }, language_info: { name: 'typescript' } },
  cells: [
    { cell_type: 'markdown', id: 'dollars', source: MARKDOWN, metadata: {} },
    code('first', "console.log('1');"),
    code('raising', "throw new RangeError('meant');", ['raises-exception']),
    code('skipped', "console.log('never');", ['skip-execution']),
    code('last', "console.log('2');"),
  ],
};

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lecture-'));
  path = join(folder, 'other.ipynb');
  writeFileSync(path, JSON.stringify(NOTEBOOK));
});
afterAll(() => rmSync(folder, { recursive: true }));

function lecture(...args: string[]) {
  const script = join(root, 'scripts', 'lecture.mjs');
  return spawnSync(process.execPath, [script, '--out', join(folder, 'out'), ...args], { encoding: 'utf8' });
}

describe('npm run lecture with another notebook, without the cells `parameters` and `evaluate`', () => {
  let cells: Map<string, CodeCell>;
  let page: Document;
  beforeAll(() => {
    const { status, stdout, stderr } = lecture('--notebook', path);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^\[ 1\/4\] first [^]*\[ 2\/4\] raising [^]*\[ 4\/4\] last [^]*\nwrote .*ipynb\nwrote .*html\n$/,
    );
    const executed = readNotebook(join(folder, 'out', 'other.ipynb'));
    cells = new Map(executed.cells.flatMap((cell) => (cell.cell_type === 'code' ? [[cell.id, cell]] : [])));
    page = new JSDOM(readFileSync(join(folder, 'out', 'other.html'), 'utf8')).window.document;
  });

  const outputs = (id: string) => cells.get(id)!.outputs;

  test('continues after a cell that is to raise an exception, and shows it', () => {
    expect(outputs('raising')).toEqual([expect.objectContaining({ ename: 'RangeError', evalue: 'meant' })]);
    expect(joined(outputs('last')[0].text!)).toBe('2\n');
  });

  test('skips a cell that is to be skipped, and keeps its outputs', () => {
    expect(joined(outputs('skipped')[0].text!)).toBe('earlier skipped\n');
  });

  test('shows formulas, and leaves every other dollar sign as it is', () => {
    const text = (selector: string) =>
      [...page.querySelectorAll(selector)].map(({ textContent }) => textContent.trim());
    expect(text('.jp-MarkdownOutput p > code')).toEqual(['${name}_${index}.png', '$y']);
    expect(text('.jp-MarkdownOutput strong')).toEqual(['coffee']);
    const prose = text('.jp-MarkdownOutput p');
    expect(prose[0]).toContain('not ${name}_${index}.png.');
    expect(prose[1]).toMatch(/^Tea costs \$5, coffee \$6\. A loss of 12, and broken: \$\\frac\{a\}\{b\}_\$\.$/);
    expect(text('.jp-MarkdownOutput pre')).toEqual(['echo "$HOME/$USER" $$']);
    expect(prose.at(-1)).toBe('The end.');
    const formulas = [...page.querySelectorAll('math')];
    expect(formulas.map((formula) => formula.getAttribute('display'))).toEqual(['inline', 'block']);
    expect(formulas[1].textContent.replaceAll(' ', '')).toBe('x1<2');
  });
});

test.each([
  [['--epochs', '1'], '--epochs 1: the notebook has no cell with the tag `parameters`.\n'],
  [['--kernel', 'none'], /^There is no kernel named none \(expected one of .*\btslab\b.*\)\.\n$/],
  [['--notebook', '/nowhere.ipynb'], /^\/nowhere\.ipynb cannot be read as a notebook: .*No such file.*\n$/],
  [['--out', '/dev/null'], /^\/dev\/null may not be written to \(.*\): name another folder with --out\.\n$/],
])('npm run lecture %j says what is wrong in a sentence', (args, sentence) => {
  const { status, stderr } = lecture('--notebook', path, ...args);
  expect([status, stderr]).toEqual([1, typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
});
