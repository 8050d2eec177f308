import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, startKernel } from '../helpers/kernel';
import { installKernelFor, otherNodes } from '../helpers/other-nodes';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await startKernel();
  await kernel.run('const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));');
});
afterAll(() => kernel.stop());

/** Expects Stop to end a cell that prints `started`, and the next cell to run in the same kernel. */
async function expectStopped(code: string, inKernel = kernel): Promise<void> {
  const { pid } = inKernel;
  const run = await inKernel.interruptOnceStarted(code);
  expect([run.status, run.ename, run.evalue, run.stderr]).toEqual([
    'error',
    'Interrupted',
    'the cell was stopped.',
    '',
  ]);
  const next = await inKernel.run('console.log(6 * 7);');
  expect([next.status, next.stdout, next.stderr, inKernel.pid]).toEqual(['ok', '42\n', '', pid]);
}

const LOOP_IN_IMMEDIATE =
  'setImmediate(() => 1);\nsetImmediate(() => { console.log("started"); while (true) {} });\nawait new Promise(() => {});';
const BLOCKING_COMMAND = 'console.log("started"); require("node:child_process").execSync("sleep 60");';
const LOOP_IN_INSPECTION =
  'throw { [Symbol.for("nodejs.util.inspect.custom")]() { console.log("started"); while (true) {} } };';
const LOOP_IN_GETTER =
  'throw Object.defineProperty(new Error(), "message", { get() { console.log("started"); while (true) {} } });';

