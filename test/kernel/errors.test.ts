import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type Kernel, startKernel } from '../helpers/kernel';
import { readNotebook, root } from '../helpers/notebook';
import { installPackages, python } from '../helpers/python';
import { installStockKernel } from '../helpers/stock-kernel';

const MINUTES = 60_000;

let kernel: Kernel;
beforeAll(async () => {
  kernel = await startKernel();
});
afterAll(() => kernel.stop());

/** A traceback without colours. */
function plain(traceback: string[] | undefined): string {
  return stripVTControlCharacters(traceback!.join('\n'));
}

/** Runs a cell that must fail, and checks its messages. @returns its traceback. */
async function tracebackOf(code: string): Promise<string> {
  const run = await kernel.run(code);
  expect(run.status).toBe('error');
  expect(run.stderr).toBe('');
  const errors = run.outputs.filter(({ output_type }) => output_type === 'error');
  expect(errors).toHaveLength(1);
  const { ename, evalue, traceback } = errors[0];
  expect({ ename, evalue, traceback }).toEqual({ ename: run.ename, evalue: run.evalue, traceback: run.traceback });
  return withoutCounts(plain(traceback));
}

/** Removes the counts of cells, which depend on earlier tests. */
function withoutCounts(text: string): string {
  expect(text).not.toMatch(/tslab|node:internal|kernel[\\/]|__cell|evalmachine|zeromq/);
  return text.replace(/Cell In\[\d+\]/g, 'Cell In[.]');
}

test('variables that a failed cell did not reach keep their earlier values', async () => {
  await kernel.run('const early = 1, late = { is: 2 };');
  await kernel.run('const early = 10; throw new Error(); const late = { is: 20 };');
  expect((await kernel.run('console.log(early, late.is);')).stdout).toBe('10 2\n');
  const stopped = kernel.start('console.log("waits"); await new Promise(() => {}); const late = { is: 30 };');
  await stopped.until(/waits/);
  await kernel.interrupt();
  await stopped.ended;
  expect((await kernel.run('console.log(early, late.is);')).stdout).toBe('10 2\n');
});

