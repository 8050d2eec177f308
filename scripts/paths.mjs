// Where things are, and the environment in which the scripts run Jupyter.
import { chmodSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const lib = join(root, 'lib');
export const kernel = join(root, 'kernel');
export const notebook = join(root, 'notebooks', 'mnist-dense.ipynb');
export const nodeModules = join(root, 'node_modules');
export const addon = join(nodeModules, '@tensorflow', 'tfjs-node', 'lib', 'napi-v8', 'tfjs_binding.node');
export const venv = join(root, '.venv');
export const python = join(venv, 'bin', 'python');

/**
 * @typedef {object} Package a package in TypeScript, which tsc builds into its `dist`.
 * @property {string} name
 * @property {string} folder
 * @property {string} project the folder of its tsconfig.json.
 */
/** @type {Package[]} */
export const packages = [
  { name: 'library', folder: lib, project: root },
  { name: 'kernel', folder: kernel, project: kernel },
];

const LINUX = { linkerFlags: [], libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] };

/**
 * What differs between platforms, by Node's names for them.
 *
 * @type {Record<string, { wheel: string, linkerFlags: string[], libraries: string[] } | undefined>}
 */
const PLATFORMS = {
  'linux-x64': { ...LINUX, wheel: 'manylinux_2_27_x86_64' },
  'linux-arm64': { ...LINUX, wheel: 'manylinux_2_27_aarch64' },
  'darwin-arm64': {
    wheel: 'macosx_12_0_arm64',
    linkerFlags: ['-undefined', 'dynamic_lookup'],
    libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
  },
};

/** This platform; undefined if TensorFlow has no wheel for it. */
export const platform = PLATFORMS[`${process.platform}-${process.arch}`];

const cache =
  process.env.XDG_CACHE_HOME ||
  join(homedir(), ...(process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache']));
const [, tensorflowVersion] = /==([\d.]+)/.exec(readFileSync(join(root, 'requirements-tensorflow.txt'), 'utf8')) ?? [];

/** TensorFlow's libraries and headers. They are outside the project because all checkouts share them. */
export const tensorflow = {
  version: tensorflowVersion,
  folder: join(cache, 'mnist-lecture', `tensorflow-${tensorflowVersion}-${process.platform}-${process.arch}`),
};

const jupyterFolder = join(root, '.jupyter');

// Settings, kernels and run files stay in the project's folder: the user's own Jupyter is neither read nor written.
export const jupyterEnvironment = {
  JUPYTER_CONFIG_DIR: join(jupyterFolder, 'config'),
  JUPYTER_DATA_DIR: join(jupyterFolder, 'data'),
  JUPYTER_RUNTIME_DIR: join(jupyterFolder, 'runtime'),
  JUPYTER_PREFER_ENV_PATH: '1',
  IPYTHONDIR: join(venv, 'ipython'),
};

/**
 * Closes Jupyter's folder, with everything in it, to other users of the machine: a server's token lets its reader run
 * commands as the user who started the server.
 */
export function protectJupyterFolder() {
  mkdirSync(jupyterEnvironment.JUPYTER_RUNTIME_DIR, { recursive: true, mode: 0o700 });
  chmodSync(jupyterFolder, 0o700);
  for (const entry of readdirSync(jupyterFolder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || entry.isFile()) {
      chmodSync(join(entry.parentPath ?? entry.path, entry.name), entry.isDirectory() ? 0o700 : 0o600);
    }
  }
}
