// Measurements of processes, which a Python script reads from /proc.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment } from '../scripts/environment.mjs';
import { python, root } from '../scripts/paths.mjs';

/**
 * Ends this command with a sentence where there is no /proc.
 *
 * @param {string} option of `npm run bench`.
 */
export function expectLinux(option) {
  if (process.platform !== 'linux') {
    console.error(`npm run bench -- ${option} reads /proc, which only Linux has: run it on Linux.`);
    process.exit(1);
  }
}

/**
 * Runs a script of this folder, with the project's kernels.
 *
 * @param {string} name
 * @param {string[]} args
 * @returns {unknown} what it prints as JSON.
 */
export function measureByScript(name, ...args) {
  const { status, stdout } = spawnSync(python, [join(root, 'bench', name), ...args], {
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    process.exit(1); // the script has said why
  }
  return JSON.parse(stdout);
}