describe('an error that a cell throws', () => {
  test('shows name, message and the line as typed, in the reply and in the iopub message', async () => {
    const run = await kernel.run('const limit: number = 3;\n\nthrow new RangeError("too far");');
    expect([run.status, run.ename, run.evalue]).toEqual(['error', 'RangeError', 'too far']);
    expect(run.messages.map(({ msg_type }) => msg_type)).toEqual(['status', 'execute_input', 'error', 'status']);
    expect(withoutCounts(plain(run.traceback))).toBe(
      [
        'RangeError: too far',
        'Cell In[.], line 3, column 7',
        '  2 | ',
        '> 3 | throw new RangeError("too far");',
        '    |       ^',
      ].join('\n'),
    );
  });

  test('names the cell by its count, as Jupyter shows it', async () => {
    const run = await kernel.run('null!.x;');
    expect(plain(run.traceback)).toContain(`Cell In[${run.reply!.execution_count}], line 1,`);
  });

  test.each([
    ['types', 'interface A {\n  a: number;\n}\ntype B = { b: A };\nconst b: B = null as never as B;\nb.b;', 6, 'b.b'],
    ['a template string of several lines', 'const t = `one\ntwo ${1 + 1}\nthree`;\n(t as any).x.y;', 4, '(t as any)'],
    [
      'imports',
      "import { readFileSync } from 'node:fs';\nimport * as os from 'node:os';\n\nreadFileSync('/none' + os.EOL);",
      4,
      'read',
    ],
    [
      'top-level await',
      'const two: number = await Promise.resolve(2);\nconst n = await null!;\nn!.x = two;',
      3,
      'n!.x',
    ],
    [
      'an enum and a class',
      'enum E { A, B }\nclass P {\n  constructor(readonly x: E) {}\n}\nnew P(E.A).x;\n\nthrow Error("e");',
      7,
      'throw',
    ],
    [
      'parameters with defaults',
      'const f = (a: number, { b = 2 }: { b?: number } = {}): number =>\n  a + b +\n  (null as any).c;\nf(1);',
      3,
      '(null',
    ],
    ['comments', '// one\n/* two\n three */\n\nundefined!.x; // four', 5, 'undefined'],
  ])('shows the right line in a cell with %s', async (_what, code, line, start) => {
    const shown = await tracebackOf(code);
    expect(shown).toContain(`Cell In[.], line ${line}, column`);
    expect(shown.split('\n').find((text) => text.startsWith(`> ${line} | `))).toContain(start);
  });

  test('shows the calls through functions of other cells, innermost first', async () => {
    const declared = await kernel.run(
      'function half(n: number): number {\n  if (n % 2) throw new Error("odd");\n  return n / 2;\n}',
    );
    const run = await kernel.run('\nhalf(7);');
    const [there, here] = [declared, run].map(({ reply }) => `Cell In[${reply!.execution_count}]`);
    expect(plain(run.traceback)).toContain(`${there}, line 2, column 20`);
    expect(plain(run.traceback).split('\n').slice(-2)).toEqual([`    at half (${there}:2:20)`, `    at ${here}:2:1`]);
  });

  test('in a deep recursion shows the line of the cell, and repeated calls once', async () => {
    const shown = await tracebackOf(
      'function fall(n: number): void {\n  if (n === 0) throw new Error("ground");\n  fall(n - 1);\n}\nfall(40);',
    );
    expect(shown.split('\n').slice(-3)).toEqual([
      '    at fall (Cell In[.]:2:22)',
      '    at fall (Cell In[.]:3:3)',
      '    at Cell In[.]:5:1',
    ]);
  });

  test('in mnist-lib shows the line of the cell, and a call in the library’s source', async () => {
    const shown = await tracebackOf("import { digitGrid } from 'mnist-lib';\n\ndigitGrid([] as any, [] as any);");
    expect(shown).toContain('> 3 | digitGrid([] as any, [] as any);');
    expect(shown).toMatch(/\n {4}at digitGrid \(lib\/figures\/digit-grid\.ts:\d+:\d+\)\n {4}at Cell In\[\.\]:3:\d+$/);
  });

  test('in TensorFlow.js shows the function that the cell called, and no internal calls', async () => {
    const shown = await tracebackOf(`import * as tf from '@tensorflow/tfjs-node';
const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
model.predict(tf.zeros([2, 5]));`);
    expect(shown).toContain('ValueError: Error when checking');
    expect(shown).toContain('> 3 | model.predict(tf.zeros([2, 5]));');
    expect(shown).toMatch(/\n {4}at Sequential\.predict \(@tensorflow\/tfjs-layers\/.*\)\n {4}at Cell In\[\.\]:3:7$/);
  });

  test('of a cell’s own class shows the name of the class, and the cause', async () => {
    const shown = await tracebackOf(
      'class NoDigits extends Error {}\nconst cause = new TypeError("below");\nthrow new NoDigits("none", { cause });',
    );
    expect(shown).toMatch(
      /^NoDigits: none\nCell In\[\.\], line 3[^]*\nCaused by\nTypeError: below\nCell In\[\.\], line 2,/,
    );
  });

  test('after an await in a function shows the lines that awaited it', async () => {
    const shown = await tracebackOf(`async function lower(): Promise<number> {
  await null;
  throw new Error('low');
}
const upper = async () => 1 + (await lower());
await upper();`);
    expect(shown).toContain('Cell In[.], line 3, column 9');
    expect(shown).toMatch(
      /at lower \(Cell In\[\.\]:3:9\)\n {4}at async upper \(Cell In\[\.\]:5:\d+\)\n {4}at Cell In\[\.\]:6:/,
    );
  });

  test('in an awaited promise shows the line', async () => {
    expect(await tracebackOf('await Promise.reject(new TypeError("rejected"));')).toMatch(
      /^TypeError: rejected\nCell In\[\.\], line 1,/,
    );
  });

  test.each([
    ['"text"', "'text'"],
    ['null', 'null'],
    ['{ code: 7 }', '{ code: 7 }'],
  ])('need not be an Error: throw %s', async (value, shown) => {
    expect(await tracebackOf(`throw ${value};`)).toBe(
      `Uncaught ${shown}\nNot an Error object, so its location is unknown.`,
    );
  });

  test('has a stack of cells if the cell itself catches and prints it', async () => {
    const run = await kernel.run(
      'try {\n  throw new Error("caught");\n} catch (error) {\n  console.log((error as Error).stack);\n}',
    );
    expect(withoutCounts(run.stdout)).toBe('Error: caught\n    at Cell In[.]:2:9\n');
  });
});

