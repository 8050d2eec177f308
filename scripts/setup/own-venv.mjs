import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../paths.mjs';
import { checkPython } from './prerequisites.mjs';

/**
 * Installs the Python packages of a single command into the environment `.venv` in its folder, unless they are there. Ends
 * the process with a message if Python is too old.
 *
 * @param {string} folder contains requirements.txt.
 * @param {string} what is installed, and its size.
 * @returns {string} the environment's Python.
 * @example const python = setUpOwnVenv(join(root, 'bench'), 'Keras and JAX, 2250 MB');
 */
export function setUpOwnVenv(folder, what) {
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
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exit(1);
  }
  console.log(`${what}, into ${relative(root, venv)} (pip install)`);
  rmSync(venv, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', venv]);
  const install = ['install', '--require-hashes', '--only-binary=:all:', '-r', requirements];
  execFileSync(python, ['-m', 'pip', '--disable-pip-version-check', '--quiet', ...install], { stdio: 'pipe' });
  writeFileSync(stamp, wanted);
  return python;
}
