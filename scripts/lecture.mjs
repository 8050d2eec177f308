// Runs the whole lecture without a browser: npm run lecture [-- OPTIONS]
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { readOptions, wholeNumber } from './options.mjs';
import { python, root, workFolder, workNotebook } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm run lecture [-- OPTIONS]

Runs the whole lecture without a browser, and writes the executed notebook and its page.

  --epochs N        number of epochs (default: as in the notebook)
  --out DIR         folder for the results (default: out)
  --kernel NAME     name of the kernelspec (default: tslab)
  --notebook FILE   another notebook (default: the lecture)`;

const options = readOptions(USAGE, {
  epochs: { type: 'string' },
  out: { type: 'string', default: join(workFolder, 'out') },
  kernel: { type: 'string', default: 'tslab' },
  notebook: { type: 'string', default: workNotebook },
});
if (options.epochs !== undefined) {
  wholeNumber('epochs', options.epochs, 1, USAGE);
}

await setUpOrExit();
prepareWorkFolder();
const args = Object.entries(options).flatMap(([name, value]) => [`--${name}=${value}`]);
await exec(python, [join(root, 'scripts', 'run_notebook.py'), ...args]);
