import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, type Run, startKernel } from './helpers/kernel';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await startKernel();
  await kernel.run('const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));');
});
afterAll(() => kernel.stop());

/** Starts a cell that prints `started`, presses Stop once it does, and waits for its end. */
async function stopped(code: string): Promise<Run> {
  const run = kernel.start(code);
  await run.until(/started/);
  await kernel.interrupt();
  return run.ended;
}

async function expectStopped(code: string): Promise<void> {
  const { pid } = kernel;
  const run = await stopped(code);
  expect([run.status, run.ename, run.evalue, run.stderr]).toEqual(['error', 'Interrupted', 'the cell was stopped.', '']);
  const next = await kernel.run('console.log(6 * 7);');
  expect([next.status, next.stdout, next.stderr, kernel.pid]).toEqual(['ok', '42\n', '', pid]);
}

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
    [
      'an endless loop in setImmediate',
      'setImmediate(() => { console.log("started"); while (true) {} });\nawait new Promise(() => {});',
    ],
    ['an endless chain of promises', 'console.log("started"); for (;;) { await null; }'],
    [
      'an endless recursion of ticks',
      'const again = () => process.nextTick(again);\nconsole.log("started"); again(); await new Promise(() => {});',
    ],
    ['a catastrophic regular expression', 'console.log("started"); /^(a+)+$/.test("a".repeat(40) + "b");'],
    ['a promise that stays pending', 'console.log("started"); await new Promise(() => {});'],
    [
      'a wait in a library',
      'import { setTimeout as wait } from "node:timers/promises";\nconsole.log("started"); await wait(1e6);',
    ],
  ])('%s, and the next cell runs', (_what, code) => expectStopped(code));

  test('a loop with awaits for good: it does not go on behind the next cells, and its finally runs', async () => {
    const run = await stopped(`const count = async () => {
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

  test('an endless loop that prints, and what it printed stays in order', async () => {
    const run = await stopped('let line = 0;\nconsole.log("started");\nwhile (true) console.log(++line);');
    expect(run.ename).toBe('Interrupted');
    const [, ...lines] = run.stdout.trimEnd().split('\n').map(Number);
    expect(lines).toEqual(lines.map((_line, index) => index + 1));
    expect((await kernel.run('6 * 7')).stdout).toBe('42\n');
  });

  test('what was stopped, not the cell that runs after it', async () => {
    await stopped('console.log("started"); while (true) {}');
    const next = await kernel.run('await sleep(500); console.log("whole");');
    expect([next.status, next.stdout]).toEqual(['ok', 'whole\n']);
  });
});

describe('Stop', () => {
  test('pressed many times, also while nothing runs, never ends the kernel', async () => {
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
    expect([next.status, next.stdout]).toEqual(['ok', '42\n']);
  });

  test('while a cell is compiled leaves the compiler whole', async () => {
    const types = 'type Digit = 0|1|2|3|4|5|6|7|8|9;\ntype Many = `${Digit}${Digit}${Digit}${Digit}`;';
    const run = kernel.start(`${types}\nconst many: Many = "1234";\nawait sleep(500);\nconsole.log("end");`);
    await kernel.interrupt();
    await run.ended;
    const next = await kernel.run('const typed: number = 6 * 7;\nconsole.log(typed);');
    expect([next.status, next.stdout]).toEqual(['ok', '42\n']);
    expect((await kernel.run('const wrong: number = "";')).ename).toBe('TypeScriptError');
  });

  test('while a module loads lets it be loaded anew', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stop-'));
    const module = join(folder, 'slow.js');
    writeFileSync(module, 'exports.half = true; console.log("started"); while (true) {}');
    expect((await stopped(`const slow = require(${JSON.stringify(module)});`)).ename).toBe('Interrupted');
    writeFileSync(module, 'exports.whole = true;');
    const again = await kernel.run(`console.log(JSON.stringify(require(${JSON.stringify(module)})));`);
    rmSync(folder, { recursive: true });
    expect(again.stdout).toBe('{"whole":true}\n');
  });

  test('leaves the declarations and values of earlier cells as they were', async () => {
    await kernel.run('let kept: number = 5;');
    await stopped('kept = 6; console.log("started"); while (true) {}');
    const next = await kernel.run('console.log(kept.toFixed(1));');
    expect([next.status, next.stdout]).toEqual(['ok', '6.0\n']);
  });

  test('goes to whoever has taken SIGINT over, code that blocks included, and comes back', async () => {
    const run = kernel.start(`const before = process.listeners('SIGINT');
process.removeAllListeners('SIGINT');
let presses = 0;
process.on('SIGINT', () => void presses++);
console.log('started');
for (const end = Date.now() + 1000; Date.now() < end;) {} // as a long step of training does
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

  test('reaches a listener that a cell has added as well', async () => {
    const run = kernel.start(`const heard = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
console.log('started');
await new Promise(() => {});`);
    await run.until(/started/);
    await kernel.interrupt();
    expect((await run.ended).ename).toBe('Interrupted');
    await expectStopped('console.log("started"); await new Promise(() => {});');
  });

  test('and then Restart begins afresh', async () => {
    await stopped('const gone = 1; console.log("started"); while (true) {}');
    await kernel.restart();
    expect((await kernel.run('gone')).evalue).toContain("Cannot find name 'gone'");
    expect((await kernel.run('6 * 7')).stdout).toBe('42\n');
  });
});
