// Writes the lecture as slides: npm run slides [-- OPTIONS]
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { exec } from './exec.mjs';
import { fail, readOptions } from './options.mjs';
import { notebook, python, root, workFolder, workNotebook } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm run slides [-- OPTIONS]

Writes the lecture as slides: one HTML file, which works offline. S opens the speaker's view with notes.

  --language CODE   language of the text, such as ko (default: en)
  --out DIR         folder for the slides (default: out)`;

const { language, out } = readOptions(USAGE, {
  language: { type: 'string', default: 'en' },
  out: { type: 'string', default: join(workFolder, 'out') },
});
/** @param {string} english */
const edition = (english) => join(dirname(english), language === 'en' ? '' : language, basename(english));
if (!/^[a-z]{2}$/.test(language) || !existsSync(edition(notebook))) {
  fail(`--language ${language}: there is no edition of the lecture in this language`, USAGE);
}

await setUpOrExit();
prepareWorkFolder();
const options = { language, out, notebook: edition(workNotebook), structure: notebook };
const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
await exec(python, [join(root, 'scripts', 'make_slides.py'), ...args]);
