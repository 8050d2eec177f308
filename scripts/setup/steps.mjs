import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  addon,
  addonStampFile,
  bundler,
  kernel,
  nodeModules,
  packages,
  platform,
  python,
  root,
  tensorflow,
  venv,
} from '../paths.mjs';
import { CommandError } from './errors.mjs';
import { hash, stamp, writeAtomically } from './files.mjs';
import { withLock } from './lock.mjs';
import { PINNED, installPackages, runPip } from './pip.mjs';
import { runCommand } from './run-command.mjs';

/** @import { Package } from '../paths.mjs' */
/**
 * @typedef {object} DiskUse
 * @property {string} folder where the result goes.
 * @property {number} [megabytes] size of the result; missing for a few files.
 * @property {number} [temporaryMegabytes] what is needed beside it for a while.
 *
 * @typedef {object} Work
 * @property {string} title what the step does.
 * @property {() => boolean} isDone
 * @property {(print: (line: string) => void) => void | Promise<void>} run
 *
 * @typedef {DiskUse & Work} Step
 */

// By default npm retries for more than a minute when there is no network.
const FEW_RETRIES = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=3000'];
// Whatever npm is configured to leave out, by NODE_ENV=production for example.
const ALL_KINDS = ['--include=dev', '--include=optional', '--include=peer'];

const nodePackagesStamp = stamp(join(nodeModules, '.setup'), () => hash('package-lock.json'));
/** @type {Step} */
const installNodePackages = {
  title: 'Node packages (npm ci)',
  megabytes: 620,
  folder: nodeModules,
  isDone: () => nodePackagesStamp.isCurrent() && hasNodePackages(),
  async run() {
    rmSync(nodePackagesStamp.path, { force: true });
    // On a full disk npm only warns, downloads all packages once more, leaves them cut short and reports success.
    const quietly = ['--no-audit', '--no-fund', '--loglevel=warn'];
    await runCommand('npm', ['ci', '--ignore-scripts', ...ALL_KINDS, ...quietly, ...FEW_RETRIES], {
      filling: this,
      failsAt: /ENOSPC|EDQUOT/,
    });
    if (!hasNodePackages()) {
      throw new CommandError('npm', 'npm has left out packages: `npm config list` shows which setting tells it to.');
    }
    nodePackagesStamp.write();
  },
};

/** Whether all packages of package-lock.json are there. Optional ones may be for another platform. */
function hasNodePackages() {
  /** @type {{ packages: Record<string, { optional?: boolean }> }} */
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).every(
    ([path, { optional }]) => optional || existsSync(join(root, path, 'package.json')),
  );
}

// A virtual environment contains its own path: once moved, it is made again.
const pipRequirements = join('scripts', 'setup', 'requirements.txt');
const jupyterLabStamp = stamp(join(venv, '.setup'), () => `${hash('requirements.txt', pipRequirements)} ${venv}`);
/** @type {Step} */
const installJupyterLab = {
  title: 'JupyterLab into .venv (pip install)',
  megabytes: 320,
  folder: venv,
  isDone: () =>
    existsSync(python) &&
    existsSync(join(venv, 'bin', 'jupyter-lab')) &&
    jupyterLabStamp.isCurrent() &&
    hasPythonPackages(),
  async run() {
    rmSync(venv, { recursive: true, force: true });
    await runCommand('python3', ['-m', 'venv', venv]);
    await runPip(['install', ...PINNED, '-r', pipRequirements], { filling: this });
    await installPackages(venv, 'requirements.txt', this);
    writeAtomically(pythonPackagesFile, pythonPackages().join('\n'));
    jupyterLabStamp.write();
  },
};

/** Names the packages that pip has installed, a line each. Which ones requirements.txt means depends on the platform. */
const pythonPackagesFile = join(venv, '.packages');

/** Whether they are all still there. Others may have been added, and pip itself may have been upgraded. */
function hasPythonPackages() {
  const present = pythonPackages();
  return (
    existsSync(pythonPackagesFile) &&
    readFileSync(pythonPackagesFile, 'utf8')
      .split('\n')
      .every((name) => present.includes(name))
  );
}

