// Sets up what is missing, and only that: each step knows whether it is done, and what it makes appears whole or not
// at all, so that set-up can be killed anywhere and simply be run again.
//
// `npm run setup` runs it alone; `npm start`, `npm test` and `npm run lecture` begin with it.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPrerequisites, remedyFor, SetupError } from './prerequisites.mjs';
import {
  addon,
  kernel,
  labextension,
  nodeModules,
  packages,
  platform,
  python,
  root,
  tensorflow,
  venv,
} from './paths.mjs';

/** Brings the project into working order. Takes a few milliseconds when there is nothing to do. */
export async function setUp() {
  const missing = missingSteps();
  if (missing.length === 0) {
    return;
  }
  checkPrerequisites(missing);
  SIGNALS.forEach((signal) => process.on(signal, stop));
  await withLock(join(root, '.setup.lock'), async () => {
    for (const [index, step] of steps.entries()) {
      if (!step.isDone()) {
        console.log(`[${index + 1}/${steps.length}] ${step.title}${step.megabytes ? `, ${step.megabytes} MB` : ''}`);
        try {
          await step.run();
        } catch (error) {
          throw error instanceof SetupError
            ? error
            : new SetupError(
                `Step ${index + 1} of ${steps.length} failed: ${step.title}.\n${remedyFor(error.command, error.message)}`,
              );
        }
      }
    }
  });
  SIGNALS.forEach((signal) => process.off(signal, stop));
  console.log('Everything is set up.');
}

/** The steps that are still to be done. */
export function missingSteps() {
  return steps.filter((step) => !step.isDone());
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
let stopped = false;
let running; // the command at work

function stop(signal) {
  stopped = true;
  running?.kill(signal);
}

/*
 * A step: what it does (title), how large the result is (megabytes, none for a few files) and where it goes (folder), what
 * else it needs for a moment (temporaryMegabytes), whether it is done, and how to do it.
 */
const steps = [
  {
    title: 'Node packages (npm ci)',
    megabytes: 610,
    folder: nodeModules,
    stamp: join(nodeModules, '.setup'),
    contents: () => hash('package-lock.json'),
    isDone: isStamped,
    async run() {
      rmSync(this.stamp, { force: true });
      // On a full disk npm only warns, downloads all packages once more, leaves them cut short and reports success.
      await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=warn', ...FEW_RETRIES], {
        filling: this,
        failsAt: /ENOSPC|EDQUOT/,
      });
      writeWhole(this.stamp, this.contents());
    },
  },
  {
    title: 'JupyterLab into .venv (pip install)',
    megabytes: 320,
    folder: venv,
    stamp: join(venv, '.setup'),
    // A virtual environment knows its own path: moved with the project, it is made again.
    contents: () => `${hash('requirements.txt')} ${venv}`,
    isDone: () => existsSync(python) && isStamped.call(steps[1]),
    async run() {
      rmSync(venv, { recursive: true, force: true });
      await run('python3', ['-m', 'venv', venv]);
      await run(python, [...PIP, 'install', '--require-hashes', '--only-binary=:all:', '-r', 'requirements.txt'], {
        filling: this,
      });
      writeWhole(this.stamp, this.contents());
    },
  },
  {
    title: `TensorFlow ${tensorflow.version} out of its Python wheel, into ${tensorflow.folder}`,
    megabytes: 860,
    temporaryMegabytes: 290,
    folder: tensorflow.folder,
    isDone: () => existsSync(tensorflow.folder),
    async run() {
      mkdirSync(dirname(tensorflow.folder), { recursive: true });
      // A lock of its own: the folder serves every checkout of this project.
      await withLock(`${tensorflow.folder}.lock`, async () => {
        if (this.isDone()) {
          return;
        }
        const partial = `${tensorflow.folder}.partial`;
        const download = join(partial, 'download');
        rmSync(partial, { recursive: true, force: true });
        mkdirSync(download, { recursive: true });
        try {
          const wheel = ['--no-deps', '--only-binary=:all:', '--python-version=3.12', `--platform=${platform.wheel}`];
          await run(
            python,
            [
              ...PIP,
              'download',
              '--no-cache-dir',
              '--require-hashes',
              ...wheel,
              '-d',
              download,
              '-r',
              'requirements-tensorflow.txt',
            ],
            { filling: { folder: download, megabytes: this.temporaryMegabytes }, environment: { TMPDIR: download } },
          );
          const filling = { folder: partial, megabytes: this.megabytes + this.temporaryMegabytes };
          await run(python, ['-c', EXTRACT_LIBRARIES, download, partial], { filling });
          rmSync(download, { recursive: true });
          renameSync(partial, tensorflow.folder);
        } finally {
          rmSync(partial, { recursive: true, force: true }); // up to a gigabyte, of no use to the next run
        }
      });
    },
  },
  {
    title: 'The addon that joins Node and TensorFlow (g++)',
    folder: nodeModules,
    stamp: join(dirname(addon), '.setup'),
    // With its hash, so that a file that was damaged or comes from elsewhere is made again.
    contents: () => `${tensorflow.folder} ${hash(relative(root, addon))}`,
    isDone: () => existsSync(addon) && isStamped.call(steps[3]),
    async run() {
      const sources = join(nodeModules, '@tensorflow', 'tfjs-node', 'binding');
      mkdirSync(dirname(addon), { recursive: true });
      await run('g++', [
        ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', ...platform.linkerFlags],
        ...['-I', join(nodeModules, 'node-api-headers', 'include'), '-I', join(tensorflow.folder, 'include')],
        ...readdirSync(sources)
          .filter((name) => name.endsWith('.cc'))
          .map((name) => join(sources, name)),
        ...platform.libraries.map((name) => join(tensorflow.folder, name)),
        ...[`-Wl,-rpath,${tensorflow.folder}`, '-o', `${addon}.partial`],
      ]);
      await run(process.execPath, ['-e', 'process.dlopen(module, process.argv[1])', `${addon}.partial`]);
      renameSync(`${addon}.partial`, addon);
      writeWhole(this.stamp, this.contents());
    },
  },
  ...packages.map(building),
  {
    title: "The kernelspec, JupyterLab's extension and its settings, into .venv",
    folder: venv,
    files: () => [
      [inJupyter('kernels', 'tslab', 'kernel.json'), kernelspec()],
      [inJupyter('lab', 'settings', 'overrides.json'), readFileSync(join(labextension, 'overrides.json'), 'utf8')],
      ...['package.json', 'install.json', join('static', 'extension.js')].map((name) => [
        inJupyter('labextensions', 'mnist-lecture', name),
        readFileSync(join(labextension, name), 'utf8'),
      ]),
    ],
    isDone() {
      return this.files().every(([path, contents]) => existsSync(path) && readFileSync(path, 'utf8') === contents);
    },
    run() {
      for (const [path, contents] of this.files()) {
        mkdirSync(dirname(path), { recursive: true });
        writeWhole(path, contents);
      }
    },
  },
];

