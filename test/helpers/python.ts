import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './notebook';

/** Python of the project's environment. */
export const python = join(root, '.venv', 'bin', 'python');

/** Installs the packages of `test/NAME/requirements.txt`, without what they need, into a folder. */
export function installPackages(name: string, folder: string): void {
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--no-deps'];
  const requirements = ['--require-hashes', '--only-binary=:all:', '-r', join(root, 'test', name, 'requirements.txt')];
  execFileSync(python, [...pip, '--target', folder, ...requirements], { stdio: 'pipe' });
}

const isTooOld = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']).status !== 0;

/** `test`, or a test that is skipped and says why if what it needs does not run on this Python. */
export function testWithPython311(
  what: string,
): (title: string, work: jest.ProvidesCallback, timeout?: number) => void {
  return isTooOld ? (title) => test.skip(`${title} (skipped: ${what} needs Python 3.11)`, () => undefined) : test;
}
