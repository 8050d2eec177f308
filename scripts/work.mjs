import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { jupyterFolder, python, root, workFolder } from './paths.mjs';

/**
 * Creates Jupyter's folder. If the project's folder may not be written to, first creates a work folder in the person's home,
 * with copies of the notebooks as in a class, and says so. If that fails, too, ends the process with a message.
 */
export function prepareWorkFolder() {
  if (workFolder !== root) {
    const args = ['-B', join(root, 'classroom', 'home.py'), workFolder];
    if (spawnSync(python, args, { stdio: 'inherit' }).status !== 0) {
      console.error(
        `${root} may not be written to either: set HOME to a folder that you may write to, and that has room.`,
      );
      process.exit(1);
    }
    console.log(`${root} may not be written to: your copy of the lecture, and what it saves, are in ${workFolder}.`);
  }
  mkdirSync(jupyterFolder, { recursive: true, mode: 0o700 }); // IPython warns if it is missing
}
