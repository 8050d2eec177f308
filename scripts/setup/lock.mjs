import { closeSync, openSync } from 'node:fs';
import { inheritedFiles, runCommand } from './run-command.mjs';

/**
 * Keeps other set-ups out while the work is done. Waits for them first.
 *
 * The lock belongs to the open file, not to a process, and every command that set-up starts inherits it. It ends with the
 * last of them, however they end, so a lock is never left behind. Node cannot lock a file; Python can.
 *
 * @param {string} path the file to lock.
 * @param {(line: string) => void} print
 * @param {() => Promise<void>} work
 */
export async function withLock(path, print, work) {
  const file = openSync(path, 'a');
  inheritedFiles.push(file);
  const descriptor = 2 + inheritedFiles.length; // in a command: behind stdin, stdout and stderr
  /** @param {string} flags */
  const lock = (flags) => runCommand('python3', ['-c', `import fcntl; fcntl.flock(${descriptor}, ${flags})`]);
  await lock('fcntl.LOCK_EX | fcntl.LOCK_NB').catch(async () => {
    print('Another set-up is running. Waiting until it ends ...');
    await lock('fcntl.LOCK_EX');
  });
  await work();
  inheritedFiles.pop();
  closeSync(file); // npm start keeps running after set-up
}