describe('an uncaught error', () => {
  test('in a promise appears in the running cell, which goes on', async () => {
    const run = await kernel.run(`const lost = async () => { throw new Error('nobody awaits'); };
void lost();
await new Promise((resolve) => setTimeout(resolve, 50));
console.log('went on');`);
    expect([run.status, run.stdout, run.stderr]).toEqual(['ok', 'went on\n', '']);
    const [{ ename, evalue, traceback }] = run.outputs;
    expect([ename, evalue]).toEqual(['Error', 'nobody awaits']);
    expect(withoutCounts(plain(traceback))).toContain('Cell In[.], line 1, column 34');
  });

  test.each([
    ['in a promise', 'void setTimeout(() => void Promise.reject(new Error("late")), 50);'],
    ['in a timer', 'void setTimeout(() => { throw new Error("late"); }, 50);'],
  ])('%s, after the end of its cell, appears in that cell, and the kernel lives', async (_where, code) => {
    const run = await kernel.run(code);
    expect([run.status, run.outputs]).toEqual(['ok', []]);
    await run.until(/late/);
    expect(run.outputs.map(({ ename }) => ename)).toEqual(['Error']);
    expect(withoutCounts(plain(run.outputs[0].traceback))).toContain('Cell In[.], line 1, column');
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test('appears in its own cell while another one runs', async () => {
    const own = await kernel.run('void setTimeout(() => void Promise.reject(new Error("late")), 200);');
    const other = await kernel.run('await new Promise((resolve) => setTimeout(resolve, 500));');
    expect([other.status, other.outputs]).toEqual(['ok', []]);
    expect(own.outputs.map(({ ename, evalue }) => [ename, evalue])).toEqual([['Error', 'late']]);
  });
});

test('the rejection of an unawaited promise need not be an Error', async () => {
  const run = await kernel.run('void setTimeout(() => void Promise.reject("late"), 50);');
  await run.until(/Uncaught.* 'late'/);
});

describe('a compiler error:', () => {
  test('a type error shows line, column and code', async () => {
    expect(await tracebackOf("const one = 1;\n\tconst width: number = 'wide';")).toBe(
      [
        "TypeScriptError: Type 'string' is not assignable to type 'number'.",
        'Cell In[.], line 2, column 8',
        '  1 | const one = 1;',
        "> 2 | \tconst width: number = 'wide';",
        '    | \t      ^^^^^',
      ].join('\n'),
    );
  });

  test('a type error in an argument shows the reasons', async () => {
    const shown = await tracebackOf(
      'declare function f(x: { s: { a: number } }): void;\nconst s = { s: { a: "x" } };\nf(s);',
    );
    expect(shown).toMatch(
      /^TypeScriptError: Argument of type .*\n {2}The types of 's\.a' .*\n {4}Type 'string' is not assignable to type 'number'\.\nCell In\[\.\], line 3, column 3\n/,
    );
  });

  test('two errors are both shown', async () => {
    const shown = await tracebackOf("const a: number = 'a';\nconst b: string = 2;");
    expect(shown.match(/^> \d \| .*/gm)).toEqual(["> 1 | const a: number = 'a';", '> 2 | const b: string = 2;']);
  });

  test('a syntax error shows line and column', async () => {
    expect(await tracebackOf('let x = (1 + ;')).toMatch(
      /^SyntaxError: Expression expected\.\nCell In\[\.\], line 1, column 14\n/,
    );
  });

  test('an unknown name that a cell of the notebook declares shows the line in that cell', async () => {
    const shown = await tracebackOf('const pixels = trainImages.length;');
    expect(shown).toContain(
      "TypeScriptError: Cannot find name 'trainImages'.\ntrainImages comes from the cell with " +
        '`const { trainImages, trainLabels, testImages, testLabels } = mnist.loadMnist();`, which has not been run',
    );
    expect(shown).toContain('> 1 | const pixels = trainImages.length;\n    |                ^^^^^^^^^^^');
  });

  test('an unknown name that no cell of the notebook declares shows what to check', async () => {
    expect(await tracebackOf('nonesuch();')).toContain(
      'If a cell above declares nonesuch, it has not been run in this kernel',
    );
  });
});

test('a loop that prints 3,000 lines loses none, and both streams and displays stay in order', async () => {
  const run = await kernel.run(`import * as tslab from 'tslab';
for (let i = 0; i < 3000; i++) console.log(i);
console.error('error');
tslab.display.text('shown');
console.log('end');`);
  expect(run.status).toBe('ok');
  expect(run.outputs.map(({ name, text, data }) => name ?? [text, data])).toEqual([
    'stdout',
    'stderr',
    [undefined, expect.anything()],
    'stdout',
  ]);
  expect(run.stdout).toBe([...Array(3000).keys(), 'end', ''].join('\n'));
});

describe('{ epochs }', () => {
  test('takes a variable of an earlier cell', async () => {
    await kernel.run('let epochs = 3; const text = "x";');
    const run = await kernel.run(
      'const options = { epochs, nested: [{ text, epochs }] };\n({ epochs } = { epochs: 5 });\nconsole.log(JSON.stringify(options), epochs);',
    );
    expect([run.status, run.stdout]).toEqual(['ok', '{"epochs":3,"nested":[{"text":"x","epochs":3}]} 5\n']);
  });

  test('keeps the column of a later error right', async () => {
    expect(await tracebackOf("const o = { epochs, text }; const n: number = 'n';")).toContain('line 1, column 35\n');
    expect(await tracebackOf('const p = { epochs, text }; throw new Error("here");')).toContain('line 1, column 35\n');
  });
});

describe('programs that run notebooks:', () => {
  let folder: string;
  let papermill: string; // the folder of papermill and its packages
  let stock: { JUPYTER_PATH: string };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'errors-'));
    papermill = join(folder, 'papermill');
    stock = installStockKernel(join(folder, 'stock'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const FAILING = {
    cell_type: 'code',
    id: 'a',
    metadata: {},
    execution_count: null,
    outputs: [],
    source: 'throw new RangeError("a");',
  };
  const NEXT = { ...FAILING, id: 'b', source: 'console.log("b");' };

  /** The path of a notebook with these two cells. */
  let notebook: string;
  beforeAll(() => {
    notebook = join(folder, 'notebook.ipynb');
    const kernelspec = { name: 'tslab', display_name: 'TypeScript', language: 'typescript' };
    const content = { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: [FAILING, NEXT] };
    writeFileSync(notebook, JSON.stringify(content));
  });

  /** Runs a Python module without using the user's Jupyter folders. */
  function execute(...args: string[]) {
    const jupyter = { JUPYTER_DATA_DIR: folder, JUPYTER_CONFIG_DIR: folder, JUPYTER_PREFER_ENV_PATH: '1' };
    const env = { ...process.env, ...jupyter, PYTHONPATH: papermill };
    return spawnSync(python, ['-m', ...args], { encoding: 'utf8', env });
  }

  function nbconvert(...options: string[]) {
    return execute('nbconvert', '--to', 'markdown', '--stdout', '--execute', ...options, notebook);
  }

  test('nbconvert prints name, message and line of the error', () => {
    const { status, signal, stderr } = nbconvert();
    expect([status, signal]).toEqual([1, null]);
    expect(stripVTControlCharacters(stderr)).toContain('\nRangeError: a\nCell In[1], line 1, column 7\n');
  });

  test('nbconvert --allow-errors shows the error and runs the next cell', () => {
    const { status, stdout } = nbconvert('--allow-errors');
    expect(status).toBe(0);
    expect(stdout).toMatch(/RangeError[^]*: a\n[^]*\n {4}b\n/);
  });

  test('papermill prints name, message and line of the error, and writes them into the notebook', () => {
    installPackages('papermill', papermill);
    const executed = join(folder, 'executed.ipynb');
    const { status, stderr } = execute('papermill', '--no-progress-bar', notebook, executed);
    expect(status).not.toBe(0);
    expect(stripVTControlCharacters(stderr)).toContain('\nRangeError: a\nCell In[1], line 1, column 7\n');
    const cells = readNotebook(executed).cells.filter((cell) => cell.cell_type === 'code');
    const [error] = cells.find(({ source }) => source === FAILING.source)!.outputs;
    expect(error).toMatchObject({ output_type: 'error', ename: 'RangeError', evalue: 'a' });
  });

  test.each([['tslab'], ['stock-tslab']])(
    'npm run lecture with the kernel %s names the failed cell and the reason, without a stack',
    (name) => {
      const empty = join(folder, 'empty');
      mkdirSync(empty, { recursive: true });
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(root, 'scripts', 'lecture.mjs'), '--kernel', name, '--out', join(folder, 'never')],
        { encoding: 'utf8', env: { ...process.env, ...stock, MNIST_DIR: empty } },
      );
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /^Cell load-data failed:\n\n[^]*DataError: train-images-idx3-ubyte is missing: MNIST_DIR names/,
      );
      expect(stderr).not.toMatch(/^ +at /m);
    },
    2 * MINUTES,
  );

  test('the stock kernel still runs cells and shows errors', async () => {
    const other = await startKernel({ name: 'stock-tslab', env: stock });
    const failed = await other.run('throw new RangeError("stock");');
    expect([failed.status, failed.ename]).toEqual(['error', undefined]);
    expect(failed.stderr).toContain('RangeError: stock');
    await new Promise((resolve) => setTimeout(resolve, 300)); // it aborts requests within 200 ms of a failure
    expect((await other.run('6 * 7')).stdout).toBe('42\n');
    await other.stop();
  });
});

