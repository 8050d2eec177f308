import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Checkout } from '../helpers/checkout';
import { type Kernel, startKernel } from '../helpers/kernel';
import { root } from '../helpers/notebook';
import type { Started } from '../helpers/started';

jest.setTimeout(5 * 60_000);

const SOURCE = 'lib/tensorflow/version.ts';
const STAMPS = ['lib/dist/.setup', 'kernel/dist/.setup'];

let checkout: Checkout;
let watch: Started;
let kernel: Kernel;
beforeAll(async () => {
  checkout = new Checkout().takeOver();
  // The compilers write in place, and must not write into the files of another checkout.
  checkout.unlink('lib/dist');
  checkout.unlink('kernel/dist');
  const stamps = STAMPS.map(read);
  watch = checkout.start('watch');
  await watch.says(/(Found 0 errors\. Watching for file changes[^]*){2}/);
  // As if set-up had built both since, for example by npm start.
  STAMPS.forEach((name, index) => writeFileSync(join(checkout.root, name), stamps[index]));
  kernel = await startKernel({
    cwd: join(checkout.root, 'notebooks'),
    env: { JUPYTER_PATH: join(checkout.root, '.venv', 'share', 'jupyter') },
  });
});
afterAll(async () => {
  await kernel.stop();
  watch.signal('SIGTERM');
  await watch.ended;
  checkout.delete();
});

const read = (name: string): string => readFileSync(join(checkout.root, name), 'utf8');
const build = (): string => read('lib/dist/tensorflow/version.js');
const hasStamp = (folder: string): boolean => existsSync(join(checkout.root, folder, 'dist', '.setup'));

/** Saves a source and waits for its compiler's answer. */
async function save(change: (text: string) => string, answer: RegExp, source = SOURCE): Promise<void> {
  watch.output = '';
  checkout.replace(source, change);
  await watch.says(answer);
}

test('npm run watch builds a changed library, and a kernel sees the change once it is restarted', async () => {
  const cell = "import { tensorflowVersion } from 'mnist-lib'; console.log(tensorflowVersion());";
  expect((await kernel.run(cell)).stdout).toMatch(/^\d/);
  expect(hasStamp('lib')).toBe(true);
  await save((text) => text.replace(/return (.*);/, 'return `built: ${$1}`;'), /Found 0 errors/);
  expect(hasStamp('lib')).toBe(false);
  expect((await kernel.run(cell)).stdout).toMatch(/^\d/);
  await kernel.restart();
  expect((await kernel.run(cell)).stdout).toMatch(/^built: \d/);
});

test('so it does with a changed kernel', async () => {
  const cell = 'console.log(process.title);';
  const before = await kernel.run(cell);
  expect(hasStamp('kernel')).toBe(true);
  await save((text) => `${text}\nprocess.title = 'changed';\n`, /Found 0 errors/, 'kernel/main.ts');
  expect(hasStamp('kernel')).toBe(false);
  expect((await kernel.run(cell)).stdout).toBe(before.stdout);
  await kernel.restart();
  expect((await kernel.run(cell)).stdout).toBe('changed\n');
});

test('so it does with the part that runs in the page', async () => {
  const source = 'lib/page/part.ts';
  await save((text) => text.replace('display: block;', 'display: flex;'), /build finished/, source);
  expect(read('lib/dist/page/page.js')).toContain('display: flex;');
  expect(hasStamp('lib')).toBe(false);
});

test('npm run watch shows a type error with its location, keeps the previous build, and continues', async () => {
  const before = build();
  await save((text) => `${text}export const wrong: number = 'text';\n`, /Found 1 error/);
  expect(stripVTControlCharacters(watch.output)).toMatch(
    /lib\/tensorflow\/version\.ts:\d+:\d+ - error TS2322: Type 'string' is not/,
  );
  expect(build()).toBe(before);
  await save((text) => text.replace("= 'text'", '= 2'), /Found 0 errors/);
  expect(build()).toContain('wrong');
});

test('set-up does not mistake the build of npm run watch for its own', async () => {
  const original = readFileSync(join(root, SOURCE), 'utf8'); // of which set-up had made the build before
  await save((text) => `${text}export const changed = 1;\n`, /Found 0 errors/);
  expect(build()).toContain('changed');
  watch.signal('SIGTERM');
  await watch.ended;
  checkout.replace(SOURCE, () => original);
  const setUp = checkout.start('setup');
  await setUp.says(/^\[5\/7\] The library.*\n\[6\/7\] /);
  setUp.signal('SIGTERM');
  await setUp.ended;
  expect(build()).not.toContain('changed');
});