describe('Stop ends', () => {
  test.each([
    ['an endless loop', 'console.log("started"); while (true) {}'],
    [
      'an endless loop that catches everything',
      'console.log("started"); while (true) { try { JSON.parse("{"); } catch {} }',
    ],
    ['an endless loop after an await', 'await sleep(10); console.log("started"); while (true) {}'],
    [
      'an endless loop in an async function',
      'const spin = async () => { await null; console.log("started"); while (true) {} };\nawait spin();',
    ],
    [
      'an endless loop in a timer',
      'setTimeout(() => { console.log("started"); while (true) {} }, 10);\nawait new Promise(() => {});',
    ],
    ['an endless loop in the second of two immediates', LOOP_IN_IMMEDIATE],
    ['an endless loop in the inspection of what is thrown', LOOP_IN_INSPECTION],
    [
      'an endless loop in a getter of what is thrown in a timer',
      `setTimeout(() => { ${LOOP_IN_GETTER} });\nawait new Promise(() => {});`,
    ],
    [
      'an endless loop in a getter of what a promise rejects with',
      `void (async () => { ${LOOP_IN_GETTER} })();\nawait new Promise(() => {});`,
    ],
    [
      'an endless loop in setImmediate',
      'setImmediate(() => { console.log("started"); while (true) {} });\nawait new Promise(() => {});',
    ],
    ['a command that blocks', BLOCKING_COMMAND],
    [
      'a command that blocks, ignores SIGINT and ends later',
      `console.log("started"); require("node:child_process").execSync("trap '' INT; sleep 0.5");`,
    ],
    [
      'a shell that blocks, and what it has started',
      'console.log("started"); require("node:child_process").spawnSync("sleep 60; sleep 60", { shell: true });',
    ],
    [
      'a command that blocks in a function that catches its error',
      'const wait = () => { try { require("node:child_process").execFileSync("sleep", ["60"]); } catch { wait(); } };\nconsole.log("started"); wait();',
    ],
    [
      'a command that blocks, in the second of two immediates',
      `setImmediate(() => 1);\nsetImmediate(() => { ${BLOCKING_COMMAND} });\nawait new Promise(() => {});`,
    ],
    ['an endless chain of promises', 'console.log("started"); for (;;) { await null; }'],
    [
      'an endless chain of nextTick',
      'const again = () => process.nextTick(again);\nconsole.log("started"); again(); await new Promise(() => {});',
    ],
    ['a catastrophic regular expression', 'console.log("started"); /^(a+)+$/.test("a".repeat(40) + "b");'],
    ['a promise that stays pending', 'console.log("started"); await new Promise(() => {});'],
    [
      'a wait in a library',
      'import { setTimeout as wait } from "node:timers/promises";\nconsole.log("started"); await wait(1e6);',
    ],
  ])('%s, and the next cell runs', (_what, code) => expectStopped(code));

  test('an endless loop in a timer while async hooks are in use', async () => {
    const run = kernel.start(`import { AsyncLocalStorage } from 'node:async_hooks';
const storage = new AsyncLocalStorage<number>();
storage.run(1, () => setTimeout(() => { console.log('started'); while (true) {} }));
await new Promise(() => {});`);
    await run.until(/started/);
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
    expect((await kernel.run("storage.disable(); console.log('again')")).stdout).toBe('again\n');
  });

  test('a loop with awaits completely: it does not go on during later cells, and its finally runs', async () => {
    const run = await kernel.interruptOnceStarted(`const count = async () => {
  for (let i = 0; i < 200; i++) {
    await sleep(20);
    console.log(i ? i : 'started');
  }
};
try { await count(); } finally { console.log('finally'); }`);
    expect(run.ename).toBe('Interrupted');
    const next = kernel.start('await sleep(200); console.log("next");');
    await next.until(/next/);
    expect(next.stdout.replace('finally\n', '')).toBe('next\n');
    expect(run.stdout + next.stdout).toContain('finally\n');
    expect(next.stderr).toBe('');
  });

  // A pipeline starts several processes, and Stop may come between two of them.
  test('a shell at any moment of its start, but no process that an earlier cell has started', async () => {
    await kernel.run(`const { spawn, spawnSync } = require('node:child_process');
const background = spawn('sleep', ['60']);`);
    for (let milliseconds = 0; milliseconds < 40; milliseconds += 5) {
      await expectStopped(
        `console.log('started');\nspawnSync('sleep 0.${100 + milliseconds}; sleep 60 | sleep 60; sleep 60', { shell: true });`,
      );
    }
    expect((await kernel.run('[background.exitCode, background.signalCode]')).result).toBe('[ null, null ]');
    await kernel.run('background.kill()');
  });

  test('an endless loop that prints, and its output stays in order', async () => {
    const run = await kernel.interruptOnceStarted(
      'let line = 0;\nconsole.log("started");\nwhile (true) console.log(++line);',
    );
    expect(run.ename).toBe('Interrupted');
    const [, ...lines] = run.stdout.trimEnd().split('\n').map(Number);
    expect(lines).toEqual(lines.map((_line, index) => index + 1));
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each([
    ['promises', 'await null;'],
    ['ticks', 'await new Promise<void>((resolve) => process.nextTick(resolve));'],
  ])(
    'a loop over %s in a file that the cell imports, and it does not go on during later cells',
    async (_what, wait) => {
      const folder = mkdtempSync(join(tmpdir(), 'stop-'));
      writeFileSync(
        join(folder, 'loop.ts'),
        `export async function loop(state: { turns: number }): Promise<void> {
  console.log('started');
  for (;;) { ${wait} state.turns++; }
}`,
      );
      await kernel.run(`import { loop } from '${folder}/loop'; const state = { turns: 0 };`);
      await expectStopped('await loop(state);');
      expect((await kernel.run('const { turns } = state; await sleep(50); state.turns - turns')).result).toBe('0');
      rmSync(folder, { recursive: true });
    },
  );

  test('the child process that the cell waits for, and no other', async () => {
    await expectStopped(BLOCKING_COMMAND);
    await kernel.run("const child = require('node:child_process').spawn('sleep', ['60']);");
    await expectStopped('console.log("started"); while (true) {}');
    await expectStopped(BLOCKING_COMMAND);
    expect((await kernel.run('[child.signalCode, child.kill()]')).result).toBe('[ null, true ]');
  });

  test('only the stopped cell, not the one that runs after it', async () => {
    await kernel.interruptOnceStarted('console.log("started"); while (true) {}');
    const next = await kernel.run('await sleep(500); console.log("whole");');
    expect([next.status, next.stdout]).toEqual(['ok', 'whole\n']);
  });
});

describe.each(otherNodes)('Stop on %s ends', (node) => {
  let folder: string;
  let other: Kernel;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stop-'));
    other = await startKernel({ name: node, env: installKernelFor(node, folder) });
  });
  afterAll(async () => {
    await other.stop();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['an endless loop', 'console.log("started"); while (true) {}'],
    ['an endless loop after an await', 'await null; console.log("started"); while (true) {}'],
    ['an endless loop in the second of two immediates', LOOP_IN_IMMEDIATE],
    ['an endless loop in the inspection of what is thrown', LOOP_IN_INSPECTION],
    ['a command that blocks', BLOCKING_COMMAND],
    ['a promise that stays pending', 'console.log("started"); await new Promise(() => {});'],
  ])('%s, and the next cell runs', (_what, code) => expectStopped(code, other));
});

