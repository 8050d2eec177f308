// Runs the whole lecture without a browser: npm run lecture [-- --epochs N] [--out DIR] [--kernel NAME]
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { python, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();
await exec(python, [join(root, 'scripts', 'run_notebook.py'), ...process.argv.slice(2)]);
