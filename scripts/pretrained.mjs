// Trains the network that loadPretrained loads, by the lecture's own cells: npm run pretrained
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { readOptions } from './options.mjs';
import { python, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

readOptions(
  'Usage: npm run pretrained\n\nRuns the lecture until its network is trained, and keeps the network in lib/pretrained.',
  {},
);
await setUpOrExit();
prepareWorkFolder();
await exec(python, [join(root, 'scripts', 'make_pretrained.py')]);
