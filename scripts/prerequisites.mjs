// What the machine must bring, checked before set-up touches anything: each thing missing is a sentence with its remedy.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { platform, root } from './paths.mjs';

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

/** @returns what was found, as do those below. */
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
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  if (!isMac && !(parseFloat(glibc?.replace(/\.(\d)$/, '.0$1')) >= OLDEST_GLIBC)) {
    throw new SetupError(
      `TensorFlow needs a Linux with glibc ${OLDEST_GLIBC} or newer and this one has ${glibc ?? 'none'}: ` +
        'use for example Debian 12 or Ubuntu 22.04.',
    );
  }
  return `${process.platform} on ${process.arch}`;
}

export function checkPython() {
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
  return `${major}.${minor}`;
}

function checkCommand(command, remedy) {
  if (spawnSync(command, ['--version']).status !== 0) {
    throw new SetupError(`${command} is missing: ${remedy}.`);
  }
}

/** A step can write where its folder is or will be. */
export function checkFolders(steps) {
  for (const { folder } of steps) {
    const place = existingParent(folder);
    const remedy = folder.startsWith(root)
      ? 'make it a folder that you may write to, or put the project elsewhere'
      : 'set XDG_CACHE_HOME to a folder that you may write to';
    if (!statSync(place).isDirectory()) {
      throw new SetupError(`${place} is not a folder, but set-up has to make ${folder}: ${remedy}.`);
    }
    try {
      accessSync(place, constants.W_OK);
    } catch (error) {
      const why = error.code === 'EROFS' ? 'lies on a read-only disk' : 'may not be written to';
      throw new SetupError(`${place} ${why}, but set-up has to make ${folder}: ${remedy}.`);
    }
  }
}

/** Adds up what each disk must hold; the project and the cache folder may lie on different ones. */
export function checkRoom(steps) {
  const disks = new Map();
  for (const { folder, megabytes = 0, temporaryMegabytes = 0 } of steps) {
    const place = existingParent(folder);
    const device = statSync(place).dev;
    const disk = disks.get(device) ?? { place, needed: 0 };
    disks.set(device, { ...disk, needed: disk.needed + megabytes + temporaryMegabytes });
  }
  const found = [];
  for (const { place, needed } of disks.values()) {
    const { bavail, bsize } = statfsSync(place);
    const free = Math.floor((bavail * bsize) / 1e6);
    if (free < needed) {
      throw new SetupError(
        `There is not enough room on the disk of ${place}: ${needed} MB are needed and ${free} MB are free. ` +
          `Make room for ${needed - free} MB and run the same command again.`,
      );
    }
    found.push(`${free} MB are free on the disk of ${place}`);
  }
  return found.join(', ');
}

function existingParent(path) {
  return existsSync(path) ? path : existingParent(dirname(path));
}

const NETWORK_ERROR = new RegExp(
  'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|NewConnectionError|' +
    'Failed to establish a new connection|ConnectTimeoutError|ReadTimeoutError|ProxyError|name resolution',
);
const FULL_DISK = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/;
const WRONG_HASH = /DO NOT MATCH THE HASHES|EINTEGRITY/;
const GO_ON = 'run the same command again. What is already there stays.';

/**
 * Says what to do about a step that failed.
 *
 * @param command the command that failed; undefined where set-up itself did.
 * @param output what it printed, or the error's message.
 * @returns a sentence, below the output where that says more.
 */
export function remedyFor(command, output) {
  if (NETWORK_ERROR.test(output)) {
    const registry = command === 'npm' ? 'npm' : 'PyPI';
    return `The packages of ${registry} could not be downloaded: check the network (or the proxy) and ${GO_ON}`;
  }
  if (FULL_DISK.test(output)) {
    return `The disk is full, or the one of temporary files (${tmpdir()}): make room and ${GO_ON}`;
  }
  if (WRONG_HASH.test(output)) {
    return `${output}\nA downloaded file is not the one that is pinned here by its hash, and was not used: ${GO_ON}`;
  }
  return `${output}\n${command ? basename(command) : 'Set-up'} failed (see above): fix what it names and ${GO_ON}`;
}
