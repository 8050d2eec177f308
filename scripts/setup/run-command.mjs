import { execFile, spawn } from 'node:child_process';
import { environment } from '../environment.mjs';
import { root } from '../paths.mjs';
import { CommandError, SetupError } from './errors.mjs';

/**
 * @typedef {{ folder: string, megabytes?: number }} Growth a folder and the size that it will reach.
 *
 * @typedef {object} CommandOptions
 * @property {Growth} [filling] shows how this folder grows meanwhile.
 * @property {NodeJS.ProcessEnv} [variables] are added to the environment.
 * @property {RegExp} [failsAt] ends the command once its output matches.
 */

/**
 * Open files that every command inherits, from descriptor 3 on.
 *
 * @type {number[]}
 */
export const inheritedFiles = [];

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
let isStopped = false;
/** @type {import('node:child_process').ChildProcess | undefined} */
let running;

/** From now on a signal stops the running command, and the work with it. Returns a function that ends this. */
export function stopOnSignals() {
  SIGNALS.forEach((signal) => process.on(signal, stop));
  return () => SIGNALS.forEach((signal) => process.off(signal, stop));
}

/** @param {NodeJS.Signals} signal */
function stop(signal) {
  isStopped = true;
  running?.kill(signal);
}

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<void>}
 * @throws {CommandError} with the end of its output.
 */
export function runCommand(command, args, { filling, variables, failsAt } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, ...variables },
      stdio: ['ignore', 'pipe', 'pipe', ...inheritedFiles],
    });
    running = child;
    if (isStopped) {
      child.kill();
    }
    let output = '';
    let hasFailed = false;
    /** @param {Buffer} chunk */
    const keep = (chunk) => {
      output = (output + chunk).slice(-4000);
      if (failsAt?.test(output)) {
        hasFailed = true;
        child.kill();
      }
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const stopProgress = filling ? showProgress(filling) : () => {};
    child.on('error', (error) =>
      reject(new CommandError(command, `${command} could not be started: ${error.message}`)),
    );
    child.on('close', (code, signal) => {
      stopProgress();
      if (isStopped) {
        reject(new SetupError('Set-up was stopped. Run the same command again to continue.'));
      } else if (code === 0 && !hasFailed) {
        resolve();
      } else {
        const reason = signal ? `\n${command} was ended by ${signal}.` : '';
        reject(new CommandError(command, `${output.trimEnd()}${reason}`));
      }
    });
  });
}

/**
 * Prints the size of a folder every few seconds: on the same line in a terminal, on a new one elsewhere.
 *
 * @param {Growth} growth
 */
function showProgress({ folder, megabytes = 0 }) {
  const start = Date.now();
  const inTerminal = process.stdout.isTTY;
  const timer = setInterval(
    () => {
      execFile('du', ['-sk', folder], (_error, printed) => {
        const filled = Math.min(Math.round(parseInt(printed || '0') / 1000), megabytes);
        const line = `      ${Math.round((Date.now() - start) / 1000)} s, ${filled} of ${megabytes} MB`;
        process.stdout.write(inTerminal ? `\r${line} ` : `${line}\n`);
      });
    },
    inTerminal ? 1000 : 5000,
  );
  return () => {
    clearInterval(timer);
    process.stdout.write(inTerminal ? '\r\x1b[K' : '');
  };
}
