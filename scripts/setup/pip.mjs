// Runs pip with the machine's own way to the packages (a mirror, a proxy, certificates), and with no other setting of the
// person's: `user` or `target` in a pip.conf would put the packages elsewhere.
import { spawnSync } from 'node:child_process';
import { environment, isPassedOn } from '../environment.mjs';
import { python } from '../paths.mjs';
import { CommandError } from './errors.mjs';
import { runCommand } from './run-command.mjs';

/** @import { CommandOptions } from './run-command.mjs' */

const SECTIONS = ['global', 'install', 'download', ':env:']; // later ones win, as with pip

/**
 * Runs pip to its end.
 *
 * @param {string[]} args
 * @param {CommandOptions} options
 */
export async function runPip(args, options) {
  await runCommand(python, ['-m', 'pip', '--disable-pip-version-check', '--quiet', '--retries=2', ...args], {
    ...options,
    variables: { ...options.variables, ...networkSettings(), PIP_CONFIG_FILE: '/dev/null' },
  });
}

/** What pip.conf says about the network, as environment variables. */
function networkSettings() {
  const { PIP_CONFIG_FILE } = process.env;
  const { status, stdout, stderr } = spawnSync(python, ['-m', 'pip', 'config', 'list'], {
    encoding: 'utf8',
    env: { ...environment, PIP_CONFIG_FILE },
  });
  if (status !== 0) {
    throw new CommandError(python, stderr.trim());
  }
  /** @type {Record<string, string>} */
  const settings = {};
  // Each line is such as global.index-url='https://mirror.example/simple'. The value is a string literal of Python's.
  const lines = [...stdout.matchAll(/^([\w:]+)\.([\w-]+)=(['"])(.*)\3$/gm)];
  for (const section of SECTIONS) {
    for (const [, , key, , value] of lines.filter(([, name]) => name === section)) {
      const name = `PIP_${key.toUpperCase().replaceAll('-', '_')}`;
      if (value && isPassedOn(name)) {
        settings[name] = value.replaceAll('\\n', ' ').replaceAll('\\\\', '\\').trim();
      }
    }
  }
  return settings;
}