describe('After Stop, work that the cell has started prints nothing in later cells:', () => {
  const FOREVER = 'console.log("started"); await new Promise(() => {});';

  test.each([
    ['setInterval', `setInterval(() => console.log('tick'), 10); ${FOREVER}`],
    [
      'a chain of setTimeout',
      `const again = () => { console.log('tick'); setTimeout(again, 10); }; again(); ${FOREVER}`,
    ],
    [
      'a chain of setImmediate',
      `const again = () => { setImmediate(again); }; setInterval(() => console.log('tick'), 10); again(); ${FOREVER}`,
    ],
    [
      'a chain of nextTick and setImmediate',
      `let turn = 0; const again = () => process.nextTick(() => { if (++turn % 500 === 0) console.log('tick'); setImmediate(again); }); again(); ${FOREVER}`,
    ],
    [
      'a chain of queueMicrotask and setTimeout',
      `const again = () => queueMicrotask(() => { console.log('tick'); setTimeout(again, 10); }); again(); ${FOREVER}`,
    ],
    [
      'a chain of then',
      `const again = (): Promise<void> => sleep(10).then(() => { console.log('tick'); return again(); });\nconsole.log('started'); await again();`,
    ],
    [
      'an unawaited chain of then',
      `const again = (): Promise<void> => sleep(10).then(() => { console.log('tick'); return again(); });\nvoid again(); ${FOREVER}`,
    ],
    [
      'an unawaited async function',
      `const again = async () => { for (;;) { await sleep(10); console.log('tick'); } };\nvoid again(); ${FOREVER}`,
    ],
    [
      'setInterval of node:timers',
      `import { setInterval as every } from 'node:timers';\nevery(() => console.log('tick'), 10); ${FOREVER}`,
    ],
    [
      'setTimeout of require("timers")',
      `const again = () => { console.log('tick'); require('timers').setTimeout(again, 10); }; again(); ${FOREVER}`,
    ],
    [
      'setInterval of node:timers/promises',
      `import { setInterval as every } from 'node:timers/promises';\nconsole.log('started'); for await (const _ of every(10)) console.log('tick');`,
    ],
    [
      'a chain of fs.stat',
      `import { stat } from 'node:fs';\nlet turn = 0; const again = () => stat('.', () => { if (++turn % 100 === 0) console.log('tick'); again(); }); again(); ${FOREVER}`,
    ],
    [
      'a signal that times out',
      `AbortSignal.timeout(100).addEventListener('abort', () => console.log('abort')); ${FOREVER}`,
    ],
    [
      'an rxjs interval',
      `import { interval } from 'rxjs';\ninterval(10).subscribe((each) => console.log(each)); ${FOREVER}`,
    ],
    [
      'a large file that is read for data events',
      `import { createReadStream } from 'node:fs';
let chunks = 0;
createReadStream('/dev/zero', { highWaterMark: 1000 }).on('data', () => { if (++chunks % 500 === 0) console.log('chunk'); });\n${FOREVER}`,
    ],
    [
      'a large file that is read by for await',
      `import { createReadStream } from 'node:fs';
let chunks = 0;
console.log('started');
for await (const _ of createReadStream('/dev/zero', { highWaterMark: 1000 })) if (++chunks % 500 === 0) console.log('chunk');`,
    ],
    [
      'a stream made of an async generator',
      `import { Readable } from 'node:stream';
async function* numbers() { for (let i = 0; ; i++) { await sleep(10); yield i; } }
Readable.from(numbers()).on('data', (number) => console.log(number)); ${FOREVER}`,
    ],
    [
      'an async generator',
      `async function* numbers() { for (let i = 0; ; i++) { await sleep(10); yield i; } }\nconsole.log('started'); for await (const number of numbers()) console.log(number);`,
    ],
    [
      'a child process',
      `import { spawn } from 'node:child_process';
const child = spawn('sh', ['-c', 'for i in $(seq 100); do echo tick; sleep 0.02; done']);
child.stdout.on('data', (text) => console.log(String(text))); ${FOREVER}`,
    ],
    [
      'a worker thread',
      `import { Worker } from 'node:worker_threads';
const worker = new Worker('setInterval(() => require("node:worker_threads").parentPort.postMessage(1), 10)', { eval: true });
worker.unref(); worker.on('message', (each) => console.log(each)); ${FOREVER}`,
    ],
    [
      'the lines of a file, by readline',
      `import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
const slow = new Readable({ read() { setTimeout(() => this.push('line\\n'), 10); } });
createInterface(slow).on('line', (line) => console.log(line)); ${FOREVER}`,
    ],
  ])('%s', async (_what, code) => {
    const run = await kernel.interruptOnceStarted(code);
    expect(run.ename).toBe('Interrupted');
    const before = run.stdout;
    const next = await kernel.run('await sleep(150); "later"');
    expect([next.text, run.stdout]).toEqual(["'later'", before]);
  });

  test('a server, which still answers', async () => {
    await kernel.interruptOnceStarted(`import { createServer } from 'node:http';
const server = createServer((_request, response) => { console.log('request'); response.end('hi'); });
await new Promise<void>((resolve) => server.listen(0, resolve)); ${FOREVER}`);
    const next = await kernel.run(
      'const address = server.address() as { port: number };\nawait (await fetch(`http://127.0.0.1:${address.port}`)).text()',
    );
    expect(next.text).toBe("'hi'");
    await kernel.run('server.close();');
  });
});

