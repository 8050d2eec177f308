// node scripts/bundle.mjs FOLDER [--watch]: bundles the part of the library that runs in web pages into FOLDER/page.js, which
// declares the variable `page`. tsc checks its types.
import { join } from 'node:path';
import process from 'node:process';
import { context } from 'esbuild';
import { lib } from './paths.mjs';

const [folder, watches] = process.argv.slice(2);
const bundle = await context({
  entryPoints: [join(lib, 'page', 'index.ts')],
  outfile: join(folder, 'page.js'),
  ...{ bundle: true, minify: true, charset: 'utf8', target: 'es2022', format: 'iife', globalName: 'page' },
  logLevel: watches ? 'info' : 'warning',
});
try {
  await (watches ? bundle.watch() : bundle.rebuild());
} catch {
  process.exitCode = 1; // esbuild has said why
} finally {
  if (!watches) {
    await bundle.dispose();
  }
}
