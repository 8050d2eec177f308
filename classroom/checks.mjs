// What a classroom needs of the machine. Each check returns what it found, or throws a sentence with the remedy.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exercises, root } from '../scripts/paths.mjs';
import { NOBODY } from './for-everybody.mjs';

/** What students' servers and kernels read. */
const NEEDED = ['kernel', 'lib', 'node_modules', '.venv/share', '.venv/etc', '.cache', 'classroom', 'notebooks'];
const HIDDEN = ['state', '__pycache__', 'solutions.ipynb'];

/** Why there is no classroom, as a sentence for the teacher. */
export class ClassroomError extends Error {}

export function checkMachine() {
  if (process.platform !== 'linux') {
    throw new ClassroomError('A classroom needs Linux, where each student is a user of the machine.');
  }
  if (process.getuid?.() !== 0) {
    throw new ClassroomError(
      'A classroom needs root, which starts the server of each student as a user of its own: use `sudo npm run classroom`.',
    );
  }
  if (spawnSync('useradd', ['--help']).status !== 0) {
    throw new ClassroomError('useradd is missing, which makes the accounts: run `apt install passwd`.');
  }
  if (root.includes(':')) {
    throw new ClassroomError(`${root} contains a colon, at which Jupyter ends a path: move the project.`);
  }
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const { mode, uid } = statSync(folder);
    if ((mode & 0o005) !== 0o005) {
      throw new ClassroomError(
        `${folder} may not be read by everybody, but students need ${root}: move the project, ` +
          'for example to /opt/mnist-lecture.',
      );
    }
    if (uid !== 0 || (mode & 0o022 && !(mode & 0o1000))) {
      throw new ClassroomError(
        `${folder} may be changed by others than root, who could then change the programs that root starts: ` +
          'move the project, for example to /opt/mnist-lecture.',
      );
    }
    if (folder === '/') {
      return;
    }
  }
}

/** Makes root the owner of the packages: older versions of npm, run by root, keep the owners recorded in the archives. */
export function takeOwnership() {
  spawnSync('chown', ['-R', '--no-dereference', 'root:root', join(root, 'node_modules')]);
}

/** Students may not read the solutions, nor the history that contains them. */
export function hideSolutions() {
  const solutions = Object.values(exercises).map((students) => join(dirname(students), 'solutions.ipynb'));
  [join(root, '.git'), ...solutions].filter(existsSync).forEach((path) => {
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  });
}

/**
 * Checks that students can read and run what they need, and write nothing.
 *
 * @param {string} python
 */
export function checkInstallation(python) {
  const changeable = find([root], '!', '-type', 'l', '(', '!', '-user', 'root', '-o', '-perm', '/022', ')');
  if (changeable) {
    throw new ClassroomError(
      `${changeable} may be changed by others than root: run \`chown -R root: ${root} && chmod -R go-w ${root}\`.`,
    );
  }
  const needed = NEEDED.map((name) => join(root, name)).filter(existsSync);
  const unreadable = find(
    needed,
    '!',
    '-type',
    'l',
    '(',
    '!',
    '-perm',
    '-004',
    '-o',
    '-type',
    'd',
    '!',
    '-perm',
    '-005',
    ')',
  );
  if (unreadable) {
    throw new ClassroomError(`${unreadable} may not be read by everybody: run \`chmod -R a+rX ${unreadable}\`.`);
  }
  for (const [name, path] of Object.entries({ Node: process.execPath, Python: python })) {
    if (spawnSync(path, ['--version'], { ...NOBODY, cwd: '/' }).status !== 0) {
      throw new ClassroomError(
        `${name} (${path}) cannot be run by students: install it for all users, for example by ` +
          `\`apt install ${name === 'Node' ? 'nodejs' : 'python3 python3-venv'}\`, and put it first on the PATH.`,
      );
    }
  }
}

/**
 * The first file in some folders that meets a condition of `find`; '' if there is none. Skips what students do not read.
 *
 * @param {string[]} folders
 * @param {string[]} condition
 */
function find(folders, ...condition) {
  const hidden = HIDDEN.flatMap((name) => ['-name', name, '-prune', '-o']);
  return spawnSync('find', [...folders, ...hidden, ...condition, '-print', '-quit'], {
    encoding: 'utf8',
  }).stdout.trim();
}

/**
 * What students may use of the machine, and whether it is large enough, in sentences.
 *
 * @param {string} python
 * @param {number} students
 */
export function limits(python, students) {
  const args = ['-B', join(root, 'classroom', 'limits.py'), String(students), '/home'];
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: 'utf8' });
  if (status !== 0) {
    throw new ClassroomError(`The limits of students cannot be set:\n${stderr}`);
  }
  return stdout.trim();
}