test('the kernel rejects a TypeScript version that it was not written for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typescript-'));
  const typescript = join(folder, 'node_modules', 'typescript');
  mkdirSync(typescript, { recursive: true });
  const installed = join(root, 'node_modules');
  writeFileSync(
    join(typescript, 'index.js'),
    `module.exports = { ...require(${JSON.stringify(join(installed, 'typescript'))}), version: '5.9.4' };`,
  );
  const copied = join(folder, 'dist');
  cpSync(join(root, 'kernel', 'dist'), copied, { recursive: true });
  const env = { ...process.env, NODE_PATH: installed };
  const { status, stderr } = spawnSync(process.execPath, [join(copied, 'main.js'), 'none'], { encoding: 'utf8', env });
  rmSync(folder, { recursive: true });
  expect([status, stderr.split('\n').length]).toEqual([1, 2]);
  expect(stderr).toMatch('was written for TypeScript 5.9.3, and this is 5.9.4');
});

test.each([
  ['missing', null],
  ['damaged', '\x7fELF, cut short'],
])("if TensorFlow's addon is %s, the error shows the command that fixes it", async (_what, contents) => {
  // A copy of tfjs-node, so that the installed one stays unchanged.
  const folder = mkdtempSync(join(tmpdir(), 'addon-'));
  const [installed, copy] = [root, folder].map((folderOf) =>
    join(folderOf, 'node_modules', '@tensorflow', 'tfjs-node'),
  );
  cpSync(installed, copy, { recursive: true, filter: (path) => !path.endsWith('.node') });
  if (contents) {
    writeFileSync(join(copy, 'lib', 'napi-v8', 'tfjs_binding.node'), contents);
  }
  const other = await startKernel({ env: { NODE_PATH: join(root, 'node_modules') } });
  const failed = await other.run(`const tf = require(${JSON.stringify(copy)});`);
  expect([failed.status, failed.ename, failed.stderr]).toEqual(['error', 'AddonError', '']);
  expect(failed.evalue).toMatch(
    /^TensorFlow's addon is missing, damaged or built for another Node: run `npm run setup`/,
  );
  await other.stop();
  rmSync(folder, { recursive: true });
});
