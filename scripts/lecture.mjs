// Runs the whole lecture without a browser: npm run lecture [-- OPTIONS]
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { oneOf, readOptions, wholeNumber } from './options.mjs';
import { editions, inWorkFolder, python, root, workFolder } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm run lecture [-- OPTIONS]

Runs the whole lecture without a browser, and writes the executed notebook and its page.

  --language L      the edition: en, or ko for Korean (default: en)
  --epochs N        number of epochs (default: as in the notebook)
  --out DIR         folder for the results (default: out)
  --kernel NAME     name of the kernelspec (default: tslab)
  --notebook FILE   another notebook (default: that of the edition)`;

const { language, notebook, ...options } = readOptions(USAGE, {
  language: { type: 'string', default: 'en' },
  epochs: { type: 'string' },
  out: { type: 'string', default: join(workFolder, 'out') },
  kernel: { type: 'string', default: 'tslab' },
  notebook: { type: 'string' },
});
const edition = editions[oneOf(editions, 'language', language, USAGE)];
if (options.epochs !== undefined) {
  wholeNumber('epochs', options.epochs, 1, USAGE);
}

await setUpOrExit();
prepareWorkFolder();
const args = Object.entries({ ...options, notebook: notebook ?? inWorkFolder(edition) });
await exec(python, [join(root, 'scripts', 'run_notebook.py'), ...args.map(([name, value]) => `--${name}=${value}`)]);