const inJupyter = (...names) => join(venv, 'share', 'jupyter', ...names);

// By default npm goes on for more than a minute when there is no network.
const FEW_RETRIES = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=3000'];
const PIP = ['-m', 'pip', '--disable-pip-version-check', '--quiet', '--retries=2'];

const EXTRACT_LIBRARIES = `
import glob, os, re, sys, zipfile
download, target = sys.argv[1:]
wanted = re.compile(
    r'tensorflow/(?:(libtensorflow_(?:cc|framework)\\.(?:so\\.2|2\\.dylib))'
    r'|(include/(?:tensorflow/c|tensorflow/core/platform/ctstring|tsl/platform/ctstring|xla/tsl/c).*\\.h))$')
with zipfile.ZipFile(glob.glob(os.path.join(download, '*.whl'))[0]) as wheel:
    for member in wheel.infolist():
        if found := wanted.match(member.filename):
            member.filename = found[1] or found[2]
            wheel.extract(member, target)
`;

function isStamped() {
  return existsSync(this.stamp) && readFileSync(this.stamp, 'utf8') === this.contents();
}

/** SHA-256 of some of the project's files, names included. */
function hash(...names) {
  const sum = createHash('sha256');
  for (const name of names) {
    sum.update(`${name}\0`).update(readFileSync(join(root, name)));
  }
  return sum.digest('hex');
}

