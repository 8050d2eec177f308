import { spawnSync } from 'node:child_process';

const isTooOld = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']).status !== 0;

/** `test`, or a test that is skipped and says why if what it needs does not run on this Python. */
export function testWithPython311(
  what: string,
): (title: string, work: jest.ProvidesCallback, timeout?: number) => void {
  return isTooOld ? (title) => test.skip(`${title} (skipped: ${what} needs Python 3.11)`, () => undefined) : test;
}
