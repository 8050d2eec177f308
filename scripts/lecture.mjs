// Runs the whole lecture without a browser: npm run lecture [-- OPTIONS]
import { dirname, join } from 'node:path';
import { exec } from './exec.mjs';
import { oneOf, readOptions, wholeNumber } from './options.mjs';
import { editions, inWorkFolder, python, root, workFolder } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm run lecture [-- OPTIONS]

Runs the whole lecture, or another notebook, without a browser, and writes the executed notebook and its page.

  --language L      the edition: en, or ko for Korean (default: en)
  --epochs N        number of epochs (default: as in the notebook)
  --out DIR         folder for the results (default: out)
  --kernel NAME     name of the kernelspec (default: tslab)
  --notebook NAME   mnist-dense or look-inside, or the path of an .ipynb file (default: mnist-dense)`;

const { language, notebook, ...options } = readOptions(USAGE, {
  language: { type: 'string', default: 'en' },
  epochs: { type: 'string' },
  out: { type: 'string', default: join(workFolder, 'out') },
  kernel: { type: 'string', default: 'tslab' },
  notebook: { type: 'string', default: 'mnist-dense' },
});
const folder = dirname(editions[oneOf(editions, 'language', language, USAGE)]);
const path = notebook.endsWith('.ipynb') ? notebook : inWorkFolder(join(folder, `${notebook}.ipynb`));
if (options.epochs !== undefined) {
  wholeNumber('epochs', options.epochs, 1, USAGE);
}

await setUpOrExit();
prepareWorkFolder();
const args = Object.entries({ ...options, notebook: path });
await exec(python, [join(root, 'scripts', 'run_notebook.py'), ...args.map(([name, value]) => `--${name}=${value}`)]);
