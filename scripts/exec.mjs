import { spawn } from 'node:child_process';
import { environment } from './environment.mjs';

/**
 * Runs a command in place of this one: same terminal, same signals, same exit code.
 *
 * @param {string} command
 * @param {string[]} args
 * @example await exec('python3', ['script.py']);
 */
export async function exec(command, args) {
  const child = spawn(command, args, { stdio: 'inherit', env: environment });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  process.exitCode = await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}
