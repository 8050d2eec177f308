import { spawn } from 'node:child_process';
import { jupyterEnvironment } from './paths.mjs';

/**
 * Runs a command in this one's place: same terminal, same signals, and its exit code becomes ours.
 *
 * @example await handOver('python3', ['script.py']);
 */
export async function handOver(command, args) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...jupyterEnvironment } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  process.exitCode = await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}
