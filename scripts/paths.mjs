// Where things are.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const lib = join(root, 'lib');
export const kernel = join(root, 'kernel');
export const notebook = join(root, 'notebooks', 'mnist-dense.ipynb');
/** The lecture's editions, by language. */
export const editions = { en: notebook, ko: join(root, 'notebooks', 'ko', 'mnist-dense.ipynb') };
/** The exercises for students, by language. */
export const exercises = {
  en: join(root, 'notebooks', 'exercises', 'exercises.ipynb'),
  ko: join(root, 'notebooks', 'exercises', 'ko', 'exercises.ipynb'),
};
export const bundler = join(root, 'scripts', 'bundle.mjs');
export const nodeModules = join(root, 'node_modules');
export const addon = join(nodeModules, '@tensorflow', 'tfjs-node', 'lib', 'napi-v8', 'tfjs_binding.node');
export const venv = join(root, '.venv');
export const python = join(venv, 'bin', 'python');

// In a class, another person may have set up the project for everybody.
const isWritable = [root, ...Object.values(editions).map(dirname), join(root, '.jupyter')].every((folder) => {
  try {
    return !existsSync(folder) || (accessSync(folder, constants.W_OK), true);
  } catch {
    return false;
  }
});
/** Where notebooks are opened and what they save is kept: here, or in the person's home if this may not be written to. */
export const workFolder = isWritable ? root : join(homedir(), 'my-mnist-lecture');
/**
 * Where a notebook of the project is opened.
 *
 * @param {string} path the notebook.
 */
export const inWorkFolder = (path) => join(workFolder, relative(root, path));

/**
 * @typedef {object} Package a package in TypeScript, which tsc builds into its `dist`.
 * @property {string} name
 * @property {string} folder
 * @property {string} project the folder of its tsconfig.json.
 * @property {boolean} [hasPage] whether its folder `page` is also bundled for web pages, into `dist/page/page.js`.
 */
/** @type {Package[]} */
export const packages = [
  { name: 'library', folder: lib, project: root, hasPage: true },
  { name: 'kernel', folder: kernel, project: kernel },
];

const LINUX = {
  linkerFlags: ['-Xlinker', '--no-as-needed'],
  libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  linksNames: true,
};

/**
 * @typedef {object} Platform
 * @property {string} wheel
 * @property {string[]} linkerFlags
 * @property {string[]} libraries TensorFlow's, by name.
 * @property {boolean} [linksNames] whether the addon can be linked to empty libraries of these names.
 */
/**
 * What differs between platforms, by Node's names for them.
 *
 * @type {Record<string, Platform | undefined>}
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

const { XDG_CACHE_HOME = '' } = process.env;
const ownCache = join(root, '.cache'); // a classroom has one, which all students can read
const cache = existsSync(ownCache)
  ? ownCache
  : isAbsolute(XDG_CACHE_HOME)
    ? XDG_CACHE_HOME
    : join(homedir(), ...(process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache']));
const [, tensorflowVersion] = /==([\d.]+)/.exec(readFileSync(join(root, 'requirements-tensorflow.txt'), 'utf8')) ?? [];

/** A file beside the addon: the folder of the TensorFlow that it was built against, and a hash. */
export const addonStampFile = join(dirname(addon), '.setup');

/** TensorFlow's libraries and headers. They are outside the project because all checkouts share them. */
export const tensorflow = {
  version: tensorflowVersion,
  folder:
    (!isWritable && builtAgainst()) ||
    join(cache, 'mnist-lecture', `tensorflow-${tensorflowVersion}-${process.platform}-${process.arch}`),
};

/** The folder in another person's cache, if that person has set up this project. */
function builtAgainst() {
  return existsSync(addonStampFile) && /^(.*) \w+$/.exec(readFileSync(addonStampFile, 'utf8'))?.[1];
}

/** Where Jupyter keeps its settings and run files. */
export const jupyterFolder = join(workFolder, '.jupyter');
