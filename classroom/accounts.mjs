// What the commands need to know of accounts.py's table.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/paths.mjs';
import { state } from './programs.mjs';

/** @returns {string[]} the logins of the class. */
export function logins() {
  const table = join(state, 'accounts.json');
  return existsSync(table) ? Object.keys(JSON.parse(readFileSync(table, 'utf8'))) : [];
}

/**
 * The user numbers of the class.
 *
 * @param {string[]} [of] only of these logins.
 */
export function uids(of = logins()) {
  const names = new Set(of);
  const { stdout } = spawnSync('getent', ['passwd', ...names], { encoding: 'utf8' });
  const users = stdout.split('\n').map((line) => line.split(':'));
  return new Set(users.filter(([name]) => names.has(name)).map(([, , uid]) => Number(uid)));
}

/**
 * Runs one of the classroom's programs to its end.
 *
 * @param {string} python
 * @param {string} name
 * @param {string[]} args
 * @param {'inherit' | 'pipe'} [stdio]
 */
export function runPython(python, name, args, stdio = 'inherit') {
  const script = join(root, 'classroom', name);
  return spawnSync(python, [script, ...args], { stdio, encoding: 'utf8', env: { ...process.env, PYTHONUTF8: '1' } });
}
