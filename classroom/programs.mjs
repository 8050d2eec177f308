// The programs of the classroom: hub, proxy, and this command itself. Each has a file that names its process, so that a
// later command finds what still runs.
import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../scripts/paths.mjs';
import { writeAtomically } from '../scripts/setup/files.mjs';

/** The folder that only root may read: database, passwords' hashes, tokens, logs. */
export const state = join(root, 'classroom', 'state');

export function makeState() {
  process.umask(0o077); // from here on, nothing is for students
  mkdirSync(state, { recursive: true, mode: 0o700 });
}

/** @typedef {{ pid: number, started: string, settings: string }} Program */

/** @param {string} name */
const fileOf = (name) => join(state, `${name}.process`);
/** @param {string} name */
export const logOf = (name) => join(state, `${name}.log`);

const LARGEST_LOG = 10_000_000; // bytes

/**
 * Rotates a large log: copies it over the old copy, and empties it.
 *
 * @param {string} name
 */
export function rotateLog(name) {
  const log = logOf(name);
  if (existsSync(log) && statSync(log).size > LARGEST_LOG) {
    copyFileSync(log, `${log}.old`);
    truncateSync(log); // the program goes on writing into this file
  }
}

/**
 * The fields of /proc/PID/stat from the state on; undefined if there is no such process.
 *
 * @param {number} pid
 */
export function stat(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}

/**
 * The start time of a process, which distinguishes it from a later one with the same number. Undefined if it has ended: a
 * process whose first thread is a zombie still holds its files and ports until its other threads have ended as well.
 *
 * @param {number} pid
 */
function startOf(pid) {
  const fields = stat(pid);
  const hasEnded = !fields || (fields[0] === 'Z' && Number(fields[17]) <= 1); // the number of threads
  return hasEnded ? undefined : fields[19];
}

/**
 * A program that still runs.
 *
 * @param {string} name
 * @returns {Program | undefined}
 */
export function running(name) {
  if (!existsSync(fileOf(name))) {
    return undefined;
  }
  /** @type {Program} */
  const program = JSON.parse(readFileSync(fileOf(name), 'utf8'));
  return startOf(program.pid) === program.started ? program : undefined;
}

/**
 * Notes that a process is this program.
 *
 * @param {string} name
 * @param {number} pid
 * @param {string} settings what it was started with.
 */
export function note(name, pid, settings) {
  writeAtomically(fileOf(name), JSON.stringify({ pid, started: startOf(pid), settings }));
}

/**
 * Starts a program that lives on when this command ends. Its output goes to its log.
 *
 * @param {string} name
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} env
 * @param {string} [settings]
 */
export function start(name, [command, ...args], env, settings = '') {
  const log = openSync(logOf(name), 'a', 0o600);
  const child = spawn(command, args, { cwd: state, env, detached: true, stdio: ['ignore', log, log] });
  if (child.pid) {
    note(name, child.pid, settings);
  }
  child.unref();
}

/**
 * Ends a program, and returns once it has ended.
 *
 * @param {string} name
 */
export async function stop(name) {
  const program = running(name);
  if (program) {
    process.kill(program.pid, 'SIGTERM');
    await untilEnded(
      () => running(name) === undefined,
      () => process.kill(program.pid, 'SIGKILL'),
    );
  }
  rmSync(fileOf(name), { force: true });
}

/**
 * The processes of some users.
 *
 * @param {Set<number>} uids
 */
export function processesOf(uids) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return uids.has(statSync(`/proc/${pid}`).uid) && startOf(pid) !== undefined;
      } catch {
        return false; // it has ended since
      }
    });
}

/**
 * Ends all processes of some users. Jupyter's servers end their kernels themselves.
 *
 * @param {Set<number>} uids
 */
export async function endProcessesOf(uids) {
  /** @param {NodeJS.Signals} signal */
  const send = (signal) => processesOf(uids).forEach((pid) => process.kill(pid, signal));
  send('SIGTERM');
  await untilEnded(
    () => processesOf(uids).length === 0,
    () => send('SIGKILL'),
  );
}

/**
 * @param {() => boolean} hasEnded
 * @param {() => void} kill what to do if it does not end by itself.
 */
async function untilEnded(hasEnded, kill) {
  const PATIENCE_MS = 15_000;
  const deadline = Date.now() + PATIENCE_MS;
  let isKilled = false;
  while (!hasEnded()) {
    if (!isKilled && Date.now() > deadline) {
      isKilled = true;
      kill();
    }
    await sleep(50);
  }
}
