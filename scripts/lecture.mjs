// Runs the whole lecture without a browser: npm run lecture [-- --epochs N] [--out DIR] [--kernel NAME]
import { join } from 'node:path';
import { python, root } from './paths.mjs';
import { handOver } from './hand-over.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();
await handOver(python, [join(root, 'scripts', 'run_notebook.py'), ...process.argv.slice(2)]);
