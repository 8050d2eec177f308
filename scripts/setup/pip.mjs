// Runs pip with the machine's own way to the packages (a mirror, a proxy, certificates), and with no other setting of the
// person's: `user` or `target` in a pip.conf would put the packages elsewhere.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment, isPassedOn } from '../environment.mjs';
import { python } from '../paths.mjs';
import { CommandError } from './errors.mjs';
import { runCommand } from './run-command.mjs';

/** @import { CommandOptions, Growth } from './run-command.mjs' */

/** Nothing is installed but the wheels with the hashes of the requirements. */
export const PINNED = ['--require-hashes', '--only-binary=:all:'];
const COMPILE_ALL = 'import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0)';

const SECTIONS = ['global', 'install', 'download', ':env:']; // later ones win, as with pip

/**
 * Installs packages into a virtual environment, which needs no pip of its own. They are compiled at once, because students may not
 * write there, and on all cores, where pip would use one.
 *
 * @param {string} venv
 * @param {string} requirements the path of their list.
 * @param {Growth} filling
 */
export async function installPackages(venv, requirements, filling) {
  const ofVenv = join(venv, 'bin', 'python');
  await runPip(['--python', ofVenv, 'install', '--no-compile', ...PINNED, '-r', requirements], { filling });
  await runCommand(ofVenv, ['-c', COMPILE_ALL, join(venv, 'lib')]);
}

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