describe('Work that a cell has started and that is not stopped', () => {
  test.each([
    [
      'a child process',
      `import { spawn } from 'node:child_process';\nspawn('sh', ['-c', 'sleep 0.1; echo tick']).stdout.on('data', (text) => process.stdout.write(text));`,
    ],
    ['a microtask of a timer', `setTimeout(() => queueMicrotask(() => console.log('tick')), 50);`],
    ['a timer of node:timers', `require('node:timers').setTimeout(() => console.log('tick'), 50);`],
  ])('prints below that cell while another runs: %s', async (_what, code) => {
    const run = kernel.start(code);
    const next = kernel.start('await sleep(200);');
    await run.until(/tick/);
    await next.ended;
    expect([run.stdout, next.stdout]).toEqual(['tick\n', '']);
  });
});

describe('A stopped cell', () => {
  test.each([
    [
      'finally, of code that awaits',
      `try { console.log('started'); for (;;) await sleep(10); } finally { console.log('tidied'); }`,
    ],
    [
      'finally, of a function',
      `const work = async () => { try { console.log('started'); for (;;) await sleep(10); } finally { console.log('tidied'); } };\nawait work();`,
    ],
    [
      'finally that awaits',
      `try { console.log('started'); for (;;) await sleep(10); } finally { await sleep(20); console.log('tidied'); }`,
    ],
    ['catch', `try { console.log('started'); for (;;) await sleep(10); } catch { console.log('tidied'); }`],
    [
      'catch of a promise',
      `const work = async () => { console.log('started'); for (;;) await sleep(10); };\nawait work().catch(() => console.log('tidied'));`,
    ],
    [
      'finally of an async generator',
      `async function* numbers() { try { for (;;) { await sleep(10); yield 1; } } finally { console.log('tidied'); } }\nconsole.log('started'); for await (const _ of numbers()) {}`,
    ],
  ])('runs its %s before it ends', async (_what, code) => {
    const run = await kernel.interruptOnceStarted(code);
    expect([run.ename, run.stdout]).toEqual(['Interrupted', 'started\ntidied\n']);
    expect((await kernel.run('await sleep(50); "later"')).text).toBe("'later'");
  });

  test.each([
    ['a loop that catches everything', `console.log('started'); while (true) { try { await sleep(10); } catch {} }`],
    [
      'a loop that catches everything and tries again in finally',
      `console.log('started'); for (;;) { try { await sleep(10); } catch { continue; } finally { await null; } }`,
    ],
    [
      'a loop that catches what promises reject with',
      `console.log('started'); while (true) { try { await Promise.reject(new Error('no')); } catch {} }`,
    ],
    [
      'nested loops with labels',
      `console.log('started'); outer: for (;;) { for (;;) { await sleep(5); continue outer; } }`,
    ],
    [
      'an async arrow function',
      `const work = async () => { for (;;) { await sleep(10); console.log('started'); } };\nawait work();`,
    ],
    [
      'an async arrow function without a block',
      `const loop = async (): Promise<void> => (await sleep(10), console.log('started'), loop());\nawait loop();`,
    ],
    [
      'a method',
      `class Work { async run() { do { await sleep(10); console.log('started'); } while (true); } }\nawait new Work().run();`,
    ],
    [
      'a static block and a private method',
      `class Work { async #run() { for (;;) { await sleep(10); console.log('started'); } } run = () => this.#run(); }\nawait new Work().run();`,
    ],
    [
      'a synchronous generator',
      `function* numbers() { for (let i = 0; ; i++) yield i; }\nconsole.log('started'); for (const _ of numbers()) {}`,
    ],
    [
      'a generator whose values are awaited',
      `function* numbers() { for (;;) yield sleep(10); }\nconsole.log('started'); for (const each of numbers()) await each;`,
    ],
    ['for await over promises', `console.log('started'); for (;;) for await (const _ of [sleep(5), sleep(10)]) {}`],
    [
      'Promise.all',
      `console.log('started'); await Promise.all([1, 2].map(async () => { for (;;) await sleep(10); }));`,
    ],
  ])('ends in %s and does not go on during the next cell', async (_what, code) => {
    const run = await kernel.interruptOnceStarted(code);
    expect(run.ename).toBe('Interrupted');
    const before = run.stdout;
    const next = await kernel.run('await sleep(60); "later"');
    expect([next.text, run.stdout]).toEqual(["'later'", before]);
  });

  test('ends in functions of earlier cells', async () => {
    await kernel.run(`async function earlier(source: AsyncIterable<number>) { for await (const number of source) console.log(number ? 'more' : 'started'); }
async function* count() { for (let i = 0; ; i++) { yield i; await sleep(10); } }`);
    expect((await kernel.interruptOnceStarted('await earlier(count());')).ename).toBe('Interrupted');
    expect((await kernel.run('await sleep(60); "later"')).text).toBe("'later'");
  });
});

