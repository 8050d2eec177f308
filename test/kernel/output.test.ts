// The output, values and errors of cells, all of which must reach the notebook.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { Subscriber } from 'zeromq';
import { type Client, startKernelWithClient } from '../helpers/client';
import type { Kernel, Run } from '../helpers/kernel';
import { testOnLinux } from '../helpers/on-linux';
import { python } from '../helpers/python';

const MEGABYTE = 1 << 20;
const PADDING = 'x'.repeat(500);

let kernel: Kernel;
let client: Client;
beforeAll(async () => {
  ({ kernel, client } = await startKernelWithClient());
});

const plain = (run: Run): string => stripVTControlCharacters((run.traceback ?? []).join('\n'));
const numbers = (count: number): string => Array.from({ length: count }, (_, index) => `${index}\n`).join('');
/** The text of a run's streams that the client received. */
const printed = (id: string): string =>
  client
    .on('iopub', id)
    .filter(({ msg_type }) => msg_type === 'stream')
    .map(({ content }) => content.text as string)
    .join('');
/** The resident memory of a process, in bytes. */
const memory = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;

describe('large output', () => {
  test('of 40,000 lines in a loop arrives completely', async () => {
    const run = await kernel.run('for (let i = 0; i < 40_000; i++) console.log(i);');
    expect(run.status).toBe('ok');
    expect(run.stdout === numbers(40_000)).toBe(true);
  });

  test.each([
    ['await null', 'await null'],
    ['an await of an immediate', 'await new Promise<void>((resolve) => setImmediate(resolve))'],
    ['an await of a nextTick', 'await new Promise<void>((resolve) => process.nextTick(resolve))'],
  ])('of 20,000 lines with %s after each arrives completely', async (_what, pause) => {
    const run = await kernel.run(`for (let i = 0; i < 20_000; i++) { console.log(i); ${pause}; }`);
    expect(run.status).toBe('ok');
    expect(run.stdout === numbers(20_000)).toBe(true);
  });

  test('of one line of 20 million characters arrives completely', async () => {
    const run = await kernel.run("console.log('0123456789'.repeat(2_000_000));");
    expect(run.stdout === `${'0123456789'.repeat(2_000_000)}\n`).toBe(true);
  });

  test('of 30,000 lines is kept by nbclient', () => {
    const script = `
import nbclient, nbformat
code = 'for (let i = 0; i < 30_000; i++) { console.log(i); if (i % 100 === 0) await null; }'
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
nbclient.NotebookClient(notebook, kernel_name='tslab').execute()
outputs = notebook.cells[0].outputs
print({output.name for output in outputs}, "".join(output.text for output in outputs) == ''.join(f'{i}\\n' for i in range(30_000)))`;
    const { stdout, stderr } = spawnSync(python, ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, JUPYTER_PREFER_ENV_PATH: '1' },
    });
    expect([stdout, stderr]).toEqual(["{'stdout'} True\n", expect.not.stringContaining('Error')]);
  });

  test('of both streams, displays, updates and an error stays in order, and idle comes last', async () => {
    const run = await kernel.run(`import * as tslab from 'tslab';
      const shown = tslab.newDisplay();
      for (let round = 0; round < 200; round++) {
        console.log('out ' + round);
        console.error('err ' + round);
        round === 0 ? shown.text('first') : shown.text('again ' + round);
        if (round % 50 === 0) await null;
      }
      process.stdout.write('before the error');
      throw new Error('last');`);
    const texts = run.messages.flatMap(({ msg_type, content }) => {
      const data = content.data as Record<string, string> | undefined;
      return msg_type === 'status'
        ? [content.execution_state]
        : msg_type === 'execute_input'
          ? []
          : [content.text ?? content.evalue ?? data?.['text/plain']];
    });
    const rounds = Array.from({ length: 200 }, (_, round) => [
      `out ${round}\n`,
      `err ${round}\n`,
      round ? `again ${round}` : 'first',
    ]);
    expect(texts).toEqual(['busy', ...rounds.flat(), 'before the error', 'last', 'idle']);
  });

  test('comes before idle, even if it is printed last and without a line break', async () => {
    for (const code of [
      "process.stdout.write('x');",
      "console.log('x'); 1",
      "console.error('x'); throw 1;",
      "await null; process.stderr.write('x')",
    ]) {
      const { messages } = await client.run(code);
      const kinds = messages.map(({ msg_type }) => msg_type);
      expect(kinds.indexOf('stream')).toBeGreaterThan(0);
      expect(kinds.at(-1)).toBe('status');
      expect(kinds.slice(kinds.indexOf('stream')).filter((kind) => kind === 'status')).toHaveLength(1);
    }
  });

  test.each([
    ["console.log('before')", 'stdout'],
    ["process.stdout.write('before')", 'stdout'],
    ["console.error('before')", 'stderr'],
    ["(await import('tslab')).display.text('before')", 'a display'],
  ])('of %s just before an endless loop arrives while the loop runs', async (print) => {
    const run = kernel.start(`${print}; for (;;) {}`);
    await run.until(/before/);
    expect(run.reply).toBeUndefined();
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
  });

  test.each([
    ['a loop', `for (let i = 0; ; i++) console.log(i, '${PADDING}');`],
    ['a loop that awaits', `for (let i = 0; ; i++) { console.log(i, '${PADDING}'); await null; }`],
    [
      'an interval',
      `let n = 0; setInterval(() => { for (let k = 0; k < 2000; k++) console.log(n++, '${PADDING}'); }, 0); await new Promise(() => {});`,
    ],
  ])('of %s without end can be stopped, stays in order, and does not fill the memory', async (_what, code) => {
    const before = memory(kernel.pid);
    const id = await client.send('execute_request', { code, silent: false }, { metadata: { cellId: 'endless' } });
    let characters = 0;
    let seen = 0;
    await client.until(() => {
      const received = client.on('iopub', id);
      characters += received
        .slice(seen)
        .reduce((sum, { content }) => sum + ((content.text as string | undefined)?.length ?? 0), 0);
      seen = received.length;
      return characters > 20 * MEGABYTE;
    });
    expect(memory(kernel.pid) - before).toBeLessThan(300 * MEGABYTE);
    await client.send('interrupt_request', {}, { channel: 'control' });
    expect((await client.replyTo(id)).content).toMatchObject({ status: 'error', ename: 'Interrupted' });
    await client.idle(id);
    const lines = printed(id).split('\n').slice(0, -1);
    expect(lines.every((line, index) => line === `${index} ${PADDING}`)).toBe(true);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test('of displays without end does not fill the memory', async () => {
    const before = memory(kernel.pid);
    const id = await client.execute(
      "const { display } = await import('tslab'); for (;;) display.html('x'.repeat(100_000));",
    );
    await client.until(() => client.on('iopub', id).length > 500);
    expect(memory(kernel.pid) - before).toBeLessThan(300 * MEGABYTE);
    await client.send('interrupt_request', {}, { channel: 'control' });
    expect((await client.replyTo(id)).content).toMatchObject({ status: 'error', ename: 'Interrupted' });
    await client.idle(id);
    client.messages.length = 0;
  });

  test('completely reaches a subscriber that reads nothing for two seconds', async () => {
    const { ip, iopub_port } = await kernel.connection();
    const slow = new Subscriber({ linger: 0, receiveHighWaterMark: 10 });
    slow.connect(`tcp://${ip}:${iopub_port}`);
    slow.subscribe('stream');
    slow.subscribe('status');
    const ready = slow.receive();
    const subscribed = ready.then(() => true);
    while (!(await Promise.race([subscribed, client.request('kernel_info_request', {}).then(() => false)])));
    const run = kernel.start(`for (let i = 0; i < 6000; i++) {
      console[i % 2 ? 'log' : 'error'](i, 'x'.repeat(2000));
    }`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const received: number[] = [];
    for await (const frames of slow) {
      const content = JSON.parse(String(frames.at(-1))) as { text?: string };
      received.push(...[...(content.text ?? '').matchAll(/^\d+/gm)].map(Number));
      if (received.at(-1) === 5999) {
        break;
      }
    }
    slow.close();
    expect(received).toEqual([...Array(6000).keys()]);
    expect((await run.ended).status).toBe('ok');
  });
});

describe('process.stdout.write', () => {
  test.each([
    ["process.stdout.write('x', done)", 'x'],
    ["process.stdout.write('x', 'utf8', done)", 'x'],
    ["process.stdout.write('eA==', 'base64', done)", 'x'],
    ["process.stdout.write(Buffer.from('x'), done)", 'x'],
    ["process.stdout.write('', done)", ''],
    ['process.stdout.write(new Uint8Array([120]), undefined, done)', 'x'],
    ["process.stderr.write('x', done)", 'x'],
    ["process.stderr.write('x', 'latin1', done)", 'x'],
  ])('%s calls its callback once', async (write, text) => {
    const run = await kernel.run(`{ let calls = 0;
      const returned = await new Promise<boolean>((resolve) => { const result = ${write.replace('done', '() => { calls++; setImmediate(() => resolve(result)); }')}; });
      console.info(\`|\${returned} \${calls}\`); }`);
    expect([run.status, run.stderr + run.stdout]).toEqual(['ok', `${text}|true 1\n`]);
  });

  test('returns true, so that writers do not wait for a drain event', async () => {
    expect((await kernel.run("process.stdout.write('x')")).result).toBe('true');
  });

  test.each([
    ['two writes', 'out(0, 2); out(2);'],
    ['writes of a byte each', 'for (let i = 0; i < bytes.length; i++) out(i, i + 1);'],
    ['two writes with an await between', 'out(0, 1); await null; out(1);'],
    ['two writes with a write to stderr between', "out(0, 2); process.stderr.write('!'); out(2);"],
    ['two writes of both streams in turn', 'out(0, 3); err(0, 1); out(3); err(1);'],
  ])('a character that is split over %s is printed correctly', async (_what, code) => {
    const run = await kernel.run(`{ const bytes = Buffer.from('😀ü');
      const out = (...range: number[]) => process.stdout.write(bytes.subarray(...range));
      const err = (...range: number[]) => process.stderr.write(bytes.subarray(...range));
      ${code} }`);
    expect(run.stdout).toBe('😀ü');
    expect(run.stderr).not.toContain('\ufffd');
  });

  // Jupyter cannot save a notebook with half a character.
  test.each([
    ['text', "console.log('😀'[0])", '\ufffd\n'],
    ['text with backslashes', "console.log('\\\\ud83d 😀'.split('').join('|'))", '\\|u|d|8|3|d| |\ufffd|\ufffd\n'],
    ['an error', "throw new Error('😀'[1])", ': \ufffd'],
    ['a value', "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/plain': '😀'.slice(1) }) })", '\ufffd'],
  ])('half a character in %s arrives as U+FFFD', async (_what, code, text) => {
    expect((await kernel.run(code)).text).toContain(text);
  });

  test.each([
    [
      'a pipe',
      "const source = Readable.from(['a', 'b', 'c']); source.pipe(process.stdout); await new Promise((done) => source.on('end', done))",
    ],
    [
      'pipeline, for the second time,',
      "await pipeline(Readable.from(['']), process.stdout); await pipeline(Readable.from(['a', 'b', 'c']), process.stdout)",
    ],
    ['end', "process.stdout.write('ab'); await new Promise<void>((done) => void process.stdout.end('c', done))"],
    ['destroy', "process.stdout.write('abc'); process.stdout.destroy()"],
  ])('after the last text of %s, the same cell and later ones still print', async (_what, code) => {
    const run = await kernel.run(`import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
${code};
console.log('d');`);
    expect([run.status, run.stdout]).toEqual(['ok', 'abcd\n']);
    expect((await kernel.run("process.stdout.write('later'), undefined")).stdout).toBe('later');
  });

  testOnLinux(
    'leaves the pipes that Jupyter shares with the kernel blocking, so that others lose no output there',
    async () => {
      await kernel.run("console.log('out'); console.error('err');");
      for (const fd of [1, 2]) {
        const [, flags] = /^flags:\t(\d+)$/m.exec(readFileSync(`/proc/${kernel.pid}/fdinfo/${fd}`, 'utf8'))!;
        expect([fd, parseInt(flags, 8) & constants.O_NONBLOCK]).toEqual([fd, 0]);
      }
    },
  );

  test('half a character at the end of a cell does not corrupt the next one', async () => {
    await kernel.run("process.stdout.write(Buffer.from('ü').subarray(0, 1)), undefined");
    expect((await kernel.run("console.log('next')")).stdout).toMatch(/next\n$/);
    expect((await kernel.run("process.stdout.write(Buffer.from('ö')), undefined")).stdout).toBe('ö');
  });

  test.each(['7', 'null', 'undefined', '{}'])('of %s fails with an error that says what is expected', async (value) => {
    expect((await kernel.run(`process.stdout.write(${value} as any)`)).evalue).toMatch(
      /expected a string, a Buffer or a Uint8Array/,
    );
  });
});

describe('what a child process prints to an output that it inherits is shown:', () => {
  const IMPORT =
    "import { execFileSync, execSync, fork, spawn, spawnSync } from 'node:child_process';\nimport { once } from 'node:events';\n";
  const folder = mkdtempSync(join(tmpdir(), 'child-'));
  const file = join(folder, 'child.js');
  beforeAll(() => writeFileSync(file, "console.log('out'); console.error('wrong');"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const ENDED = (start: string): string =>
    `const child = ${start}; await once(child, 'close'); [child.stdout, child.stderr]`;
  test.each([
    ['execSync', "execSync('echo out; echo wrong >&2', { stdio: 'inherit' })", 'null'],
    [
      'execFileSync',
      "execFileSync('sh', ['-c', 'echo out; echo wrong >&2'], { stdio: [0, process.stdout, 2] })",
      'null',
    ],
    [
      'spawnSync',
      "spawnSync('sh', ['-c', 'echo out; echo wrong >&2'], { stdio: ['ignore', 'inherit', 'inherit'] }).output",
      '[ null, null, null ]',
    ],
    [
      'spawnSync that swaps both',
      "spawnSync('sh', ['-c', 'echo wrong; echo out >&2'], { stdio: ['ignore', 2, 1] }).status",
      '0',
    ],
    ['spawn', ENDED("spawn('sh', ['-c', 'echo out; echo wrong >&2'], { stdio: 'inherit' })"), '[ null, null ]'],
    [
      'spawn, in part',
      `let piped = ''; const child = spawn('sh', ['-c', 'echo out; echo wrong >&2; echo piped >&3'], { stdio: ['ignore', process.stdout, process.stderr, 'pipe'] }); child.stdio[3]!.on('data', (chunk) => piped += chunk); await once(child, 'close'); piped`,
      "'piped\\n'",
    ],
    ['fork', ENDED('fork(FILE)'), '[ null, null ]'],
  ])('%s', async (_what, code, value) => {
    const run = await kernel.run(IMPORT + code.replace('FILE', JSON.stringify(file)));
    expect([run.stdout, run.stderr, run.result ?? 'null']).toEqual(['out\n', 'wrong\n', value]);
  });

  test('also if it fails, and in order', async () => {
    const run = await kernel.run(
      `${IMPORT}console.log(1); execSync('echo 2', { stdio: 'inherit' }); console.log(3); execSync('echo 4; exit 5', { stdio: 'inherit' });`,
    );
    expect([run.stdout, run.evalue]).toEqual(['1\n2\n3\n4\n', 'Command failed: echo 4; exit 5']);
  });

  test('while it runs, below the cell that has started it', async () => {
    const run = kernel.start(
      `${IMPORT}spawn('sh', ['-c', 'echo early; sleep 60'], { stdio: 'inherit' }); await new Promise(() => {});`,
    );
    await run.until(/early/);
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
  });
});

describe('the console', () => {
  test.each([
    ["console.table([{ a: 1, b: 'x' }])", /│ +a +│ +b +│[^]*│ +1 +│ +'x' +│/],
    ['console.dir({ deep: { deeper: { deepest: { end: 1 } } } }, { depth: null })', /end: 1/],
    ["console.time('t'); console.timeEnd('t');", /^t: [\d.]+ms\n$/],
    ["console.time('t'); console.timeLog('t', 'x'); console.timeEnd('t');", /^t: [\d.]+ms x\nt: [\d.]+ms\n$/],
    ["console.group('head'); console.log('in'); console.groupEnd(); console.log('out');", /^head\n {2}in\nout\n$/],
    ["console.groupCollapsed('head'); console.log('in'); console.groupEnd();", /^head\n {2}in\n$/],
    ['console.count(); console.count(); console.countReset();', /^default: 1\ndefault: 2\n$/],
    ["console.info('%s is %d', 'six', 6); console.debug('low');", /^six is 6\nlow\n$/],
  ])('%s prints', async (code, expected) => {
    expect((await kernel.run(code)).stdout).toMatch(expected);
  });

  test.each([
    ["console.warn('careful')", /^careful\n$/],
    ["console.trace('way')", /^Trace: way\n +at Cell In\[\d+\]:1:\d+\n$/],
    ["console.assert(false, 'wrong')", /^Assertion failed: wrong\n$/],
  ])('%s prints to stderr', async (code, expected) => {
    expect((await kernel.run(code)).stderr).toMatch(expected);
  });
});

describe('a cell that asks for input', () => {
  const noInput = /Cells cannot read input/;
  test.each([
    "prompt('Name?')",
    "confirm('Sure?')",
    "import * as readline from 'node:readline'; await new Promise((resolve) => readline.createInterface({ input: process.stdin, output: process.stdout }).question('Name?', resolve));",
    "import * as readline from 'node:readline'; await new Promise((resolve) => readline.createInterface({ input: process.stdin }).on('line', resolve));",
    "import * as readline from 'node:readline/promises'; await readline.createInterface({ input: process.stdin, output: process.stdout }).question('Name?');",
    "import * as readline from 'node:readline'; for await (const line of readline.createInterface({ input: process.stdin })) console.log(line);",
    "import * as readline from 'node:readline'; for await (const line of readline.createInterface(process.stdin, process.stdout)) console.log(line);",
    'for await (const chunk of process.stdin) console.log(chunk);',
    "process.stdin.on('data', () => {}); await new Promise(() => {});",
    "process.stdin.once('data', () => {}); await new Promise(() => {});",
    "process.stdin.addListener('readable', () => {}); await new Promise(() => {});",
    "process.stdin.setEncoding('utf8').on('data', () => {}); await new Promise(() => {});",
    "process.stdin.prependListener('data', () => {}); await new Promise(() => {});",
    'process.stdin.read()',
    'process.stdin.resume(); await new Promise(() => {});',
    'process.stdin.pipe(process.stdout); await new Promise(() => {});',
    "import { once } from 'node:events'; await once(process.stdin, 'data');",
    "import { text } from 'node:stream/consumers'; await text(process.stdin);",
    "import { pipeline } from 'node:stream/promises'; import { PassThrough } from 'node:stream'; await pipeline(process.stdin, new PassThrough());",
  ])('%s fails at once with an error that says that cells have none', async (code) => {
    const run = await kernel.run(code);
    expect([run.status, plain(run)]).toEqual(['error', expect.stringMatching(noInput)]);
  });

  test.each([
    "import * as fs from 'node:fs'; fs.readFileSync(0)",
    "import * as fs from 'node:fs'; fs.readFileSync('/dev/stdin', 'utf8')",
    "import * as fs from 'node:fs/promises'; await fs.readFile('/dev/stdin')",
    "import * as fs from 'node:fs'; fs.readSync(0, Buffer.alloc(1))",
  ])('%s does not wait', async (code) => {
    expect((await kernel.run(code)).reply).toBeDefined();
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });
});

describe('a cell that would end the kernel', () => {
  test.each([
    'process.exit()',
    'process.exit(1)',
    "process.exitCode = 3; process.exit('4' as any)",
    'process.reallyExit(0)',
    'const { exit } = process; exit(0)',
    "const { exit } = await import('node:process'); exit(2)",
    'await null; process.exit()',
    'await new Promise((resolve) => process.nextTick(() => { try { process.exit(); } catch (error) { resolve(Promise.reject(error)); } }))',
  ])('%s fails with an error that recommends Restart Kernel', async (code) => {
    const { pid } = kernel;
    const run = await kernel.run(code.replace('process.reallyExit', '(process as any).reallyExit'));
    expect([run.status, run.evalue]).toEqual(['error', expect.stringContaining('Restart Kernel')]);
    expect((await kernel.run('process.pid')).result).toBe(String(pid));
  });

  test.each([
    ['a timer', 'setTimeout(() => process.exit(1), 1), undefined'],
    ['an immediate', 'setImmediate(() => process.exit(1)), undefined'],
    ['an unawaited promise', 'void (async () => { await null; process.exit(1); })()'],
  ])('in %s shows the same error', async (_where, code) => {
    const run = await kernel.run(code);
    await run.until(/Restart Kernel/);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });
});

describe('a thrown value is shown:', () => {
  const THROWN: [what: string, code: string, shown: RegExp][] = [
    ['a string', "'just text'", /Uncaught 'just text'/],
    ['an empty string', "''", /Uncaught ''/],
    ['a number', '7', /Uncaught 7/],
    ['null', 'null', /Uncaught null/],
    ['undefined', 'undefined', /Uncaught undefined/],
    ['NaN', 'NaN', /Uncaught NaN/],
    ['a bigint', '7n', /Uncaught 7n/],
    ['a symbol', "Symbol('s')", /Uncaught Symbol\(s\)/],
    ['a function', '(function named() {})', /Uncaught \[Function: named\]/],
    ['an object', '({ code: 7 })', /Uncaught \{ code: 7 \}/],
    ['an object without a prototype', 'Object.assign(Object.create(null), { code: 7 })', /code: 7/],
    ['an object with a message only', "({ message: 'half an error' })", /half an error/],
    [
      'an error with an object of errors',
      "Object.assign(new Error('real reason'), { errors: { a: [1] } })",
      /Error: real reason/,
    ],
    [
      'an error with a number of errors',
      "Object.assign(new Error('real reason'), { errors: 3 })",
      /Error: real reason/,
    ],
    [
      'an AggregateError',
      "new AggregateError([new TypeError('one'), 'two'], 'all failed')",
      /AggregateError: all failed[^]*TypeError: one[^]*'two'/,
    ],
    [
      'an error with a cause',
      "new Error('outer', { cause: new RangeError('inner') })",
      /Error: outer[^]*Caused by\nRangeError: inner/,
    ],
    [
      'an error with a cause that is no error',
      "new Error('outer', { cause: { code: 'E7' } })",
      /Error: outer[^]*Caused by\n\{ code: 'E7' \}/,
    ],
    ['an error with a cause that is null', "new Error('outer', { cause: null })", /Error: outer/],
    [
      'an error that is its own cause',
      "(() => { const e: any = new Error('round'); e.cause = e; return e; })()",
      /Error: round/,
    ],
    [
      'two errors that cause each other',
      "(() => { const a: any = new Error('here'); a.cause = new Error('there', { cause: a }); return a; })()",
      /Error: here[^]*Error: there/,
    ],
    [
      'an error with a long chain of causes',
      "(() => { let e: any = new Error('deepest'); for (let i = 0; i < 20_000; i++) e = new Error('step', { cause: e }); return e; })()",
      /Error: step/,
    ],
    [
      'an error whose message is an object',
      "Object.assign(new Error(), { message: { reason: 'odd' } })",
      /reason: 'odd'/,
    ],
    ['an error whose message is undefined', 'Object.assign(new Error(), { message: undefined })', /Error/],
    ['an error whose name is a number', "Object.assign(new Error('seven'), { name: 7 })", /7: seven/],
    [
      'an error whose message throws',
      "Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('inner'); } })",
      /cannot be (shown|read)/,
    ],
    [
      'an error whose stack throws',
      "Object.defineProperty(new Error('still here'), 'stack', { get() { throw new Error('inner'); } })",
      /still here|cannot be (shown|read)/,
    ],
    [
      'an error whose name throws',
      "Object.defineProperty(new Error('still here'), 'name', { get() { throw new Error('inner'); } })",
      /still here|cannot be (shown|read)/,
    ],
    [
      'an error whose cause throws',
      "Object.defineProperty(new Error('still here'), 'cause', { get() { throw new Error('inner'); } })",
      /still here|cannot be (shown|read)/,
    ],
    ['an error without a stack', "(() => { const e = new Error('bare'); delete e.stack; return e; })()", /Error: bare/],
    ['an error whose stack is a number', "Object.assign(new Error('counted'), { stack: 7 })", /Error: counted/],
    [
      'an error whose constructor is gone',
      "Object.assign(new Error('orphan'), { constructor: undefined })",
      /Error: orphan/,
    ],
    ['an error without a prototype', "Object.setPrototypeOf(new Error('rootless'), null)", /rootless/],
    ['a frozen error', "Object.freeze(new Error('cold'))", /Error: cold/],
    ['a sealed error of a class', "Object.seal(new (class Odd extends Error {})('shut'))", /Odd: shut/],
    ['a Proxy whose traps throw', "new Proxy({}, new Proxy({}, { get() { throw new Error('trap'); } }))", /Uncaught/],
    ['a Proxy of an error', "new Proxy(new Error('behind'), {})", /behind/],
    [
      'a revoked Proxy',
      '(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()',
      /Uncaught/,
    ],
    [
      'an object whose inspection throws',
      "({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('inner'); } })",
      /cannot be (shown|read)/,
    ],
    [
      'an error of another vm context',
      "require('vm').runInNewContext(\"new TypeError('from afar')\")",
      /TypeError: from afar/,
    ],
    ['an object of another vm context', "require('vm').runInNewContext('({ code: 8 })')", /code: 8/],
    ['a DOMException', "new DOMException('aborted', 'AbortError')", /AbortError: aborted/],
    ['a promise', "Promise.resolve('late')", /Promise/],
    ['an error with much text', "new Error('x'.repeat(100_000))", /Error: x{1000}/],
  ];
  const SECRETS =
    /node:internal|inspector|kernel\/(dist|cells|output|protocol)|mnist-kernel|prepareStackTrace|\bat within\b|describeReadable/;

  test.each(THROWN)('%s', async (_what, value, shown) => {
    const run = await kernel.run(`throw ${value};`);
    expect(run.status).toBe('error');
    expect(plain(run)).toMatch(shown);
    expect(plain(run)).not.toMatch(SECRETS);
    expect(run.outputs).toMatchObject([
      { output_type: 'error', ename: run.ename, evalue: run.evalue, traceback: run.traceback },
    ]);
    expect([typeof run.ename, typeof run.evalue]).toEqual(['string', 'string']);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each(THROWN)('%s, in a timer', async (_what, value, shown) => {
    const run = await kernel.run(`setTimeout(() => { throw ${value}; }), undefined`);
    await run.until(/./);
    expect(stripVTControlCharacters(run.text)).toMatch(shown);
    expect(run.text).not.toMatch(SECRETS);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each(THROWN)('%s, in an unawaited promise', async (_what, value, shown) => {
    const run = await kernel.run(`void (async () => { throw ${value}; })()`);
    await run.until(/./);
    expect(stripVTControlCharacters(run.text)).toMatch(shown);
    expect(run.text).not.toMatch(SECRETS);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each(THROWN)('%s, after an await', async (_what, value, shown) => {
    const run = await kernel.run(`await null; throw ${value};`);
    expect(run.status).toBe('error');
    expect(plain(run)).toMatch(shown);
    expect(plain(run)).not.toMatch(SECRETS);
  });

  test.each([
    ['an event', "new (require('events'))().emit('error', new Error('emitted'))", /Error: emitted/],
    ['a display method', "({ [Symbol.for('Jupyter.display')]() { throw new Error('undrawn'); } })", /Error: undrawn/],
    ['a getter', "({ get odd() { throw new Error('unread'); } }).odd", /Error: unread/],
    [
      'a worker',
      "new (require('worker_threads').Worker)('throw new Error(\"there\")', { eval: true }), undefined",
      /there/,
    ],
    ['a child process', "require('child_process').execSync('exit 3', { stdio: 'pipe' })", /Command failed: exit 3/],
    ['JSON', "JSON.parse('{')", /SyntaxError: /],
    ['too deep a recursion', '(function f(): any { return f(); })()', /RangeError: Maximum call stack/],
    ['a missing file', "require('fs').readFileSync('/nonesuch')", /ENOENT.*nonesuch/],
  ])('an error from %s', async (_what, code, shown) => {
    const run = await kernel.run(code);
    await run.until(/./);
    expect(stripVTControlCharacters(run.text)).toMatch(shown);
    expect(run.text).not.toMatch(SECRETS);
  });
});

describe("a cell's last value", () => {
  const value = async (code: string): Promise<Record<string, unknown> | undefined> => {
    const run = await kernel.run(code);
    expect([run.status, run.evalue]).toEqual(['ok', undefined]);
    return run.outputs.find(({ output_type }) => output_type === 'execute_result')?.data;
  };

  test('is an execute_result with the count of the cell, shown as Out[n]', async () => {
    const run = await kernel.run("'text'");
    const [result] = run.messages.filter(({ msg_type }) => msg_type === 'execute_result');
    expect(result.content).toEqual({
      execution_count: run.reply!.execution_count,
      data: { 'text/plain': "'text'" },
      metadata: {},
    });
  });

  test.each([
    ['42', '42'],
    ['0', '0'],
    ['-0', '-0'],
    ['NaN', 'NaN'],
    ["''", "''"],
    ['false', 'false'],
    ['null', 'null'],
    ['10n ** 20n', '100000000000000000000n'],
    ["Symbol('s')", 'Symbol(s)'],
    ['[1, [2, [3, [4]]]]', '[ 1, [ 2, [ 3, [Array] ] ] ]'],
    ["new Map([['a', 1]])", "Map(1) { 'a' => 1 }"],
    ['new Float32Array([0.5, 1])', 'Float32Array(2) [ 0.5, 1 ]'],
    ['class A { x = 1 }; new A()', 'A { x: 1 }'],
    ['await Promise.resolve(5)', '5'],
    ['Object.create(null)', '[Object: null prototype] {}'],
    ['new Proxy({ a: 1 }, {})', '{ a: 1 }'],
    ['const x1 = 1; x1 + 1 // with a comment', '2'],
  ])('%s shows %s', async (code, shown) => {
    expect(await value(code)).toEqual({ 'text/plain': shown });
  });

  test.each([
    'undefined',
    'void 0',
    '',
    '// nothing',
    'const x2 = 1;',
    'function f2() {}',
    'await undefined',
    'if (false) 1',
  ])('%s shows nothing', async (code) => {
    expect(await value(code)).toBeUndefined();
  });

  test.each([
    ['an object', "({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>x</b>', 'text/plain': 'x' }) })"],
    [
      'a promise',
      "({ [Symbol.for('Jupyter.display')]: async () => { await null; return { 'text/html': '<b>x</b>', 'text/plain': 'x' }; } })",
    ],
    [
      "a class's prototype",
      "class B1 { [Symbol.for('Jupyter.display')]() { return { 'text/html': `<b>${this.x}</b>`, 'text/plain': this.x }; } x = 'x' }; new B1()",
    ],
    [
      'a base class',
      "class C1 { [Symbol.for('Jupyter.display')]() { return { 'text/html': '<b>x</b>', 'text/plain': 'x' }; } } class C2 extends C1 {}; new C2()",
    ],
    [
      'a function',
      "Object.assign(() => 1, { [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>x</b>', 'text/plain': 'x' }) })",
    ],
    [
      'a getter',
      "({ get [Symbol.for('Jupyter.display')]() { return () => ({ 'text/html': '<b>x</b>', 'text/plain': 'x' }); } })",
    ],
  ])('is shown by its display method: %s', async (_what, code) => {
    expect(await value(code)).toEqual({ 'text/html': '<b>x</b>', 'text/plain': 'x' });
  });

  test.each([
    ['() => { throw new RangeError("undrawn"); }', /undrawn/],
    ['async () => { throw new RangeError("undrawn"); }', /undrawn/],
    ['() => undefined', /returned undefined \(expected an object of MIME types/],
    ['() => null', /returned null \(expected/],
    ['() => 7', /returned 7 \(expected/],
    ["() => 'text'", /returned 'text' \(expected/],
    ['() => [1]', /returned \[ 1 \] \(expected/],
    ['() => ({ "text/plain": 10n })', /./],
    ['() => { const a: any = {}; a["text/plain"] = a; return a; }', /./],
    ['() => new Proxy({}, { ownKeys() { throw new Error("trap"); } })', /trap/],
  ])('with a display method %s fails, and the kernel lives', async (method, reason) => {
    const run = await kernel.run(`({ [Symbol.for('Jupyter.display')]: ${method} })`);
    expect([run.status, run.evalue]).toEqual(['error', expect.stringMatching(reason)]);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each([
    ["({ [Symbol.for('Jupyter.display')]: 7 })"],
    ["new Proxy({}, { get() { throw new Error('trap'); } })"],
    ["({ get [Symbol.for('Jupyter.display')]() { throw new Error('trap'); } })"],
    ["({ get bad() { throw new Error('trap'); } })"],
    ["({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('trap'); } })"],
    ['(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()'],
  ])('%s is shown as some text', async (code) => {
    expect(await value(code)).toEqual({ 'text/plain': expect.stringMatching(/./) as unknown });
  });

  test('comes after the output of its asynchronous display method', async () => {
    const run = await kernel.run(
      "({ async [Symbol.for('Jupyter.display')]() { console.log('drawing'); await null; return { 'text/plain': 'drawn' }; } })",
    );
    expect(run.outputs.map(({ text, data }) => text ?? data)).toEqual(['drawing\n', { 'text/plain': 'drawn' }]);
  });

  test('can be stopped while its display method waits', async () => {
    const run = kernel.start(
      "({ async [Symbol.for('Jupyter.display')]() { console.log('drawing'); await new Promise(() => setInterval(() => {}, 1000)); } })",
    );
    await run.until(/drawing/);
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  describe('that is a tensor', () => {
    beforeAll(async () => {
      expect((await kernel.run("import * as tf from '@tensorflow/tfjs-node';")).status).toBe('ok');
    });

    test.each([
      ['small', 'tf.tensor2d([[1, 2], [3, 4]])', /^float32 \[2, 2\]\n\[\[1, 2\],\n \[3, 4\]\]$/],
      ['of integers', "tf.tensor1d([1, 2, 3], 'int32')", /^int32 \[3\]\n\[1, 2, 3\]$/],
      ['a scalar', 'tf.scalar(7)', /^float32 \[\]\n7$/],
      ['of bools', 'tf.tensor1d([true, false])', /^bool \[2\]\n\[true, false\]$/],
      ['of strings', "tf.tensor1d(['a', 'b'])", /^string \[2\]\n\['a', 'b'\]$/],
      ['of complex numbers', 'tf.complex([1, 2], [3, 4])', /^complex64 \[2\]\n/],
      ['empty', 'tf.zeros([0, 3])', /^float32 \[0, 3\]\n/],
      ['a variable', 'tf.variable(tf.tensor1d([5, 6]))', /^float32 \[2\]\n\[5, 6\]$/],
      ['large', 'tf.range(0, 60_000)', /^float32 \[60000\]\n0, 1, 2, 3, 4, 5, 6, 7, \.\.\.$/],
      [
        'large and of integers',
        "tf.zeros([600, 784], 'int32')",
        /^int32 \[600, 784\]\n0, 0, 0, 0, 0, 0, 0, 0, \.\.\.$/,
      ],
      ['large and of bools', "tf.ones([2000], 'bool')", /^bool \[2000\]\n(true, |1, ){8}\.\.\.$/],
      ['large and of strings', "tf.fill([2000], 'a', 'string')", /^string \[2000\]\n(a, |'a', ){8}\.\.\.$/],
      ['large and complex', 'tf.complex(tf.ones([2000]), tf.ones([2000]))', /^complex64 \[2000\]\n/],
    ])('%s shows its dtype, its shape and its first values', async (_what, code, shown) => {
      expect(await value(code)).toEqual({ 'text/plain': expect.stringMatching(shown) as unknown });
    });

    test('and disposed is shown as disposed', async () => {
      expect(await value('const gone = tf.zeros([2]); gone.dispose(); gone')).toEqual({
        'text/plain': 'float32 [2], disposed',
      });
    });

    test('is shown without leaking a tensor', async () => {
      await kernel.run('const large = tf.zeros([5000]); const count = tf.memory().numTensors;');
      await value('large');
      expect(await value('tf.memory().numTensors - count')).toEqual({ 'text/plain': '0' });
    });
  });

  test('that is a model is shown as its summary', async () => {
    const shown = await value(
      "import * as tf from '@tensorflow/tfjs-node'; tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] })",
    );
    expect(shown!['text/plain']).toMatch(/Layer \(type\)[^]*dense[^]*\[null,3\][^]*15[^]*Total params: 15/);
  });

  test('that is an IdxArray is shown as its shape and first bytes', async () => {
    const shown = await value(
      "import { parseIdx } from 'mnist-lib'; parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 7), 'labels')",
    );
    expect(shown).toEqual({ 'text/plain': 'uint8 [2]\n5, 7' });
  });

  test('that is a figure of the library has a figure, a picture and text', async () => {
    const shown = await value("import { softmaxBars } from 'mnist-lib'; softmaxBars([1, 2, 3])");
    expect(Object.keys(shown!).sort()).toEqual(['application/vnd.plotly.v1+json', 'image/svg+xml', 'text/plain']);
    expect(shown!['application/vnd.plotly.v1+json']).toMatchObject({
      data: expect.any(Array) as unknown,
      layout: expect.any(Object) as unknown,
    });
    expect(shown!['image/svg+xml']).toMatch(/^<svg[^]*<\/svg>\s*$/);
  });
});

describe('a kernel whose parent is killed', () => {
  test.each([
    ['while idle', '1'],
    ['in an endless loop', "console.log('loops'); for (;;) {}"],
    ['in an endless loop that prints', 'for (;;) console.log(1);'],
    ['in a cell that waits', 'setInterval(() => {}, 1000); await new Promise(() => {});'],
  ])('%s ends by itself', async (_when, code) => {
    const script = `
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name='tslab', cwd='.')
client.execute(${JSON.stringify(code)})
while client.get_iopub_msg(timeout=30)['msg_type'] not in ('execute_input',):
    pass
print(manager.provisioner.pid, flush=True)
sys.stdin.read()`;
    const parent = spawn(python, ['-c', script], { env: { ...process.env, JUPYTER_PREFER_ENV_PATH: '1' } });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as string[];
    const isAlive = (): boolean => {
      try {
        return !/^[ZX]/.test(execFileSync('ps', ['-o', 'stat=', '-p', line], { encoding: 'utf8' }).trim());
      } catch {
        return false;
      }
    };
    expect(isAlive()).toBe(true);
    parent.kill('SIGKILL');
    const deadline = Date.now() + 10_000;
    while (isAlive() && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(isAlive()).toBe(false);
  });
});
