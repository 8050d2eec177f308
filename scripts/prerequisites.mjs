// What the machine must bring, checked before set-up touches anything: each thing missing is a sentence with its remedy.
import { spawnSync } from 'node:child_process';
import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { platform } from './paths.mjs';

const OLDEST_NODE = 20;
const OLDEST_PYTHON = [3, 10];
const OLDEST_GLIBC = 2.27; // TensorFlow's wheels are built for it: manylinux_2_27

/** What went wrong, in a sentence for the person who typed the command. */
export class SetupError extends Error {}

/**
 * Checks what the missing steps will need.
 *
 * @param steps the steps still to be done; `folder`, `megabytes` and `temporaryMegabytes` say how much goes where.
 * @throws SetupError for the first thing that is missing.
 */
export function checkPrerequisites(steps) {
  checkPlatform();
  checkNode();
  checkPython();
  checkCommand('npm', 'install Node.js with npm, for example from https://nodejs.org');
  checkCommand('g++', isMac ? 'run `xcode-select --install`' : 'run `sudo apt install g++` (Fedora: `sudo dnf install gcc-c++`)');
  checkRoom(steps);
}

const isMac = process.platform === 'darwin';

function checkPlatform() {
  if (process.platform === 'win32') {
    throw new SetupError('Windows itself is not supported: install WSL2 with `wsl --install` and work there, within Linux.');
  }
  if (!platform) {
    throw new SetupError(
      `TensorFlow has no library for ${process.platform} on ${process.arch}: use Linux (x64 or arm64), ` +
        'or macOS on an Apple processor.',
    );
  }
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  if (!isMac && !(parseFloat(glibc?.replace(/\.(\d)$/, '.0$1')) >= OLDEST_GLIBC)) {
    throw new SetupError(
      `TensorFlow needs a Linux with glibc ${OLDEST_GLIBC} or newer and this one has ${glibc ?? 'none'}: ` +
        'use for example Debian 12 or Ubuntu 22.04.',
    );
  }
}

function checkNode() {
  if (parseInt(process.versions.node) < OLDEST_NODE) {
    throw new SetupError(
      `Node ${process.versions.node} is too old (expected ${OLDEST_NODE} or newer): ` +
        'install a newer one, for example from https://nodejs.org.',
    );
  }
}

function checkPython() {
  const wanted = OLDEST_PYTHON.join('.');
  const install = isMac ? 'run `brew install python`' : 'run `sudo apt install python3 python3-venv`';
  const asked = spawnSync('python3', ['-c', 'import sys; print(*sys.version_info[:2])'], { encoding: 'utf8' });
  if (asked.status !== 0) {
    throw new SetupError(`Python is missing (expected python3, version ${wanted} or newer): ${install}.`);
  }
  const [major, minor] = asked.stdout.split(' ').map(Number);
  if (major !== OLDEST_PYTHON[0] || minor < OLDEST_PYTHON[1]) {
    throw new SetupError(
      `python3 is Python ${major}.${minor}, which is too old (expected ${wanted} or newer): install a newer one, ` +
        `put it first on the PATH and run the same command again.`,
    );
  }
  if (spawnSync('python3', ['-c', 'import venv, ensurepip']).status !== 0) {
    throw new SetupError(`Python's module venv is missing: ${install}.`);
  }
}

function checkCommand(command, remedy) {
  if (spawnSync(command, ['--version']).status !== 0) {
    throw new SetupError(`${command} is missing: ${remedy}.`);
  }
}

/** Adds up what each disk must hold; the project and the cache folder may lie on different ones. */
function checkRoom(steps) {
  const disks = new Map();
  for (const { folder, megabytes = 0, temporaryMegabytes = 0 } of steps) {
    const place = existingParent(folder);
    const device = statSync(place).dev;
    const needed = (disks.get(device)?.needed ?? 0) + megabytes + temporaryMegabytes;
    disks.set(device, { place, needed });
  }
  for (const { place, needed } of disks.values()) {
    const { bavail, bsize } = statfsSync(place);
    const free = Math.floor((bavail * bsize) / 1e6);
    if (free < needed) {
      throw new SetupError(
        `There is not enough room on the disk of ${place}: ${needed} MB are needed and ${free} MB are free. ` +
          `Make room for ${needed - free} MB and run the same command again.`,
      );
    }
  }
}

function existingParent(path) {
  return existsSync(path) ? path : existingParent(dirname(path));
}

const NETWORK_ERROR = new RegExp(
  'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|NewConnectionError|' +
    'Failed to establish a new connection|ConnectTimeoutError|ReadTimeoutError|ProxyError|name resolution',
);

/**
 * @param command the command that failed.
 * @param output what it printed.
 * @returns the sentence for a registry that cannot be reached; null where the output speaks of something else.
 */
export function networkTrouble(command, output) {
  const registry = command === 'npm' ? 'npm' : 'PyPI';
  return NETWORK_ERROR.test(output)
    ? new SetupError(
        `The packages of ${registry} could not be downloaded: check the network (or the proxy) and run the same ` +
          'command again. What is already there stays.',
      )
    : null;
}