/** The names of the packages in .venv, by folders such as `jupyterlab-4.5.0.dist-info`. */
function pythonPackages() {
  const lib = join(venv, 'lib');
  const folders = existsSync(lib) ? readdirSync(lib).map((version) => join(lib, version, 'site-packages')) : [];
  return folders
    .flatMap((folder) => readdirSync(folder))
    .flatMap((name) => /^([^-]+)-.*\.dist-info$/.exec(name)?.[1] ?? []);
}

const WHEEL_MEGABYTES = 290;
/** @type {Step} */
const extractTensorFlow = {
  title: `TensorFlow ${tensorflow.version} out of its Python wheel, into ${tensorflow.folder}`,
  megabytes: 860,
  temporaryMegabytes: WHEEL_MEGABYTES,
  folder: tensorflow.folder,
  isDone: () => platform?.libraries.every((name) => existsSync(join(tensorflow.folder, name))) ?? false,
  async run(print) {
    mkdirSync(dirname(tensorflow.folder), { recursive: true });
    // A lock of its own, because every checkout of this project uses the folder.
    await withLock(`${tensorflow.folder}.lock`, print, async () => {
      if (this.isDone()) {
        return;
      }
      const partial = `${tensorflow.folder}.partial`;
      const download = join(partial, 'download');
      rmSync(partial, { recursive: true, force: true });
      mkdirSync(download, { recursive: true });
      try {
        await downloadTensorFlow(download);
        const script = join(root, 'scripts', 'setup', 'extract_libraries.py');
        const filling = { folder: partial, megabytes: (this.megabytes ?? 0) + WHEEL_MEGABYTES };
        await runCommand(python, [script, download, partial], { filling });
        rmSync(download, { recursive: true });
        rmSync(tensorflow.folder, { recursive: true, force: true }); // if libraries were missing there
        renameSync(partial, tensorflow.folder);
      } finally {
        rmSync(partial, { recursive: true, force: true }); // up to a gigabyte that the next run would not use
      }
    });
  },
};

/** @param {string} folder */
async function downloadTensorFlow(folder) {
  const { wheel } = supportedPlatform();
  const hashed = ['--no-cache-dir', '--require-hashes', '-r', 'requirements-tensorflow.txt'];
  const forNode = ['--no-deps', '--only-binary=:all:', '--python-version=3.12', `--platform=${wheel}`];
  await runPip(['download', ...hashed, ...forNode, '-d', folder], {
    filling: { folder, megabytes: WHEEL_MEGABYTES },
    variables: { TMPDIR: folder },
  });
}

const sessionOptions = join(root, 'scripts', 'setup', 'session_options.h');
// With the addon's hash, so that a file that was damaged or comes from elsewhere is built again.
const addonStamp = stamp(addonStampFile, () => {
  const files = [addon, sessionOptions].map((file) => relative(root, file));
  return `${tensorflow.folder} ${hash(...files)}`;
});
/** @type {Step} */
const buildAddon = {
  title: 'The addon that joins Node and TensorFlow (g++)',
  folder: nodeModules,
  isDone: () => existsSync(addon) && addonStamp.isCurrent(),
  async run() {
    const names = `${addon}.names`;
    mkdirSync(names, { recursive: true });
    try {
      await compileAddon(`${addon}.partial`, names);
    } finally {
      rmSync(names, { recursive: true });
    }
    await runCommand(process.execPath, ['-e', 'process.dlopen(module, process.argv[1])', `${addon}.partial`]);
    renameSync(`${addon}.partial`, addon);
    addonStamp.write();
  },
};

/**
 * @param {string} target
 * @param {string} names an empty folder, for libraries that are used only here.
 */
async function compileAddon(target, names) {
  const { linkerFlags, libraries, linksNames } = supportedPlatform();
  const sources = join(nodeModules, '@tensorflow', 'tfjs-node', 'binding');
  // The linker would read the 500,000 symbols of TensorFlow's libraries in 10 s, and use none: Linux looks for them when it
  // loads the addon.
  for (const library of linksNames ? libraries : []) {
    const named = ['-Xlinker', '-soname', '-Xlinker', library];
    await runCommand('g++', ['-shared', '-nostdlib', ...named, '-x', 'c++', '/dev/null', '-o', join(names, library)]);
  }
  await runCommand('g++', [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', ...linkerFlags],
    ...['-I', join(nodeModules, 'node-api-headers', 'include'), '-I', join(tensorflow.folder, 'include')],
    ...['-include', sessionOptions],
    ...readdirSync(sources)
      .filter((name) => name.endsWith('.cc'))
      .map((name) => join(sources, name)),
    ...libraries.map((name) => join(linksNames ? names : tensorflow.folder, name)),
    ...['-Xlinker', '-rpath', '-Xlinker', tensorflow.folder], // with -Wl, a comma would end the path
    ...['-o', target],
  ]);
}

