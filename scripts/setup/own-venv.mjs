import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../paths.mjs';
import { CommandError, remedyFor } from './errors.mjs';
import { installPackages } from './pip.mjs';
import { checkPython } from './prerequisites.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Installs the Python packages of a single command into the environment `.venv` in its folder, unless they are there. The
 * project must be set up. Ends the process with a message if Python is too old or the installation fails.
 *
 * @param {string} folder contains requirements.txt.
 * @param {string} what is installed.
 * @param {number} megabytes its size.
 * @returns the environment's Python.
 * @example const python = await setUpOwnVenv(join(root, 'bench'), 'Keras and JAX', 2250);
 */
export async function setUpOwnVenv(folder, what, megabytes) {
  const venv = join(folder, '.venv');
  const python = join(venv, 'bin', 'python');
  const requirements = join(folder, 'requirements.txt');
  const stamp = join(venv, '.setup');
  const wanted = `${readFileSync(requirements, 'utf8')}${venv}`; // an environment contains its own path
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    return python;
  }
  try {
    checkPython([3, 11]);
    console.log(`${what}, ${megabytes} MB, into ${relative(root, venv)} (pip install)`);
    rmSync(venv, { recursive: true, force: true });
    await runCommand('python3', ['-m', 'venv', '--without-pip', venv]); // the project's pip installs into it
    await installPackages(venv, requirements, { folder: venv, megabytes });
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    console.error(error instanceof CommandError ? remedyFor(error.command, message) : message);
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
  return python;
}
