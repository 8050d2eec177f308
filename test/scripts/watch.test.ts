import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Checkout } from '../helpers/checkout';
import { startKernel } from '../helpers/kernel';
import { Started } from '../helpers/started';

jest.setTimeout(5 * 60_000);

const SOURCE = 'lib/tensorflow/version.ts';

let checkout: Checkout;
let watch: Started;
beforeEach(async () => {
  checkout = new Checkout().takeOver();
  // The compilers write into their files: here they must not be those of another checkout.
  checkout.remove('lib/dist', 'kernel/dist');
  checkout.setUp();
  watch = new Started(process.execPath, checkout.command('watch'), { cwd: checkout.root, env: checkout.environment });
  await watch.says(/(Found 0 errors\. Watching for file changes[^]*){2}/);
});
afterEach(async () => {
  watch.signal('SIGTERM');
  await watch.ended;
  checkout.delete();
});

const built = (): string => readFileSync(join(checkout.root, 'lib/dist/tensorflow/version.js'), 'utf8');
const isMarked = (folder = 'lib'): boolean => existsSync(join(checkout.root, folder, 'dist', '.setup'));

/** Saves the source and waits until its compiler has answered. */
async function save(change: (text: string) => string, answer: RegExp, source = SOURCE): Promise<void> {
  watch.output = '';
  checkout.replace(source, change);
  await watch.says(answer);
}

test('npm run watch builds a saved change, and what it built is never taken for what set-up built', async () => {
  const original = readFileSync(join(checkout.root, SOURCE), 'utf8');
  // Started meanwhile, as by npm start, set-up marks the library as built of the sources as they are now ...
  checkout.setUp();
  expect(isMarked()).toBe(true);
  await save((text) => `${text}export const changed = 1;\n`, /Found 0 errors/);
  expect(built()).toContain('changed');

  // ... to which they return when nobody watches any more.
  watch.signal('SIGTERM');
  await watch.ended;
  checkout.replace(SOURCE, () => original);
  expect(checkout.setUp().stdout).toMatch(/^\[5\/7\] The library/);
  expect(built()).not.toContain('changed');
});

test('a kernel sees what npm run watch has built once it is restarted', async () => {
  const kernel = await startKernel({ cwd: join(checkout.root, 'notebooks') });
  const cell = "import { tensorflowVersion } from 'mnist-lib'; console.log(tensorflowVersion());";
  expect((await kernel.run(cell)).stdout).toMatch(/^\d/);
  await save(
    (text) => text.replace("binding?.TF_Version ?? 'none'", '`built: ${binding?.TF_Version}`'),
    /Found 0 errors/,
  );
  expect((await kernel.run(cell)).stdout).toMatch(/^\d/);
  await kernel.restart();
  expect((await kernel.run(cell)).stdout).toMatch(/^built: \d/);
  await kernel.stop();
});

test("a change of the kernel's sources is built as well, and a kernel has it once it is restarted", async () => {
  checkout.setUp();
  expect(isMarked('kernel')).toBe(true);
  const env = { JUPYTER_PATH: join(checkout.root, '.venv', 'share', 'jupyter') };
  const kernel = await startKernel({ cwd: join(checkout.root, 'notebooks'), env });
  const cell = 'console.log(process.title);';
  const before = await kernel.run(cell);
  await save((text) => `${text}\nprocess.title = 'changed';\n`, /Found 0 errors/, 'kernel/main.ts');
  expect(isMarked('kernel')).toBe(false);
  expect((await kernel.run(cell)).stdout).toBe(before.stdout);
  await kernel.restart();
  expect((await kernel.run(cell)).stdout).toBe('changed\n');
  await kernel.stop();
});

test('npm run watch shows an error of types with its place, keeps what was built before, and goes on', async () => {
  const before = built();
  await save((text) => `${text}export const wrong: number = 'text';\n`, /Found 1 error/);
  expect(stripVTControlCharacters(watch.output)).toMatch(
    /lib\/tensorflow\/version\.ts:\d+:\d+ - error TS2322: Type 'string' is not/,
  );
  expect(built()).toBe(before);
  await save((text) => text.replace("= 'text'", '= 2'), /Found 0 errors/);
  expect(built()).toContain('wrong');
});