const buildPackages = packages.map(buildPackage);

/**
 * The step that builds a package. The build appears whole, with a stamp of the sources it was made from.
 *
 * @param {Package} typeScriptPackage
 * @returns {Step}
 */
function buildPackage({ name, folder, project, hasPage }) {
  const [dist, partial] = [join(folder, 'dist'), join(folder, 'dist.partial')];
  const { contents, isCurrent } = stamp(join(dist, '.setup'), () =>
    hash('tsconfig.json', 'package-lock.json', relative(root, bundler), ...sourcesIn(folder)),
  );
  return {
    title: `The ${name} (${hasPage ? 'tsc, esbuild' : 'tsc'})`,
    folder,
    isDone: isCurrent,
    async run() {
      const before = contents(); // a source that changes meanwhile may be missing from the build
      rmSync(partial, { recursive: true, force: true });
      const tsc = join(nodeModules, 'typescript', 'bin', 'tsc');
      await runCommand(process.execPath, [tsc, '--project', project, '--outDir', partial]);
      if (hasPage) {
        await runCommand(process.execPath, [bundler, join(partial, 'page')]);
      }
      writeAtomically(join(partial, '.setup'), before);
      rmSync(dist, { recursive: true, force: true });
      renameSync(partial, dist);
    },
  };
}

/** @type {Step} */
const installIntoJupyter = {
  title: "The kernelspec, JupyterLab's extension and settings, and the page's template, into .venv",
  folder: venv,
  isDone: () =>
    filesForJupyter().every(([path, contents]) => existsSync(path) && readFileSync(path, 'utf8') === contents),
  run() {
    for (const [path, contents] of filesForJupyter()) {
      mkdirSync(dirname(path), { recursive: true });
      writeAtomically(path, contents);
    }
  },
};

export const steps = [
  installNodePackages,
  installJupyterLab,
  extractTensorFlow,
  buildAddon,
  ...buildPackages,
  installIntoJupyter,
];

/** The steps that take seconds at most and depend on the project's own sources. */
export const quickSteps = [...buildPackages, installIntoJupyter];

function supportedPlatform() {
  if (!platform) {
    throw new Error(`TensorFlow has no library for ${process.platform} on ${process.arch}`); // see checkPlatform
  }
  return platform;
}

/** @param {string} folder */
function sourcesIn(folder) {
  const isSource = /^(?!dist(\.partial)?\/).*(\.ts|tsconfig\.json)$/;
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => isSource.test(name));
  return names.sort().map((name) => join(relative(root, folder), name));
}

const extension = 'share/jupyter/labextensions/mnist-lecture';
const template = 'share/jupyter/nbconvert/templates/lecture';
/** Which files of the project are copied into .venv, and where to. */
const COPIES = {
  'labextension/overrides.json': 'share/jupyter/lab/settings/overrides.json',
  'labextension/package.json': `${extension}/package.json`,
  'labextension/install.json': `${extension}/install.json`,
  'labextension/static/extension.js': `${extension}/static/extension.js`,
  'labextension/static/style.css': `${extension}/static/style.css`,
  'page/conf.json': `${template}/conf.json`,
  'page/index.html.j2': `${template}/index.html.j2`,
  'page/page.css': `${template}/page.css`,
  'page/jupyter_config.py': 'etc/jupyter/jupyter_config.py',
};

/** @returns {[path: string, contents: string][]} */
function filesForJupyter() {
  return [
    [join(venv, 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json'), kernelspec()],
    ...Object.entries(COPIES).map(
      ([from, to]) => /** @type {[string, string]} */ ([join(venv, to), readFileSync(join(root, from), 'utf8')]),
    ),
  ];
}

/** kernel/kernel.json with the paths of Node and of the kernel. Jupyter fills in the path of the connection file. */
function kernelspec() {
  const template = readFileSync(join(kernel, 'kernel.json'), 'utf8');
  return template
    .replace('"{node}"', () => JSON.stringify(process.execPath))
    .replace('"{kernel}"', () => JSON.stringify(join(kernel, 'dist', 'main.js')));
}