describe('Stop', () => {
  test('aborts queued cells, and later cells run', async () => {
    const run = kernel.start('console.log("started"); await new Promise(() => {});');
    const queued = [kernel.start('console.log("second");'), kernel.start('console.log("third");')];
    await run.until(/started/);
    await kernel.interrupt();
    await Promise.all([run.ended, ...queued.map(({ ended }) => ended)]);
    expect([run, ...queued].map(({ status, stdout }) => [status, stdout])).toEqual([
      ['error', 'started\n'],
      ['aborted', ''],
      ['aborted', ''],
    ]);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each([
    ['in an await', 'await new Promise(() => {});'],
    ['in a timer', 'setInterval(() => console.log("tick"), 10); for (;;) await sleep(10);'],
    ['in a library', 'await require("node:timers/promises").setTimeout(1e6);'],
  ])('works as a signal of the operating system: %s', async (_what, code) => {
    const run = kernel.start(`console.log("started"); ${code}`);
    await run.until(/started/);
    process.kill(kernel.pid, 'SIGINT');
    expect((await run.ended).ename).toBe('Interrupted');
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test('as a signal does nothing while no cell runs', async () => {
    const run = await kernel.run("process.once('SIGINT', () => console.log('arrived'));");
    process.kill(kernel.pid, 'SIGINT');
    await run.until(/arrived/); // a signal may overtake the next request, or be overtaken by it
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test.each([
    ['in finally', 'try { console.log("started"); for (;;) await sleep(10); } finally { while (true) {} }'],
    [
      'in a timer of a listener',
      'process.once("SIGINT", () => setTimeout(() => { while (true) {} }, 10)); console.log("started"); await new Promise(() => {});',
    ],
    [
      'in a function that catches Stop',
      'const work = async () => { try { console.log("started"); for (;;) await sleep(10); } catch { while (true) {} } };\nawait work();',
    ],
  ])('ends an endless loop that begins after Stop was handled: %s', async (_what, code) => {
    await expectStopped(code);
  });

  test('pressed again while finally blocks run ends the cell once', async () => {
    const run = kernel.start(
      'try { console.log("started"); for (;;) await sleep(10); } finally { await new Promise(() => {}); }',
    );
    await run.until(/started/);
    await Promise.all([kernel.interrupt(), kernel.interrupt()]);
    await run.ended;
    expect([run.ename, run.outputs.filter(({ output_type }) => output_type === 'error').length]).toEqual([
      'Interrupted',
      1,
    ]);
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test('pressed many times, even while no cell runs, never ends the kernel', async () => {
    const run = kernel.start('console.log("started"); while (true) {}');
    await run.until(/started/);
    for (let i = 0; i < 5; i++) {
      await kernel.interrupt();
    }
    expect((await run.ended).ename).toBe('Interrupted');
    for (let i = 0; i < 5; i++) {
      await kernel.interrupt();
    }
    const next = await kernel.run('6 * 7');
    expect([next.status, next.result]).toEqual(['ok', '42']);
  });

  test('while a cell is compiled does not damage the compiler', async () => {
    const types = 'type Digit = 0|1|2|3|4|5|6|7|8|9;\ntype Many = `${Digit}${Digit}${Digit}${Digit}`;';
    const run = kernel.start(`${types}\nconst many: Many = "1234";\nawait sleep(500);\nconsole.log("end");`);
    await kernel.interrupt();
    await run.ended;
    const next = await kernel.run('const typed: number = 6 * 7;\nconsole.log(typed);');
    expect([next.status, next.stdout]).toEqual(['ok', '42\n']);
    expect((await kernel.run('const wrong: number = "";')).ename).toBe('TypeScriptError');
  });

  test('while a module loads lets it be loaded again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stop-'));
    const module = join(folder, 'slow.js');
    writeFileSync(module, 'exports.half = true; console.log("started"); while (true) {}');
    expect((await kernel.interruptOnceStarted(`const slow = require(${JSON.stringify(module)});`)).ename).toBe(
      'Interrupted',
    );
    writeFileSync(module, 'exports.whole = true;');
    const again = await kernel.run(`console.log(JSON.stringify(require(${JSON.stringify(module)})));`);
    rmSync(folder, { recursive: true });
    expect(again.stdout).toBe('{"whole":true}\n');
  });

  test('keeps the declarations and values of earlier cells', async () => {
    await kernel.run('let kept: number = 5;');
    await kernel.interruptOnceStarted('kept = 6; console.log("started"); while (true) {}');
    const next = await kernel.run('console.log(kept.toFixed(1));');
    expect([next.status, next.stdout]).toEqual(['ok', '6.0\n']);
  });

  test('keeps the types of names in line with their values', async () => {
    await kernel.run('let first: number = 5; let second: number = 6;');
    await kernel.interruptOnceStarted(
      'let first = "text"; console.log("started"); while (true) {}\nlet second = "text";',
    );
    expect((await kernel.run('[first.length, second.toFixed(1)]')).text).toBe("[ 4, '6.0' ]");
  });

  test('goes to a cell that listens to SIGINT in place of the kernel, even while it blocks, until it restores the kernel’s listener', async () => {
    const run = kernel.start(`const before = process.listeners('SIGINT');
process.removeAllListeners('SIGINT');
let presses = 0;
process.on('SIGINT', () => void presses++);
console.log('started');
for (const end = Date.now() + 1000; Date.now() < end;) {} // like a long training step
await sleep(50);
process.removeAllListeners('SIGINT');
before.forEach((listener) => process.on('SIGINT', listener as () => void));
console.log('ended normally', presses > 0, before.length);`);
    await run.until(/started/);
    await kernel.interrupt();
    await kernel.interrupt();
    await run.ended;
    expect([run.status, run.stdout]).toEqual(['ok', 'started\nended normally true 1\n']);
    await expectStopped('console.log("started"); while (true) {}');
  });

  test('also reaches a listener that a cell has added', async () => {
    const run = kernel.start(`const received = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
console.log('started');
await new Promise(() => {});`);
    await run.until(/started/);
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
    await expectStopped('console.log("started"); await new Promise(() => {});');
  });

  test('followed by Restart gives a fresh kernel', async () => {
    await kernel.interruptOnceStarted('const gone = 1; console.log("started"); while (true) {}');
    await kernel.restart();
    expect((await kernel.run('gone')).evalue).toContain("Cannot find name 'gone'");
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });
});