/** The step that builds a package. A build appears whole, and is marked with the sources it was made of. */
function building({ name, folder, project }) {
  const [built, partial] = [join(folder, 'dist'), join(folder, 'dist.partial')];
  return {
    title: `The ${name} (tsc)`,
    folder,
    stamp: join(built, '.setup'),
    contents: () => hash('tsconfig.json', 'package-lock.json', ...sourcesIn(folder)),
    isDone: isStamped,
    async run() {
      const contents = this.contents();
      rmSync(partial, { recursive: true, force: true });
      await run(process.execPath, [
        join(nodeModules, 'typescript', 'bin', 'tsc'),
        '--project',
        project,
        '--outDir',
        partial,
      ]);
      writeWhole(join(partial, '.setup'), contents);
      rmSync(built, { recursive: true, force: true });
      renameSync(partial, built);
    },
  };
}

function sourcesIn(folder) {
  const isSource = /^(?!dist(\.partial)?\/).*(\.ts|tsconfig\.json)$/;
  const names = readdirSync(folder, { recursive: true }).filter((name) => isSource.test(name));
  return names.sort().map((name) => join(relative(root, folder), name));
}

/** kernel/kernel.json with the paths of Node and the kernel. Jupyter fills in the connection file's. */
function kernelspec() {
  const paths = { '"{node}"': process.execPath, '"{kernel}"': join(kernel, 'dist', 'main.js') };
  const template = readFileSync(join(kernel, 'kernel.json'), 'utf8');
  return template.replace(/"{(node|kernel)}"/g, (placeholder) => JSON.stringify(paths[placeholder]));
}

function writeWhole(path, contents) {
  writeFileSync(`${path}.partial`, contents);
  renameSync(`${path}.partial`, path);
}

/*
 * The lock belongs to the open file, not to a process, and every command that set-up starts inherits it: it ends with
 * the last of them, however they end, so that none is ever left behind. Node cannot lock a file, Python can.
 */
let lockFiles = [];

async function withLock(path, work) {
  const file = openSync(path, 'a');
  lockFiles.push(file);
  const take = (flags) => run('python3', ['-c', `import fcntl; fcntl.flock(${2 + lockFiles.length}, ${flags})`]);
  await take('fcntl.LOCK_EX | fcntl.LOCK_NB').catch(async () => {
    console.log('Another set-up is at work. Waiting until it ends ...');
    await take('fcntl.LOCK_EX');
  });
  await work();
  closeSync(lockFiles.pop()); // npm start, which began with set-up, runs on
}

/**
 * Runs a command to its end; shows how `filling.folder` grows towards `filling.megabytes` meanwhile. A command that
 * prints `failsAt` is ended there.
 */
function run(command, args, { filling, environment, failsAt } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', ...lockFiles],
    });
    running = child;
    if (stopped) {
      child.kill();
    }
    let output = '';
    let failed = false;
    const keep = (chunk) => {
      output = (output + chunk).slice(-4000);
      if (failsAt?.test(output)) {
        failed = true;
        child.kill();
      }
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const stopProgress = filling ? showProgress(filling) : () => {};
    const fail = (message) => reject(Object.assign(new Error(message), { command }));
    child.on('error', (error) => fail(`${command} could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      stopProgress();
      if (stopped) {
        reject(new SetupError('Set-up was stopped. The same command goes on from here.'));
      } else if (code === 0 && !failed) {
        resolve();
      } else {
        fail(`${output.trimEnd()}${signal ? `\n${command} was ended by ${signal}.` : ''}`);
      }
    });
  });
}

/** A line every few seconds: rewritten in a terminal, a new one elsewhere. */
function showProgress({ folder, megabytes }) {
  const started = Date.now();
  const inTerminal = process.stdout.isTTY;
  const timer = setInterval(
    () => {
      execFile('du', ['-sk', folder], (_error, printed) => {
        const filled = Math.min(Math.round(parseInt(printed || '0') / 1000), megabytes);
        const line = `      ${Math.round((Date.now() - started) / 1000)} s, ${filled} of ${megabytes} MB`;
        process.stdout.write(inTerminal ? `\r${line} ` : `${line}\n`);
      });
    },
    inTerminal ? 1000 : 5000,
  );
  return () => {
    clearInterval(timer);
    process.stdout.write(inTerminal ? '\r\x1b[K' : '');
  };
}

/** For scripts that begin with set-up: does it, and where it cannot, says why in a sentence and ends. */
export async function setUpOrExit() {
  try {
    await setUp();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUpOrExit();
}
