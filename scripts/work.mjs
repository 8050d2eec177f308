import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { editions, exercises, inWorkFolder, jupyterFolder, root, workFolder } from './paths.mjs';

/**
 * Makes Jupyter's folder. Where the project's folder may not be written to, makes the person's own work folder before, with
 * copies of the notebooks that are not there yet, and says so. If that is not possible either, says so and ends the
 * process.
 */
export function prepareWorkFolder() {
  try {
    mkdirSync(jupyterFolder, { recursive: true, mode: 0o700 }); // IPython warns if it is missing
    if (workFolder !== root) {
      for (const notebook of [editions, exercises].flatMap((each) => Object.values(each))) {
        const copy = inWorkFolder(notebook);
        mkdirSync(dirname(copy), { recursive: true });
        if (!existsSync(copy)) {
          writeFileSync(copy, readFileSync(notebook));
        }
      }
    }
  } catch {
    console.error(
      `Neither ${root} nor ${workFolder} may be written to: set HOME to a folder that you may write to, ` +
        `or ask for write permission.`,
    );
    process.exit(1);
  }
  if (workFolder !== root) {
    console.log(`${root} may not be written to: your copy of the lecture, and what it saves, are in ${workFolder}.`);
  }
}
