import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Scope } from '../../kernel/language/scope';
import { type Kernel, startKernel } from '../helpers/kernel';
import { root } from '../helpers/notebook';

/** The parent of a notebook's folder, outside of the project, with its own files and packages. */
let folder: string;
let kernel: Kernel;
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'cells-')));
  writeFiles(OWN_FILES);
  kernel = await startKernel({ cwd: join(folder, 'notebooks') });
});
afterAll(async () => {
  await kernel.stop();
  rmSync(folder, { recursive: true });
});

function writeFiles(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Runs cells that must succeed, in order. @returns the last value as Node's inspect shows it. */
async function valueAfter(...cells: string[]): Promise<string | undefined> {
  let value: string | undefined;
  for (const code of cells) {
    const run = await kernel.run(code);
    expect([code, run.text.replaceAll('\x1b', ''), run.status]).toEqual([code, expect.anything(), 'ok']);
    value = run.result;
  }
  return value;
}

/** Internals of the kernel that users must not see. */
const INTERNALS = /__cell|__import|exports\.|cell\.js|replMode|[\\/]kernel[\\/]|node:internal|evalmachine|tslab[\\/]/;

/** Runs a cell that must fail. @returns its traceback without colours and without the cell's count. */
async function tracebackOf(code: string): Promise<string> {
  const run = await kernel.run(code);
  expect([code, run.status]).toEqual([code, 'error']);
  const text = stripVTControlCharacters(run.traceback!.join('\n'));
  expect(`${text}\n${run.ename}\n${run.evalue}`).not.toMatch(INTERNALS);
  return text.replace(/Cell In\[\d+\]/g, 'Cell In[.]');
}

const OWN_FILES = {
  'notebooks/x.ts': `export const x = 1;
export interface Point { across: number }
export type Name = string;
export default class Counter { count = 7 }
export function thrower(): never {
  throw new RangeError('thrown in x');
}`,
  'notebooks/y.ts': "import { x } from './x';\nexport { x as sameX } from './x.js';\nexport const y: number = x + 1;",
  'notebooks/plain.js': "exports.how = 'CommonJS';",
  'notebooks/modern.js': "export const how = 'ECMAScript';\nexport default import.meta.url;",
  'notebooks/module.mjs': "import { how } from './plain.js';\nexport const through = how;",
  'notebooks/waiting.mjs': 'export const waited = await Promise.resolve(3);',
  'notebooks/waiting.ts': 'export const waited = await Promise.resolve(3);',
  'notebooks/inner/index.ts': "export const inner = 'index';",
  'notebooks/wrong.ts': "export const fine = 1;\nexport const wrong: number = 'text';",
  'notebooks/through-wrong.ts': "import { wrong } from './wrong';\nexport const through = wrong;",
  'notebooks/broken.ts': 'export const one = 1;\nexport const broken = ;',
  'notebooks/snapped.js': 'exports.one = 1;\nexports.broken = ;',
  'notebooks/at-load.ts': "export const before = 1;\nthrow new TypeError('thrown at load');",
  'notebooks/circle-a.ts': "import { b } from './circle-b';\nexport const a = 'a';\nexport const ab = () => a + b;",
  'notebooks/circle-b.ts': "import { a } from './circle-a';\nexport const b = 'b';\nexport const ba = () => b + a;",
  'notebooks/counter.ts': `export let pulse = 0;
export var latest: { n?: number } | null = null;
export const add = () => { pulse += 1; latest = { n: pulse }; return pulse; };
export const forget = () => { latest = null; };
export { pulse as default };`,
  'notebooks/counters.ts': "export { pulse as pulsed } from './counter';\nexport * from './counter';",
  'notebooks/counter.mjs': 'export let ticks = 0;\nexport const tick = () => (ticks += 1);\nawait null;',
  'notebooks/node_modules/untyped/package.json': '{ "name": "untyped", "type": "module", "main": "index.js" }',
  'notebooks/node_modules/untyped/index.js': 'export let turns = 0;\nexport function turn() { turns++; }',
  'notebooks/uses-packages.ts': `import * as tf from '@tensorflow/tfjs-node';
import { kind } from 'import-only';
import greet from 'modern';
export const used = [typeof tf.tensor, kind, greet()];`,
  'up.ts': "export const up = 'above';",
  'up.json': '{ "numbers": [1, 2] }',
  'notebooks/node_modules/modern/package.json': '{ "name": "modern", "type": "module", "exports": "./index.js" }',
  'notebooks/node_modules/modern/index.js': "export const one = 1;\nexport default () => 'hello';",
  'notebooks/node_modules/import-only/package.json':
    '{ "name": "import-only", "exports": { "import": "./index.mjs" } }',
  'notebooks/node_modules/import-only/index.mjs': "export const kind = await 'import only';",
  'notebooks/node_modules/plain/package.json': '{ "name": "plain" }',
  'notebooks/node_modules/plain/index.js': 'module.exports = { one: 1, two() { return this.one + 1; } };',
  'notebooks/node_modules/marked/package.json': '{ "name": "marked", "main": "main.js" }',
  'notebooks/node_modules/marked/main.js':
    "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'its default';\nexports.named = 2;",
  'notebooks/node_modules/dual/package.json': `{ "name": "dual", "exports": {
    ".": { "import": "./import.mjs", "require": "./require.cjs" },
    "./part": { "require": "./require.cjs", "import": "./import.mjs" },
    "./old": "./require.cjs" } }`,
  'notebooks/node_modules/dual/import.mjs': "export const how = 'import';",
  'notebooks/node_modules/dual/require.cjs': "exports.how = 'require';",
  'notebooks/node_modules/half/package.json': '{ "name": "half", "exports": { "import": "./index.mjs" } }',
  'notebooks/node_modules/half/index.mjs': "import 'its-missing-part';",
  'notebooks/node_modules/throws/package.json': '{ "name": "throws", "type": "module", "exports": "./index.js" }',
  'notebooks/node_modules/throws/index.js': "export const one = 1;\nthrow new Error('thrown in a package');",
  'notebooks/node_modules/seedrandom/package.json': '{ "name": "seedrandom" }',
  'notebooks/node_modules/seedrandom/index.js': "exports.whose = 'the notebook';",
  'notebooks/node_modules/@types/jest/package.json': '{ "name": "@types/jest", "types": "index.d.ts" }',
  'notebooks/node_modules/@types/jest/index.d.ts': 'declare function describe(title: string): void;',
  'inner/node_modules/own-part/package.json': '{ "name": "own-part" }',
  'inner/node_modules/own-part/index.js': "exports.where = 'beside its file';",
  'inner/own.ts': "export { where } from 'own-part';",
};

describe('a name declared again', () => {
  test.each([
    ['a let', 'let value = 1;', 'let value = 10;'],
    ['an assigned let', 'let value = 1;', 'value = 10;'],
    ['a constant', 'const value = 1;', 'const value = 10;'],
    ['a var', 'var value = 1;', 'var value = 10;'],
    ['a var within a block', 'var value = 1;', 'if (true) { var value = 10; }'],
    ['a destructured constant', 'const { value } = { value: 1 };', 'const [value] = [10];'],
    ['a let that was a constant', 'const value = 1;', 'let value = 10;'],
    ['a loop’s var', 'var value = 1;', 'for (var value = 0; value < 10; value++);'],
  ])('is used by functions of earlier cells: %s', async (_what, first, again) => {
    expect(await valueAfter(first, 'const twice = () => value * 2; function thrice() { return value * 3; }')).toBe(
      undefined,
    );
    expect(await valueAfter(again, '[twice(), thrice()]')).toBe('[ 20, 30 ]');
  });

  test.each([
    ['a function', "function make() { return 'old'; }", "function make() { return 'new'; }", 'make()'],
    ['a class', "class Made { is = 'old'; }", "class Made { is = 'new'; }", 'new Made().is'],
    [
      'an async function',
      "async function make2() { return 'old'; }",
      "async function make2() { return 'new'; }",
      'make2()',
    ],
    ['an enum', "enum Kind { Is = 'old' }", "enum Kind { Is = 'new' }", 'Kind.Is'],
    [
      'a namespace',
      "namespace Holds { export const is: string = 'old'; }",
      "namespace Holds { export const is: string = 'new'; }",
      'Holds.is',
    ],
    ['a static member', "class Still { static is = 'old'; }", "class Still { static is = 'new'; }", 'Still.is'],
  ])('is called by a function of an earlier cell: %s', async (_what, first, again, use) => {
    await valueAfter(first, `const used = async () => ${use};`);
    expect(await valueAfter('await used()')).toBe("'old'");
    expect(await valueAfter(again, 'await used()')).toBe("'new'");
  });

  test.each([
    ['var, then const', 'var swap = 1;', "const swap = 'new';", 'swap.length', '3'],
    ['const, then let', 'const swap = 1;', "let swap = ['new'];", 'swap.push("x")', '2'],
    ['function, then class', 'function swap() {}', 'class swap { is = 5; }', 'new swap().is', '5'],
    ['class, then function', 'class swap {}', 'function swap() { return 6; }', 'swap()', '6'],
    ['let of another type', 'let swap = 1;', 'let swap = { deep: [true] };', 'swap.deep[0]', 'true'],
    ['import, then const', "import swap from 'node:os';", 'const swap = 7n;', 'swap * 2n', '14n'],
    ['const, then import', 'const swap = 1;', "import swap from 'node:path';", "swap.join('a', 'b')", "'a/b'"],
    ['enum, then function', 'enum swap { A }', 'const swap = (n: number) => n;', 'swap(8)', '8'],
    ['namespace, then class', 'namespace swap { export const a = 1; }', 'class swap { static b = 9; }', 'swap.b', '9'],
    ['function, then enum', 'function swap() {}', 'enum swap { A, B }', 'swap[swap.B]', "'B'"],
    ['a type, then a value', 'type swap = string;', 'const swap = 10;', 'swap + 0', '10'],
  ])('may have another kind or type: %s', async (_what, first, again, use, shown) => {
    expect(await valueAfter(first, again, use)).toBe(shown);
  });

  test('as a type keeps the value of that name, and as a value keeps the type', async () => {
    await valueAfter('const Both = { of: 1 };', 'interface Both { is: string }');
    expect(await valueAfter("const both: Both = { is: 'typed' }; [Both.of, both.is]")).toBe("[ 1, 'typed' ]");
    await valueAfter('type Size = { width: number };', 'const Size = () => 3;');
    expect(await valueAfter('const size: Size = { width: Size() }; size')).toBe('{ width: 3 }');
    await valueAfter('const Both = 2;', 'type Both = boolean;');
    expect(await valueAfter('const still: Both = true; [still, Both.toFixed()]')).toBe("[ true, '2' ]");
  });

  test('as an enum has only the new members', async () => {
    await valueAfter('enum Color { Red, Green }', 'enum Color { Red = 5, Blue }');
    expect(await valueAfter('[Color.Red, Color[6], Color.Blue]')).toBe("[ 5, 'Blue', 6 ]");
    expect(await tracebackOf('Color.Green')).toContain("Property 'Green' does not exist on type 'typeof Color'");
  });

  test('as a constant cannot be assigned, and as a let can', async () => {
    await valueAfter('let fixed = 1;', 'const fixed = 2;');
    expect(await tracebackOf('fixed = 3;')).toContain("Cannot assign to 'fixed' because it is a constant");
    expect(await valueAfter('let fixed = 3;', 'fixed = 4; fixed')).toBe('4');
  });

  test('keeps the instances and types of earlier cells', async () => {
    await valueAfter(
      'class Old { #age = 1; age() { return this.#age; } }',
      'const old = new Old(); const ageOf = (o: Old) => o.age();',
    );
    expect(await valueAfter('class Old { name = "new"; }', '[ageOf(old), new Old().name]')).toBe("[ 1, 'new' ]");
    expect(await tracebackOf('ageOf(new Old())')).toContain("is not assignable to parameter of type 'Old'");
  });
});

describe('a cell that awaits', () => {
  test.each([
    ['await (async () => 5)()', '5'],
    ['await (Promise.resolve(6))', '6'],
    ['(await Promise.resolve([7])).length', '1'],
    ['`${await Promise.resolve(8)}`', "'8'"],
    ['await Promise.all([1, Promise.resolve(2)])', '[ 1, 2 ]'],
    ['[await 1, await 2]', '[ 1, 2 ]'],
    ['await { then(done: (n: number) => void) { done(9); } }', '9'],
  ])('%s has its value', async (code, shown) => {
    expect(await valueAfter(code)).toBe(shown);
  });

  test.each([
    ['for await (const n of [1, 2, 3]) console.log(n);'],
    ['for await (const n of [Promise.resolve(1), 2, Promise.resolve(3)]) { console.log(n); }'],
    ['async function* count() { yield 1; yield 2; yield 3; }\nfor await (const n of count()) console.log(n);'],
    ['for (const n of [1, 2, 3]) console.log(await n);'],
    ['let n = 0; while (n < 3) console.log(await Promise.resolve(++n));'],
    ['do { var m = (m ?? 0) + 1; console.log(await m); } while (m < 3);'],
  ])('%s prints 1, 2, 3', async (code) => {
    expect((await kernel.run(code)).stdout).toBe('1\n2\n3\n');
  });
});

describe('destructuring', () => {
  beforeAll(async () => {
    await valueAfter(
      'const config = { units: 3, lr: 0.5 }; const factor = 10; const key = "lr";',
      'const runs = [{ loss: 1, acc: 2 }, { loss: 3, acc: 4 }];',
    );
  });

  test.each([
    ['const { units: n, lr: rate } = config; [n, rate]', '[ 3, 0.5 ]'],
    ['runs.map(({ acc: a }) => a * factor)', '[ 20, 40 ]'],
    [
      'const [{ loss: first, ...others }, second = { loss: 0 }] = runs; [first, others, second.loss]',
      '[ 1, { acc: 2 }, 3 ]',
    ],
    [
      'const { [key]: computed, missing = factor } = config as { lr: number; missing?: number }; [computed, missing]',
      '[ 0.5, 10 ]',
    ],
    ['var { units, ...rest } = config; [units, rest]', '[ 3, { lr: 0.5 } ]'],
    ['let a1: number, b1: number; ({ units: a1, lr: b1 } = config); [a1, b1] = [b1, a1]; [a1, b1]', '[ 0.5, 3 ]'],
    ['(({ acc }: { acc: number }, [x] = [factor]) => acc + x)(runs[0])', '12'],
    ['if (true) { var { a: { b: deep = factor } = {} as { b?: number } } = {} as { a?: { b?: number } }; } deep', '10'],
  ])('%s', async (code, shown) => {
    expect(await valueAfter(code)).toBe(shown);
  });

  test.each([
    ['for (const { loss: l } of runs) console.log(l);'],
    ['for (var { loss } of runs) console.log(loss);'],
    ['for (const [, { loss: l }] of runs.entries()) console.log(l);'],
    ['runs.forEach(({ loss: l }) => console.log(l));'],
  ])('%s prints 1 and 3', async (code) => {
    expect((await kernel.run(code)).stdout).toBe('1\n3\n');
  });
});

describe('a legal name', () => {
  test.each([
    ...['ε', '$x', '이름', 'größe', '_', '$', '𝑥', 'ªb', 'a\u200cb', 'été', 'Ω_1'],
    ...['exports', 'module', 'name', 'event', 'toString', 'constructor', 'valueOf', 'hasOwnProperty', '__proto__'],
    ...['status', 'length', 'self', 'global', 'history', 'top', 'parent', 'test', 'describe', 'process', 'require'],
    ...['async', 'of', 'get', 'set', 'type', 'from', 'as', 'declare', 'namespace', 'abstract', 'satisfies'],
    ...['__dirname', '__filename', '__cell__', '__own', 'tslab', 'ts', 'cell', 'window', 'document', 'NaN', 'Infinity'],
    ...['Symbol', 'Array', 'Map', 'Promise', 'Object', 'Error', 'JSON', 'Date', 'Buffer', 'console', 'globalThis'],
  ])('%s of an earlier cell has its value, also as { %s }', async (name) => {
    const other = await startedForNames();
    expect((await other.run(`const ${name} = 'mine';`)).text).toBe('');
    expect((await other.run(`[${name}, (() => ${name})(), { ${name} }.${name}]`)).result).toBe(
      "[ 'mine', 'mine', 'mine' ]",
    );
    expect((await other.run(`let ${name} = 'again'; ${name}`)).result).toBe("'again'");
  });

  test.each([
    ['a constant', "const Map = 'mine';", 'Map', "'mine'"],
    ['an import', "import { setTimeout } from 'node:timers/promises';", "await setTimeout(1, 'waited')", "'waited'"],
    ['a default import', "import process from 'node:process';", 'typeof process.cwd', "'function'"],
    ['a class', 'class URL { is = 1; again() { return new URL(); } }', 'new URL().again().is', '1'],
    ['a function', 'function fetch(n: number): number { return n ? fetch(n - 1) : 7; }', 'fetch(3)', '7'],
    ['an enum', 'enum Buffer { A, B }', 'Buffer[Buffer.B]', "'B'"],
    ['a namespace', 'namespace Intl { export const x = 3; }', 'Intl.x', '3'],
    [
      'patterns',
      'const [crypto, { atob, btoa = 3, ...Reflect }] = [1, { atob: 2, z: 4 } as { atob: number; btoa?: number; z: number }];',
      '[crypto, atob, btoa, Reflect]',
      '[ 1, 2, 3, { z: 4 } ]',
    ],
    [
      'an assigned pattern',
      'let escape = 0; ({ escape } = { escape: 5 }); ({ escape = 6 } = { escape });',
      '({ escape })',
      '{ escape: 5 }',
    ],
    ['a var within a block', 'if (true) { var WeakMap = 1; }\nif (!WeakMap) { var WeakMap = 2; }', 'WeakMap', '1'],
    ['an exported constant', 'export const Set = 5;', 'Set + 1', '6'],
  ])('that is also a global may be %s, and libraries still find the global', async (_what, code, use, shown) => {
    expect(await valueAfter(code, use)).toBe(shown);
    const names = '[process.pid > 0, new URL("a:b").href, Buffer.from("a").length, new Set([1]).size, new Map().size]';
    writeFiles({ 'notebooks/sees.js': `exports.sees = () => ${names};` });
    expect(await valueAfter("(await import('./sees.js')).sees()")).toBe("[ true, 'a:b', 1, 1, 0 ]");
  });

  test.each([
    ['class', 'class WeakRef { own = 1 }', 'WeakRef'],
    ['class that is decorated', 'const same = <T>(target: T) => target; @same class Iterator { own = 1 }', 'Iterator'],
    ['function', 'function isNaN() {}', 'isNaN'],
    ['async function', 'export async function clearTimeout() {}', 'clearTimeout'],
  ])('that is also a global names a %s exactly', async (_what, code, name) => {
    expect(await valueAfter(code, `[${name}.name, ${name}.name.length]`)).toBe(`[ '${name}', ${name.length} ]`);
  });

  test('that only a type or a `declare` uses keeps the global’s value', async () => {
    expect(
      await valueAfter(
        'interface WeakSet<T> { own?: T }\ndeclare const structuredClone: (value: unknown) => unknown;',
        '[structuredClone([1]), typeof new WeakSet()]',
      ),
    ).toBe("[ [ 1 ], 'object' ]");
  });

  test('with an escape sequence is the same name without it', async () => {
    expect(await valueAfter('const \\u0061bove = 3;', 'above')).toBe('3');
  });

  /** A kernel whose globals the tests may shadow. */
  function startedForNames(): Promise<Kernel> {
    return (forNames ??= startKernel({ cwd: folder }));
  }
  let forNames: Promise<Kernel> | undefined;
});

describe('export', () => {
  test.each([
    ['a constant', 'export const five = 5;', 'five', '5'],
    ['a destructured let', "export let { length: exported } = 'abc';", 'exported', '3'],
    ['a function', 'export function eight() { return 8; }', 'eight()', '8'],
    ['an async function', 'export async function nine() { return 9; }', 'await nine()', '9'],
    ['a generator', 'export function* ten() { yield 10; }', '[...ten()]', '[ 10 ]'],
    ['a class', 'export class Eleven { is = 11; }', 'new Eleven().is', '11'],
    [
      'an abstract class',
      'export abstract class Shape { sides() { return 4; } }',
      'new (class extends Shape {})().sides()',
      '4',
    ],
    ['an enum', 'export enum Level { Low, High }', '[Level.High, Level[0]]', "[ 1, 'Low' ]"],
    ['a constant enum', 'export const enum Step { One = 1, Two }', 'Step.Two', '2'],
    ['a namespace', 'export namespace Space { export const inside = 1; }', 'Space.inside', '1'],
    ['an interface', 'export interface Sized { size: number }', '({ size: 1 }) satisfies Sized', '{ size: 1 }'],
    ['a type', 'export type Letter = "a" | "b";', 'const letter: Letter = "b"; letter', "'b'"],
    ['a default function with a name', 'export default function named() { return 12; }', 'named()', '12'],
    ['a default class with a name', 'export default class Named { is = 13; }', 'new Named().is', '13'],
    ['names', 'const listed = 14; export { listed, listed as other };', 'listed', '14'],
    ['a default name', 'const chosen = 15; export default chosen;', 'chosen', '15'],
  ])('of %s declares it for later cells', async (_what, code, use, shown) => {
    expect(await valueAfter(code, '1 + 1;', use)).toBe(shown);
  });

  test.each([
    ['export default 5 + 6;', '11'],
    ['export default { a: 1 };', '{ a: 1 }'],
    ['export default () => 5;', '[Function (anonymous)]'],
    ['export default await Promise.resolve(7);', '7'],
    ['export default function () { return 1; }', undefined],
    ['export default async function () {}', undefined],
    ['export default class {}', undefined],
    ['export default class extends Array<number> {}', undefined],
    ['export default abstract class {}', undefined],
    ["export { join } from 'node:path';", undefined],
    ["export * from './x';", undefined],
    ["export * as all from './x';", undefined],
    ["export type { Stats } from 'node:fs';", undefined],
    ['export {};', undefined],
  ])('%s is a valid cell', async (code, shown) => {
    expect(await valueAfter(code)).toBe(shown);
  });

  test.each([
    ['export { nonesuch };', "Cannot find name 'nonesuch'"],
    ['export = 5;', 'Export assignment cannot be used'],
    ['export as namespace Foo;', 'Global module exports may only appear in declaration files'],
    ["export * from './nonesuch';", "Cannot find module './nonesuch'"],
    ["export { nonesuch } from './x';", "has no exported member 'nonesuch'"],
    ["declare module 'made-up' { export const q: number; }", "module 'made-up' cannot be found"],
  ])('%s fails with a message and the line', async (code, sentence) => {
    const shown = await tracebackOf(code);
    expect(shown).toContain(sentence);
    expect(shown).toContain(`> 1 | ${code}`);
  });

  test('declare global and declare module apply to all later cells', async () => {
    await valueAfter(
      'declare global { interface Array<T> { second(): T } }\nArray.prototype.second = function () { return this[1]; };',
    );
    await valueAfter('declare global { var answer: number }\nglobalThis.answer = 42;');
    await valueAfter("import type { Point } from './x';\ndeclare module './x' { interface Point { height?: number } }");
    await valueAfter('1 + 1;');
    expect(await valueAfter('[[1, 2].second(), answer]')).toBe('[ 2, 42 ]');
    expect(
      await valueAfter("import type { Point } from './x';\nconst high: Point = { across: 1, height: 2 }; high"),
    ).toBe('{ across: 1, height: 2 }');
  });
});

describe('A cell that runs again can change what it declares for all files:', () => {
  test.each([
    [
      'a const',
      'declare global { const globalRate: number; }',
      'declare global { const globalRate: string; }',
      'globalRate.toFixed()',
      'globalRate.at(0)',
    ],
    [
      'a var',
      'declare global { var globalShare: number; }',
      'declare global { var globalShare: string; }',
      'globalShare.toFixed()',
      'globalShare.at(0)',
    ],
    [
      'a class',
      'declare global { class GlobalShape { sides: number } }',
      'declare global { class GlobalShape { angles: number } }',
      'new GlobalShape().sides',
      'new GlobalShape().angles',
    ],
    [
      'a type',
      'declare global { type GlobalSize = number; }',
      'declare global { type GlobalSize = string; }',
      '(null! as GlobalSize).toFixed()',
      '(null! as GlobalSize).at(0)',
    ],
    [
      'an enum',
      'declare global { enum GlobalLevel { low = 1 } }',
      'declare global { enum GlobalLevel { high = 2 } }',
      'GlobalLevel.low',
      'GlobalLevel.high',
    ],
    [
      'a namespace',
      'declare global { namespace GlobalSizes { const small: number; } }',
      'declare global { namespace GlobalSizes { const large: number; } }',
      'GlobalSizes.small',
      'GlobalSizes.large',
    ],
  ])('%s', async (what, first, second, useOfFirst, useOfSecond) => {
    const isAccepted = async (use: string): Promise<boolean> => (await kernel.run(`() => ${use};`)).status === 'ok';
    const statuses: unknown[] = [];
    for (const code of [first, first, second, `${second}\nconst beside = 1;`, second]) {
      statuses.push(
        (await kernel.run(code, `global ${what}`)).status,
        await isAccepted(useOfFirst),
        await isAccepted(useOfSecond),
      );
    }
    const [before, after] = [
      ['ok', true, false],
      ['ok', false, true],
    ];
    expect(statuses).toEqual([before, before, after, after, after].flat());
  });

  test('but not if it fails to compile', async () => {
    await kernel.run('declare global { const kept: number; }', 'kept');
    expect((await kernel.run('declare global { const kept: string; }\nnonesuch;', 'kept')).status).toBe('error');
    expect((await kernel.run('() => kept.toFixed();')).status).toBe('ok');
    expect((await kernel.run('nonesuch;', 'kept')).status).toBe('error');
    expect((await kernel.run('() => kept.toFixed();')).status).toBe('ok');
  });

  test('and can declare nothing any more', async () => {
    await kernel.run('declare global { const ended: number; }', 'ended');
    await kernel.run('1 + 1;', 'ended');
    expect(await tracebackOf('() => ended;')).toContain("Cannot find name 'ended'");
    expect(await tracebackOf("import './x';\n() => ended;")).toContain("Cannot find name 'ended'");
  });
});

describe('import', () => {
  test('import.meta.resolve gives the URL of a package, of a module of Node and of an own file', async () => {
    const shown = await valueAfter(
      "['plain', 'fs', './x'].map((id) => import.meta.resolve(id).replace(/.*\\/(?=.*\\/)/, ''))",
    );
    expect(shown).toBe("[ 'plain/index.js', 'node:fs', 'notebooks/x.ts' ]");
  });

  test.each([
    ["import tf from '@tensorflow/tfjs-node'; typeof tf.tensor", "'function'"],
    [
      "import * as tf1 from '@tensorflow/tfjs-node'; [typeof tf1.tensor, tf1.tensor === tf.tensor]",
      "[ 'function', true ]",
    ],
    [
      "import { tensor, scalar as number } from '@tensorflow/tfjs-node'; [tensor === tf.tensor, number === tf.scalar]",
      '[ true, true ]',
    ],
    ["import fs, { readFileSync as read } from 'node:fs'; fs.readFileSync === read", 'true'],
    ["import fs, * as all from 'fs'; all.readFileSync === fs.readFileSync", 'true'],
    ["import { EventEmitter } from 'node:events'; import Default from 'node:events'; EventEmitter === Default", 'true'],
    ["import assert from 'node:assert'; assert(true); typeof assert.ok", "'function'"],
    ["import { readFile } from 'fs/promises'; typeof readFile", "'function'"],
    [
      "import plain, { one, two as second } from 'plain'; [plain.one, one, plain.two(), typeof second]",
      "[ 1, 1, 2, 'function' ]",
    ],
    ["import * as plainly from 'plain'; plainly.one", '1'],
    ["import marked, { named } from 'marked'; [marked, named]", "[ 'its default', 2 ]"],
    ["import * as marks from 'marked'; [marks.default, marks.named]", "[ 'its default', 2 ]"],
    ["import greet, { one as uno } from 'modern'; [greet(), uno]", "[ 'hello', 1 ]"],
    ["import * as modern from 'modern'; Object.keys(modern)", "[ 'default', 'one' ]"],
    ["import { kind } from 'import-only'; kind", "'import only'"],
    [
      "import { how } from 'dual'; import { how as part } from 'dual/part'; [how, part, require('dual').how]",
      "[ 'import', 'import', 'require' ]",
    ],
    ["import { how as old } from 'dual/old'; old", "'require'"],
    ["(await import('plain')).default.two()", '2'],
    ["(await import('modern')).default()", "'hello'"],
    ["const which = 'node:path'; (await import(which)).default.join('a', 'b')", "'a/b'"],
    ["import 'node:fs'; import {} from 'plain'; 1", '1'],
  ])('of a package: %s', async (code, shown) => {
    expect(await valueAfter(code)).toBe(shown);
  });

  test.each([
    [
      "import Counter, { x, type Point, Name } from './x.ts'; const p: Point = { across: x }; const n: Name = 'n'; [new Counter().count, p, n]",
      "[ 7, { across: 1 }, 'n' ]",
    ],
    ["import { y, sameX } from './y'; [y, sameX]", '[ 2, 1 ]'],
    ["import { x as viaJs } from './x.js'; viaJs", '1'],
    ["import type { Point as Place } from './x'; const place: Place = { across: 2 }; place", '{ across: 2 }'],
    [
      "import { how as plainHow } from './plain.js'; import wholly from './plain'; [plainHow, wholly.how]",
      "[ 'CommonJS', 'CommonJS' ]",
    ],
    [
      "import url, { how as modernHow } from './modern.js'; [modernHow, url.endsWith('/modern.js')]",
      "[ 'ECMAScript', true ]",
    ],
    [
      "import { through } from './module.mjs'; import { waited } from './waiting.mjs'; [through, waited]",
      "[ 'CommonJS', 3 ]",
    ],
    ["import { inner } from './inner'; import { up } from '../up.ts'; [inner, up]", "[ 'index', 'above' ]"],
    [
      "import { up as up2 } from '../up'; import json from '../up.json'; [up2, json.numbers.map((n) => n + 1)]",
      "[ 'above', [ 2, 3 ] ]",
    ],
    ["import { ab } from './circle-a'; import { ba } from './circle-b'; [ab(), ba()]", "[ 'ab', 'ba' ]"],
    ["import { used } from './uses-packages'; used", "[ 'function', 'import only', 'hello' ]"],
    ["import { where } from '../inner/own'; where", "'beside its file'"],
    ["(await import('./y')).y + (await import('../up.json')).default.numbers[1]", '4'],
    ['const file = "./x.ts"; (await import(file)).x', '1'],
  ])('of an own file: %s', async (code, shown) => {
    expect(await valueAfter(code)).toBe(shown);
  });

  // The values that Node prints for the same modules, loaded as ECMAScript modules.
  test.each([
    ['a variable', "import { pulse, add } from './counter'; const p0 = pulse; add(); [p0, pulse]", '[ 0, 1 ]'],
    ['it in a function', 'const readPulse = () => pulse;', 'add(); [pulse, readPulse()]', '[ 2, 2 ]'],
    ['it under another name', "import { pulse as beats, add as more } from './counter'; more(); beats", '3'],
    ['a default', "import whole, { add as plus } from './counter'; plus(); [whole, `${whole}`]", "[ 4, '4' ]"],
    [
      'a variable exported again',
      "import { pulsed, latest } from './counters'; add(); [pulsed, latest]",
      '[ 5, { n: 5 } ]',
    ],
    ['an ECMAScript file', "import { ticks, tick } from './counter.mjs'; tick(); ticks", '1'],
    ['a package without types', "import { turns, turn } from 'untyped'; turn(); turn(); turns", '2'],
    [
      'a global name',
      "import { pulse as performance } from './counter'; add(); [performance, { performance }]",
      '[ 6, { performance: 6 } ]',
    ],
  ])('an import of %s has its current value', async (_what, ...cells) => {
    const value = cells.pop();
    expect(await valueAfter(...cells)).toBe(value);
  });

  test('an imported variable cannot be assigned, names itself in errors, and can be declared again', async () => {
    await valueAfter("import { latest, pulse, add, forget } from './counter'; const readAgain = () => pulse; add()");
    expect(await tracebackOf('pulse = 4')).toContain("Cannot assign to 'pulse' because it is an import.");
    expect(await tracebackOf('forget(); latest.n')).toContain("Cannot read properties of null (reading 'n')");
    expect(await valueAfter('let pulse = 50; add(); [pulse, readAgain()]')).toBe('[ 50, 50 ]');
    expect(await valueAfter("import { pulse } from './counter'; readAgain() >= 7")).toBe('true');
  });

  test('loads a changed file again when its cell is run again, also if another file imports it', async () => {
    const cells = [
      "import { leaf } from './leaf'; leaf",
      "import { middle } from './middle'; middle",
      "import { script } from './script.mjs'; script",
      "import data from './data.json'; data.leaf",
    ];
    const write = (leaf: string): void =>
      writeFiles({
        'notebooks/leaf.ts': `export const leaf = ${leaf};`,
        'notebooks/data.json': `{ "leaf": ${leaf} }`,
        'notebooks/leaf.mjs': `export const leaf = ${leaf};`,
      });
    writeFiles({
      'notebooks/middle.ts': "import { leaf } from './leaf';\nexport const middle = [leaf];",
      'notebooks/script.mjs': "import { leaf } from './leaf.mjs';\nexport const script = leaf;",
    });
    write('1');
    expect([await valueAfter(cells[0]), await valueAfter(cells[1])]).toEqual(['1', '[ 1 ]']);
    expect([await valueAfter(cells[2]), await valueAfter(cells[3])]).toEqual(['1', '1']);
    write('"two"');
    expect([await valueAfter(cells[0]), await valueAfter(cells[1])]).toEqual(["'two'", "[ 'two' ]"]);
    expect([await valueAfter(cells[2]), await valueAfter(cells[3])]).toEqual(["'two'", "'two'"]);
    expect(await valueAfter("import { leaf } from './leaf'; leaf.length")).toBe('3');
  });

  test.each([
    [
      'a type error',
      "import { fine } from './wrong';",
      "TypeScriptError: Type 'string' is not assignable to type 'number'.\nwrong.ts, line 2, column 14\n",
    ],
    [
      'a type error in an indirect import',
      "import { through } from './through-wrong';",
      'wrong.ts, line 2, column 14\n',
    ],
    [
      'a syntax error',
      "import { broken } from './broken';",
      'SyntaxError: Expression expected.\nbroken.ts, line 2, column 23\n',
    ],
    ['a syntax error in JavaScript', "import './snapped.js';", 'SyntaxError: Expression expected. (/'],
    [
      'a syntax error in JavaScript, with its location',
      "import './snapped.js';",
      '/notebooks/snapped.js, line 2, column 18)\nCell In[.], line 1,',
    ],
    [
      'an error when it is loaded',
      "import './at-load';",
      /^TypeError: thrown at load\nCell In\[\.\], line 1,[^]*\n {4}at .*at-load\.ts:2:7\n/,
    ],
    [
      'an error when it is imported dynamically',
      "await import('./at-load');",
      /at-load\.ts:2:7\n {4}at Cell In\[\.\]:1:\d+$/,
    ],
    [
      'an error of its function',
      "import { thrower } from './x';\nthrower();",
      /line 2, column 1\n[^]*\n {4}at thrower \(.*\/x\.ts:6:9\)\n {4}at Cell In\[\.\]:2:1$/,
    ],
    [
      'a top-level await',
      "import './waiting';",
      '/waiting.ts uses await outside of functions, which cells cannot import: export an async function',
    ],
  ])('of an own file with %s shows where it is', async (_what, code, expected) => {
    expect(await tracebackOf(code)).toMatch(typeof expected === 'string' ? new RegExp(escaped(expected)) : expected);
  });

  test.each([
    ["import 'no-such-package';", "Cannot find module 'no-such-package'"],
    ["import missing from 'no-such-package';", "Cannot find module 'no-such-package'"],
    ["await import('no-such-package' as string);", "Cannot find module 'no-such-package'"],
    ["require('no-such-package');", "Cannot find module 'no-such-package'"],
    ["import { a } from './no-such-file';", "Cannot find module './no-such-file'"],
    ["await import('./no-such-file' as string);", "Cannot find module './no-such-file'"],
    ["import '../no-such.json';", "Cannot find module '../no-such.json'"],
    ["await import('dual/none' as string);", "Package subpath './none' is not defined"],
    ["await import('half');", "Cannot find package 'its-missing-part'"],
    ["import { one as once } from 'throws';", 'thrown in a package'],
  ])('of a missing or failing module shows a message and the line: %s', async (code, sentence) => {
    const shown = await tracebackOf(code);
    expect(shown.split('\n')[0]).toContain(sentence);
    expect(shown).toContain(`Cell In[.], line 1, column`);
    expect(shown.split('\n')[0].length).toBeLessThan(200);
  });

  test('finds the project’s packages from any folder, but searches the notebook’s folder first', async () => {
    expect(
      await valueAfter(
        "import { loadMnist } from 'mnist-lib';\nimport * as tslab from 'tslab';\n[typeof loadMnist, typeof tslab.newDisplay]",
      ),
    ).toBe("[ 'function', 'function' ]");
    expect(await valueAfter("import { whose } from 'seedrandom'; whose")).toBe("'the notebook'");
    expect(await tracebackOf("import { loadMnist } from 'mnist-lib';\nconst n: number = loadMnist;")).toContain(
      '() => Mnist',
    );
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

describe('a declaration', () => {
  test.each([
    [
      'a namespace with a namespace and a type',
      [
        'namespace Geo { export const pi = 3; export namespace Inner { export const deep = "d"; } export interface P { x: number } }',
        '1 + 1;',
        'const gp: Geo.P = { x: Geo.pi }; [gp, Geo.Inner.deep]',
      ],
      "[ { x: 3 }, 'd' ]",
    ],
    [
      'an enum with computed and with text members',
      ['enum Mixed { A = 1 << 2, B = "b", C = "abc".length }', '[Mixed.A, Mixed.B, Mixed.C]'],
      "[ 4, 'b', 3 ]",
    ],
    ['a constant enum', ['const enum Fixed { A = 3, B }', '[Fixed.A, Fixed.B]'], '[ 3, 4 ]'],
    ['an enum in two parts', ['enum Parts { A } enum Parts { B = 5 }', '[Parts.A, Parts.B]'], '[ 0, 5 ]'],
    [
      'a class with a namespace',
      ['class Joined { a = 1; } namespace Joined { export const extra = 2; }', '[new Joined().a, Joined.extra]'],
      '[ 1, 2 ]',
    ],
    [
      'a function with a namespace',
      ['function Called() { return 1; } namespace Called { export const extra = 3; }', '[Called(), Called.extra]'],
      '[ 1, 3 ]',
    ],
    [
      'generics',
      [
        'class Box<T> { constructor(readonly value: T) {} map<U>(f: (value: T) => U) { return new Box(f(this.value)); } }',
        "new Box('abc').map((text) => text.length).value.toFixed(1)",
      ],
      "'3.0'",
    ],
    [
      'parameter properties, private, protected and static members',
      [
        'class Base { #secret = 5; static made = 0; protected own = 1; constructor(private a: number, public b = 2) { Base.made++; } sum() { return this.#secret + this.a + this.own; } }',
        'class Derived extends Base { more() { return this.own; } }\nconst derived = new Derived(10); [derived.sum(), derived.b, derived.more(), Base.made]',
      ],
      '[ 16, 2, 1, 1 ]',
    ],
    [
      'abstract members',
      [
        'abstract class Model { abstract run(): string; call() { return this.run(); } }',
        "new (class extends Model { run() { return 'ran'; } })().call()",
      ],
      "'ran'",
    ],
    [
      'overloads',
      [
        'function over(a: string): string; function over(a: number): number; function over(a: unknown) { return a; }',
        "[over('a').length, over(1).toFixed()]",
      ],
      "[ 1, '1' ]",
    ],
    [
      'a decorated method',
      [
        'function twice(f: () => number, { name }: ClassMethodDecoratorContext) { return () => `${String(name)} ${f() * 2}` as never; }',
        'class Decorated { @twice two() { return 2; } } new Decorated().two()',
      ],
      "'two 4'",
    ],
    [
      'a decorated class',
      [
        'const names: unknown[] = []; const note = (_: unknown, context: DecoratorContext) => void names.push(context.kind, context.name);',
        '@note class Noted { @note field = 1; @note accessor both = 2; }',
        '[new Noted().both, ...names]',
      ],
      "[ 2, 'accessor', 'both', 'field', 'field', 'class', 'Noted' ]",
    ],
    [
      'an assertion function',
      [
        "function assertText(x: unknown): asserts x is string { if (typeof x !== 'string') throw new TypeError(); }",
        "const unknown: unknown = 'abc'; assertText(unknown); unknown.length",
      ],
      '3',
    ],
    [
      'functions and classes that refer to themselves',
      [
        'function fact(n: number): number { return n ? n * fact(n - 1) : 1; } class Self { static make() { return new Self(); } }',
        '[fact(4), fact.name, Self.make() instanceof Self, Self.name]',
      ],
      "[ 24, 'fact', true, 'Self' ]",
    ],
    [
      'functions before their declaration',
      ['[hoisted(), hoisted.name]\nfunction hoisted() { return 1; }', 'hoisted()'],
      '1',
    ],
  ])('is available in later cells: %s', async (_what, cells, shown) => {
    expect(await valueAfter(...cells)).toBe(shown);
  });

  test.each([
    ['blocks', 'if (true) { var inside = 1; } { { var inside2 = 2; } } [inside, inside2]', '[ 1, 2 ]'],
    [
      'loops',
      'for (var i1 = 0; i1 < 3; i1++); for (var k of [1, 2]); for (var property in { a: 1, b: 2 }); [i1, k, property]',
      "[ 3, 2, 'b' ]",
    ],
    ['while and do', 'while (true) { var w1 = 1; break; } do { var w2 = 2; } while (false); [w1, w2]', '[ 1, 2 ]'],
    [
      'try, catch and finally',
      'try { var t1 = 1; throw 2; } catch (e) { var t2 = e; } finally { var t3 = 3; } [t1, t2, t3]',
      '[ 1, 2, 3 ]',
    ],
    [
      'switch and labels',
      "switch (1) { case 1: var s1 = 'case'; } out: for (;;) { var s2 = 'label'; break out; } [s1, s2]",
      "[ 'case', 'label' ]",
    ],
    [
      'patterns',
      'if (true) { var { a: da, b: [db, ...dc], ...dd } = { a: 1, b: [2, 3], c: 4 }; } [da, db, dc, dd]',
      '[ 1, 2, [ 3 ], { c: 4 } ]',
    ],
    ['a loop over pairs', 'for (var [pk, pv] of Object.entries({ q: 1 })); [pk, pv]', "[ 'q', 1 ]"],
    ['a sum over two runs', 'for (var j1 = 0; j1 < 3; j1++) { var total1 = (total1 ?? 0) + j1; } total1', '3'],
  ])('with var in %s is available in later cells, and can be run again', async (_what, code, shown) => {
    expect(await valueAfter(code)).toBe(shown);
    const again = await valueAfter(code.split(/ (?=\[|total1$|\w+$)/).at(-1)!);
    expect(again).toBe(shown);
  });

  test('with var in a loop is shared by all closures', async () => {
    expect(
      await valueAfter(
        'var seen: (() => number)[] = []; for (var c1 = 0; c1 < 2; c1++) seen.push(() => c1);',
        'seen.map((see) => see())',
      ),
    ).toBe('[ 2, 2 ]');
    expect(
      await valueAfter(
        'var seen2: (() => number)[] = []; for (let c2 = 0; c2 < 2; c2++) seen2.push(() => c2);',
        'seen2.map((see) => see())',
      ),
    ).toBe('[ 0, 1 ]');
  });

  test.each([
    [
      'box.value',
      "Property 'value' is private",
      ['class Kept { constructor(private value: number) {} }', 'const box = new Kept(1);'],
    ],
    ['new Idea()', 'Cannot create an instance of an abstract class', ['abstract class Idea {}']],
    [
      'pick(true)',
      'No overload matches this call',
      ['function pick(a: string): void; function pick(a: number): void; function pick() {}'],
    ],
    ['let once = 1; let once = 2;', "Cannot redeclare block-scoped variable 'once'", []],
    ['const both1 = 1; function both1() {}', "Duplicate identifier 'both1'", []],
    ['let later: number = later + 1;', 'used before its declaration', ['let later = 1;']],
    ['readonly1.a = 2;', 'it is a read-only property', ['const readonly1: { readonly a: number } = { a: 1 };']],
  ])('is checked as in a single file: %s', async (code, sentence, before) => {
    await valueAfter(...before);
    expect(await tracebackOf(code)).toContain(sentence);
  });
});

describe('a cell that fails', () => {
  test('at compile time changes no values and no types', async () => {
    await valueAfter('let stays = "text"; type Stays = string;');
    await tracebackOf('let stays = 5; type Stays = number; const wrong: number = "x"; let never1 = 1;');
    await tracebackOf('let stays = 5; let open = {');
    await tracebackOf('stays = 5; nonesuch();');
    expect(await valueAfter('const typed: Stays = stays.toUpperCase(); typed')).toBe("'TEXT'");
    expect(await tracebackOf('never1')).toContain("Cannot find name 'never1'");
  });

  test('half-way has changed the values and types that it reached, and no others', async () => {
    await valueAfter('let came = 1; let not = 1; class Came {} enum NotCame { A }');
    await tracebackOf(
      'let came = "text"; class Came { is = "new"; } throw new Error("half"); let not = "text"; enum NotCame { B = "b" }',
    );
    expect(await valueAfter('[came.toUpperCase(), not.toFixed(1), new Came().is, NotCame.A]')).toBe(
      "[ 'TEXT', '1.0', 'new', 0 ]",
    );
  });

  test('by throwing something that is not an Error changes the types of reached names only', async () => {
    await valueAfter('let kind = 1; let other = 1; const same = { n: 1 };');
    await tracebackOf("let kind = 'text'; const same = 'same'; throw 'no error'; let other = 'text';");
    expect(await valueAfter('[kind.length, other.toFixed(), same.length]')).toBe("[ 4, '1', 4 ]");
    await tracebackOf("let kind = [5]; await Promise.resolve().then(() => { throw null; }); let other = 'text';");
    expect(await valueAfter('[kind[0], other.toFixed()]')).toBe("[ 5, '1' ]");
  });

  test.each([
    [
      'in a declaration’s own function',
      "let m1 = 1, m2 = 's', m3 = (() => { throw new Error('third'); })(), m4 = 4;",
      '[m1.toFixed(), m2.length]',
      "[ '1', 1 ]",
      ['m3', 'm4'],
    ],
    [
      'in a callback',
      "const c1 = 'c'; const c3 = [1].map((n) => { throw new RangeError(`${n}`); });",
      'c1.length',
      '1',
      ['c3'],
    ],
    [
      'in an awaited promise',
      "const a1 = 'a'; await Promise.reject(new Error('rejected')); const a3 = 'a';",
      'a1.length',
      '1',
      ['a3'],
    ],
    ['in Node’s own code', "const p1 = 'p'; JSON.parse('{'); const p3 = 1;", 'p1.length', '1', ['p3']],
    ['in an own file', "const f1 = 'f'; await import('./at-load'); const f3 = 1;", 'f1.length', '1', ['f3']],
    ['in a block', "if (true) { var b1 = 's'; throw new Error('block'); var b2 = 1; }", 'b1.length', '1', ['b2']],
    [
      'after a function',
      "throw new Error('early'); function g1() { return 's'; } const g3 = 1;",
      'g1().length',
      '1',
      ['g3'],
    ],
    ['with a string', "let n1 = 's'; throw 'no error'; let n3 = 1;", 'n1.length', '1', ['n3']],
    [
      'in a pattern',
      "const { q1, q2 = (() => { throw new Error('pattern'); })() } = { q1: 1 } as { q1: number; q2?: number };",
      'q1',
      '1',
      [],
    ],
    [
      'with a string, before a name of another type',
      "let v1 = 1, v2 = 2; throw 'no error'; let v3 = 1;",
      '[v1.toFixed(), v2.toFixed()]',
      "[ '1', '2' ]",
      ['v3'],
    ],
    [
      'with null, after a value that is undefined',
      'let u1: number | undefined; throw null; let u2 = 1;',
      'u1 = 2',
      '2',
      ['u2'],
    ],
    ['after a class', "class K1 { is = 'class'; } throw undefined; class K2 {}", 'new K1().is', "'class'", ['K2']],
    ['after an import', "import { sep as i1 } from 'node:path'; throw 'no error'; let i2 = 1;", 'i1', "'/'", ['i2']],
    [
      'after an enum and a namespace',
      "enum E1 { A = 'a' } namespace N1 { export const n = 1; } throw 5; enum E2 { A }",
      '[E1.A, N1.n]',
      "[ 'a', 1 ]",
      ['E2'],
    ],
    ['after the name of a global', "const Map = 'map'; throw 'no error'; const Set = 1;", 'Map.length', '3', []],
    ['in a loop', "for (const n of ['x']) { var l1 = n; throw new Error('loop'); } let l3 = 1;", 'l1', "'x'", ['l3']],
  ])('%s keeps the declarations that it reached', async (_where, code, came, shown, missed) => {
    await tracebackOf(code);
    expect(await valueAfter(came)).toBe(shown);
    for (const name of missed) {
      expect(await tracebackOf(name)).toContain(`Cannot find name '${name}'`);
    }
  });
});

describe('the location of an error', () => {
  test.each([
    ['an open {', 'let open = {', 1, 13, "'}' expected"],
    ['an open [', 'let open = [1,\n  2', 2, 4, "']' expected"],
    ['an open (', 'console.log(', 1, 13, "')' expected"],
    ['an open block', 'if (true) {\n\n', 1, 12, "'}' expected"],
    ['an open class', 'class A {\n  b() {', 2, 8, "'}' expected"],
    ['an open template string', 'const text = `open', 1, 19, 'Unterminated template literal'],
    ['an open template string of two lines', 'const text = `open\ntwo', 2, 4, 'Unterminated template literal'],
    ['an open ${', 'const text = `open ${1', 1, 23, "'}' expected"],
    ['an open string', "const text = 'open", 1, 19, 'Unterminated string literal'],
    ['an open comment', 'const a = 1; /* open', 1, 21, "'*/' expected"],
    ['a missing operand', 'const sum = 1 +', 1, 16, 'Expression expected'],
  ])('at the end of a cell is the end of its code: %s', async (_what, code, line, column, sentence) => {
    const shown = await tracebackOf(code);
    expect(shown).toContain(`Cell In[.], line ${line}, column ${column}\n`);
    expect(shown).toMatch(new RegExp(`^SyntaxError: ${escaped(sentence)}`));
  });

  const TYPE_ERROR = ": number = 'x';";
  test.each([
    ['a plain line', `const n${TYPE_ERROR}`, 1, 7],
    ['a tab', `\tconst n${TYPE_ERROR}`, 1, 8],
    ['characters beyond 16 bits', `'😀😀𝒳'; const n${TYPE_ERROR}`, 1, 17],
    ['a combining accent', `'e\u0301'; const n${TYPE_ERROR}`, 1, 13],
    ['a template string of three lines', `\`a\nb\nc\`; const n${TYPE_ERROR}`, 3, 11],
    ['lines with Windows line ends', `'a';\r\n'b';\r\nconst n${TYPE_ERROR}`, 3, 7],
    ['lines with classic Mac line ends', `'a';\r'b';\rconst n${TYPE_ERROR}`, 3, 7],
    ['a line separator', `'a';\u2028const n${TYPE_ERROR}`, 2, 7],
    ['a byte order mark', `\ufeffconst n${TYPE_ERROR}`, 1, 8],
    ['an import', `import { join } from 'node:path';\nconst n${TYPE_ERROR}`, 2, 7],
  ])('is as typed, after %s, for compiler and run-time errors', async (_what, code, line, column) => {
    const checked = await tracebackOf(code);
    expect(checked).toContain(
      `Type 'string' is not assignable to type 'number'.\nCell In[.], line ${line}, column ${column}\n`,
    );
    const thrown = await tracebackOf(code.replace(`const n${TYPE_ERROR}`, 'throw new Error("thrown");'));
    expect(thrown).toContain(`Error: thrown\nCell In[.], line ${line}, column ${column}\n`);
    for (const shown of [checked, thrown]) {
      expect(shown).not.toContain('\r');
      expect(shown).toMatch(new RegExp(`^> ${line} \\| `, 'm'));
    }
  });
});

describe('the type checker', () => {
  test.each([['describe'], ['it'], ['expect'], ['test'], ['$'], ['window'], ['document']])(
    'does not know `%s`, and recommends what to do',
    async (name) => {
      const other = await startedBare();
      const run = await other.run(name);
      expect([run.status, stripVTControlCharacters(run.text)]).toEqual([
        'error',
        expect.stringContaining(`Cannot find name '${name}'`),
      ]);
      expect(run.text).toContain(`If a cell above declares ${name}, it has not been run in this kernel`);
    },
  );
  /** A kernel without these names, in a folder with packages of types. */
  function startedBare(): Promise<Kernel> {
    return (bare ??= startKernel({ cwd: join(folder, 'notebooks') }));
  }
  let bare: Promise<Kernel> | undefined;

  test('knows the exact types of earlier cells', async () => {
    await valueAfter(
      "const exact = { kind: 'a', list: [1, 'x'] } as const; const made: Record<string, { n: number }[]> = {};",
    );
    expect(await tracebackOf('const probe: null = exact;')).toContain(
      `'{ readonly kind: "a"; readonly list: readonly [1, "x"]; }'`,
    );
    expect(await tracebackOf('const probe: null = made;')).toContain("'Record<string, { n: number; }[]>'");
  });

  test('takes earlier cells and packages as they are, and own files as they have become', async () => {
    writeFiles({ 'notebooks/growing.ts': 'export interface Grown { small: number }' });
    await valueAfter(
      "import type { Grown } from './growing';",
      'declare const grown: Grown;\nvar grow = () => grown.small;',
    );
    expect(await tracebackOf('() => grown.large;')).toContain("Property 'large' does not exist");
    writeFiles({ 'notebooks/growing.ts': 'export interface Grown { small: number; large: number }' });
    await valueAfter('() => grown.large;');
  });

  test.each([
    ['parentheses', `${'('.repeat(5000)}1${')'.repeat(5000)}`],
    ['functions', `const nested = ${'(() => '.repeat(1500)}1${')'.repeat(1500)};`],
    ['types', `type Nested = ${'Array<'.repeat(3000)}1${'>'.repeat(3000)};`],
  ])('says that %s are nested too deeply, and checks the next cell', async (_what, code) => {
    expect(await tracebackOf(code)).toContain(
      'TypeScript could not compile this cell: Maximum call stack size exceeded.',
    );
    expect(await valueAfter('const afterNested = 1;', 'afterNested + 1')).toBe('2');
  });

  test.each([
    [true, 'another cell', 'const other = 2;'],
    [true, 'a cell that fails to compile', 'nonesuch;'],
    [true, 'an import of a module of Node', "import { join } from 'node:path';"],
    [true, 'an import of a package that an earlier cell imports', "export { scalar } from '@tensorflow/tfjs-core';"],
    [false, 'an import of another package', "import seedrandom from 'seedrandom';"],
    [false, 'an own file', "import { x } from './x';"],
    [false, 'all of an own file', "export * as all from './x';"],
    [false, 'the type of an own file', "let type: import('./x').Point;"],
    [false, 'an own file that is loaded later', "() => import('./x');"],
    [false, 'a reference to an own file', '/// <reference path="./x.ts" />'],
    [false, 'what it declares for all files', 'declare global { const forAll: number; }'],
  ])('makes no new program: %s, for %s', (isSame, _what, source) => {
    const { program } = programScope().program('const one = 1;');
    expect(programScope().program(source).program === program).toBe(isSame);
  });
  /** A scope in which a cell has imported a package. */
  function programScope(): Scope {
    if (!importing) {
      importing = new Scope(join(folder, 'notebooks'), root);
      importing.keep(importing.program("import * as core from '@tensorflow/tfjs-core';"), 'first', new Set());
    }
    return importing;
  }
  let importing: Scope | undefined;

  test('keeps what a cell uses, also if code was completed while the cell ran', () => {
    const scope = new Scope(folder, root);
    scope.keep(scope.program('class C { a = 1; }'), 'first', new Set());
    const running = scope.program('const c = new C();');
    scope.services('const typed = 1;');
    scope.keep(running, 'second', new Set());
    scope.keep(scope.program('class C { b = 2; }'), 'third', new Set());
    const errorsIn = (source: string): number => {
      const { program, file } = scope.program(source);
      return program.getSemanticDiagnostics(file).length;
    };
    expect([errorsIn('c.a;'), errorsIn('c.b;')]).toEqual([0, 1]);
  });

  test('makes a new program after 300,000 characters, which would take memory for good', () => {
    const scope = new Scope(folder, root);
    const programs = new Set<unknown>();
    for (let run = 0; run < 70; run++) {
      const cell = scope.program(`const a${run % 2} = { run: ${run} }; // ${'x'.repeat(10_000)}`);
      expect(cell.program.getSemanticDiagnostics(cell.file)).toEqual([]);
      scope.keep(cell, undefined, new Set());
      programs.add(cell.program);
    }
    expect(programs.size).toBe(3);
  });

  /** The numbers of files in a new program: for all cells, and for kept cells. */
  function filesOf(scope: Scope): { all: number; kept: number } {
    scope.close();
    const files = scope
      .program('')
      .program.getSourceFiles()
      .filter(({ fileName }) => dirname(fileName) === folder);
    return { all: files.length, kept: files.filter(({ text }) => text !== '').length };
  }

  test.each([
    ['a variable', () => 'const a = 1;'],
    ['a class and its instance', () => 'class A { #x = 1; }\nconst a = new A();'],
    ['a changed text', (run: number) => `const a = ${run};`],
    ['other names each time', (run: number) => `const a${run % 2} = ${run};`],
    ['an import', () => "import { join } from 'node:path';\nconst joined = join('a', 'b');"],
    ['declare global', () => 'declare global { interface Own { a: number } }\nconst own: Own = { a: 1 };'],
    [
      'declare module',
      () => "import type { Stats } from 'node:fs';\ndeclare module 'node:fs' { interface Stats { own: number } }",
    ],
    ['nothing', () => 'console.log(1);'],
  ])('keeps no more files after 50 runs of a cell with %s', (_what, source) => {
    const scope = new Scope(folder, root);
    const counts = Array.from({ length: 50 }, (_, run) => {
      scope.keep(scope.program(source(run)), 'its-id', new Set());
      return filesOf(scope);
    });
    expect(counts.at(-1)!.all).toBe(counts[0].all);
    expect(counts.at(-1)!.kept).toBeLessThanOrEqual(2);
  });

  test('keeps no more files after 50 runs of two cells of which one uses the other', () => {
    const scope = new Scope(folder, root);
    for (let run = 0; run < 50; run++) {
      scope.keep(scope.program('enum E { A }\nclass C<T> { constructor(readonly t: T) {} }'), 'first', new Set());
      scope.keep(scope.program('const c = new C(E.A);\nfunction f(e: E) { return c.t === e; }'), 'second', new Set());
    }
    expect(filesOf(scope).kept).toBeLessThanOrEqual(4);
  });

  test('loads only Node’s types', () => {
    const scope = new Scope(join(folder, 'notebooks'), root);
    const packages = scope
      .program('')
      .program.getSourceFiles()
      .flatMap(({ fileName }) => /@types\/([^/]+)/.exec(fileName)?.[1] ?? []);
    expect([...new Set(packages)]).toEqual(['node']);
  });
});

test('a cell still works after 50 runs', async () => {
  const code = `class Counter50 { #n = 1; n() { return this.#n; } }
enum Kind50 { A, B }
const counter50 = new Counter50();
function count50(kind: Kind50) { return counter50.n() + kind; }
count50(Kind50.B)`;
  const values = new Set<string | undefined>();
  for (let run = 0; run < 50; run++) {
    values.add(await valueAfter(code));
  }
  expect([...values]).toEqual(['2']);
  expect(await valueAfter('count50(Kind50.A)')).toBe('1');
});
