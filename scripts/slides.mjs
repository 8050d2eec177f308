// Writes the lecture as slides: npm run slides [-- OPTIONS]
import { join } from 'node:path';
import { exec } from './exec.mjs';
import { oneOf, readOptions } from './options.mjs';
import { editions, inWorkFolder, python, root, workFolder } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm run slides [-- OPTIONS]

Writes the lecture as slides: one HTML file, which works offline. S opens the speaker's view with notes.

  --language CODE   en or ko (default: en)
  --out DIR         folder for the slides (default: out)`;

const { language, out } = readOptions(USAGE, {
  language: { type: 'string', default: 'en' },
  out: { type: 'string', default: join(workFolder, 'out') },
});
const edition = editions[oneOf(editions, 'language', language, USAGE)];

await setUpOrExit();
prepareWorkFolder();
const options = { language, out, notebook: inWorkFolder(edition), structure: editions.en };
const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
await exec(python, [join(root, 'scripts', 'make_slides.py'), ...args]);
