import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.mjs';

/**
 * A file beside a result that names what the result was made from, such as the hash of its sources. The result is
 * current as long as the same would be written now.
 *
 * @param {string} path
 * @param {() => string} contents
 */
export function stamp(path, contents) {
  return {
    path,
    contents,
    isCurrent: () => existsSync(path) && readFileSync(path, 'utf8') === contents(),
    write: () => writeAtomically(path, contents()),
  };
}

/**
 * SHA-256 of files of the project, names included.
 *
 * @param {string[]} names
 */
export function hash(...names) {
  const sum = createHash('sha256');
  for (const name of names) {
    sum.update(`${name}\0`).update(readFileSync(join(root, name)));
  }
  return sum.digest('hex');
}

/**
 * Writes a file that appears whole or not at all.
 *
 * @param {string} path
 * @param {string} contents
 */
export function writeAtomically(path, contents) {
  writeFileSync(`${path}.partial`, contents);
  renameSync(`${path}.partial`, path);
}
