// What the machine must have. Checked before set-up touches anything; a missing thing is reported with its remedy.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { environment } from '../environment.mjs';
import { platform, root } from '../paths.mjs';
import { SetupError } from './errors.mjs';

/** @import { DiskUse } from './steps.mjs' */

const OLDEST_PYTHON = [3, 10];
const OLDEST_GLIBC = [2, 27]; // TensorFlow's wheels are built for it: manylinux_2_27

/**
 * Checks what the missing steps will need.
 *
 * @param {DiskUse[]} steps the steps still to be done.
 * @throws {SetupError} for the first thing that is missing.
 */
export function checkPrerequisites(steps) {
  checkPlatform();
  checkPython();
  checkCommand('npm', 'install Node.js with npm, for example from https://nodejs.org');
  checkCommand(
    'g++',
    isMac ? 'run `xcode-select --install`' : 'run `sudo apt install g++` (Fedora: `sudo dnf install gcc-c++`)',
  );
  checkFolders(steps);
  checkRoom(steps);
}

const isMac = process.platform === 'darwin';

/** Each check returns what it found. */
export function checkPlatform() {
  if (process.platform === 'win32') {
    throw new SetupError(
      'Windows itself is not supported: install WSL2 with `wsl --install` and work there, within Linux.',
    );
  }
  if (!platform) {
    throw new SetupError(
      `TensorFlow has no library for ${process.platform} on ${process.arch}: use Linux (x64 or arm64), ` +
        'or macOS on an Apple processor.',
    );
  }
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  const glibc = report.header.glibcVersionRuntime;
  if (!isMac && !isNewEnough(glibc)) {
    throw new SetupError(
      `TensorFlow needs a Linux with glibc ${OLDEST_GLIBC.join('.')} or newer and this one has ${glibc ?? 'none'}: ` +
        'use for example Debian 12 or Ubuntu 22.04.',
    );
  }
  return `${process.platform} on ${process.arch}`;
}

/** @param {string} [glibc] such as 2.36; missing on a Linux that uses another C library. */
function isNewEnough(glibc = '0') {
  const [major, minor = 0] = glibc.split('.').map(Number);
  return major > OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor >= OLDEST_GLIBC[1]);
}

/** @param {number[]} oldest the oldest version that serves, major and minor. */
export function checkPython(oldest = OLDEST_PYTHON) {
  const wanted = oldest.join('.');
  const install = isMac ? 'run `brew install python`' : 'run `sudo apt install python3 python3-venv`';
  const { status, stdout } = spawnSync('python3', ['-c', 'import sys; print(*sys.version_info[:2])'], {
    encoding: 'utf8',
    env: environment,
  });
  if (status !== 0) {
    throw new SetupError(`Python is missing (expected python3, version ${wanted} or newer): ${install}.`);
  }
  const [major, minor] = stdout.split(' ').map(Number);
  if (major !== oldest[0] || minor < oldest[1]) {
    throw new SetupError(
      `python3 is Python ${major}.${minor}, which is too old (expected ${wanted} or newer): install a newer one, ` +
        `put it first on the PATH and run the same command again.`,
    );
  }
  if (spawnSync('python3', ['-c', 'import venv, ensurepip'], { env: environment }).status !== 0) {
    throw new SetupError(`Python's module venv is missing: ${install}.`);
  }
  return `${major}.${minor}`;
}

/**
 * @param {string} command
 * @param {string} remedy
 */
function checkCommand(command, remedy) {
  if (spawnSync(command, ['--version'], { env: environment }).status !== 0) {
    throw new SetupError(`${command} is missing: ${remedy}.`);
  }
}

/**
 * Checks that each step can write where its folder is or will be.
 *
 * @param {DiskUse[]} steps
 */
export function checkFolders(steps) {
  for (const { folder } of steps) {
    const parent = existingParent(folder);
    const isOwn = folder.startsWith(root);
    const remedy = isOwn
      ? 'make it a folder that you may write to, or move the project'
      : 'set XDG_CACHE_HOME to a folder that you may write to';
    if (folder.includes(':')) {
      throw new SetupError(
        `${folder} contains a colon, at which the linker and Python end a path: ` +
          (isOwn ? 'move the project to a folder without one.' : 'set XDG_CACHE_HOME to a folder without one.'),
      );
    }
    if (!statSync(parent).isDirectory()) {
      throw new SetupError(`${parent} is not a folder, but set-up must create ${folder}: ${remedy}.`);
    }
    try {
      accessSync(parent, constants.W_OK);
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      const why = code === 'EROFS' ? 'lies on a read-only disk' : 'may not be written to';
      throw new SetupError(`${parent} ${why}, but set-up must create ${folder}: ${remedy}.`);
    }
  }
}

/**
 * Checks that each disk has room for its steps. The project and the cache folder may be on different disks.
 *
 * @param {DiskUse[]} steps
 */
export function checkRoom(steps) {
  /** @type {Map<number, { folder: string, needed: number }>} */
  const disks = new Map();
  for (const { folder, megabytes = 0, temporaryMegabytes = 0 } of steps) {
    const parent = existingParent(folder);
    const device = statSync(parent).dev;
    const disk = disks.get(device) ?? { folder: parent, needed: 0 };
    disks.set(device, { ...disk, needed: disk.needed + megabytes + temporaryMegabytes });
  }
  const found = [];
  for (const { folder, needed } of disks.values()) {
    const { bavail, bsize } = statfsSync(folder);
    const free = Math.floor((bavail * bsize) / 1e6);
    if (free < needed) {
      throw new SetupError(
        `There is not enough room on the disk of ${folder}: ${needed} MB are needed and ${free} MB are free. ` +
          `Make room for ${needed - free} MB and run the same command again.`,
      );
    }
    found.push(`${free} MB are free on the disk of ${folder}`);
  }
  return found.join(', ');
}

/**
 * @param {string} path
 * @returns {string}
 */
function existingParent(path) {
  return existsSync(path) ? path : existingParent(dirname(path));
}
