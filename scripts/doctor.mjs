// npm run doctor: checks everything the lecture depends on, prints one line per check, and says how to fix what is wrong.
// It fixes nothing itself and does not use the network.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createRequire } from 'node:module';
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { environment } from './environment.mjs';
import { readOptions } from './options.mjs';
import { addon, kernel, lib, nodeModules, notebook, python, root, tensorflow, workFolder } from './paths.mjs';
import { missingSteps, titlesOf } from './setup.mjs';
import { checkFolders, checkPlatform, checkPython, checkRoom } from './setup/prerequisites.mjs';

const SET_UP = 'run `npm run setup`';
const FIRST_PORT = 8888; // JupyterLab takes the first free port from here on
const PORTS = 50;
const NEEDED_MEGABYTES = 1200; // a kernel takes up to 815 MB (environment.md); the rest is for JupyterLab and the browser
const OUTPUT = { folder: join(workFolder, 'out'), megabytes: 100 }; // the executed lecture, JupyterLab's checkpoints

/* Each check returns what it found, or throws an error that says what is wrong and what to do. */
const checks = {
  Node: () => process.versions.node, // check-node.js has rejected others
  Platform: checkPlatform,
  Python: checkPython,
  'Set-up': checkSetUp,
  Addon: checkAddon,
  Data: checkData,
  Ports: checkPorts,
  Kernel: checkKernel,
  Disk: checkDisk,
  Memory: checkMemory,
};

readOptions('Usage: npm run doctor\n\nChecks everything that the lecture depends on, and changes nothing.', {});
let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    console.log(`ok    ${name}: ${await check()}`);
  } catch (error) {
    failures++;
    console.log(`FAIL  ${name}: ${/** @type {Error} */ (error).message}`);
  }
}
console.log(failures === 0 ? 'All is well.' : `${failures} of ${Object.keys(checks).length} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;

function checkSetUp() {
  const missing = missingSteps();
  if (missing.length > 0) {
    throw new Error(`incomplete (missing or out of date: ${titlesOf(missing)}): ${SET_UP}.`);
  }
  return 'done';
}

async function checkAddon() {
  expectInstalled(nodeModules);
  try {
    const found = await output(process.execPath, [join(root, 'scripts', 'try-tensorflow.js')]);
    if (!found.endsWith(' = 5')) {
      throw new Error(found);
    }
    return found;
  } catch (error) {
    // Set-up knows whether the addon is its own. It does not check the libraries that the addon needs.
    const remedy =
      missingSteps().length > 0
        ? SET_UP
        : `run \`rm -rf ${quote(dirname(addon))} ${quote(tensorflow.folder)} && npm run setup\``;
    const reason = reasonIn(/** @type {CommandFailure} */ (error));
    throw new Error(`TensorFlow does not compute (${reason}): ${remedy}.`, { cause: error });
  }
}

function checkData() {
  const reader = join(lib, 'dist', 'data', 'mnist.js');
  expectInstalled(nodeModules);
  expectInstalled(reader);
  /** @type {Pick<typeof import('mnist-lib'), 'loadMnist'>} */
  const { loadMnist } = createRequire(reader)(reader);
  const { trainImages, testImages } = loadMnist();
  const source = process.env.MNIST_DIR ? `in ${process.env.MNIST_DIR} (MNIST_DIR)` : 'with the checksums of MNIST';
  return `${trainImages.shape[0]} training images and ${testImages.shape[0]} test images, ${source}`;
}

async function checkKernel() {
  expectInstalled(python);
  expectInstalled(join(kernel, 'dist', 'main.js'));
  const cells = [
    "console.log('1 + 1 =', 1 + 1);",
    "import * as tf from '@tensorflow/tfjs-node';\nimport * as mnist from 'mnist-lib';\n" +
      "console.log('and imports tfjs', tf.version.tfjs, typeof mnist.loadMnist === 'function' ? 'and mnist-lib' : '');",
  ];
  const expected = /^1 \+ 1 = 2\nand imports tfjs [\d.]+ and mnist-lib$/;
  const answer = await output(python, [join(root, 'scripts', 'ask_kernel.py'), dirname(notebook), ...cells]).catch(
    reasonIn,
  );
  if (!expected.test(answer)) {
    const reason = errorIn(answer) ?? lastLine(answer);
    throw new Error(`The TypeScript kernel does not work (${reason}): fix what failed above, or ${SET_UP}.`);
  }
  return `answers ${answer.replaceAll('\n', ' ')}`;
}

/** Checks that a server on this machine's own address can be reached. */
async function checkPorts() {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
    const server = createServer((socket) => socket.destroy());
    /** @type {NodeJS.ErrnoException | null} */
    const error = await new Promise((resolve) => {
      server.on('error', resolve);
      server.listen(port, '127.0.0.1', () => connect(port, '127.0.0.1', () => resolve(null)).on('error', resolve));
    });
    server.close();
    if (!error) {
      return `${port} on 127.0.0.1 is free`;
    }
    if (error.code !== 'EADDRINUSE') {
      throw new Error(
        `this machine cannot be reached at its own address 127.0.0.1 (${error.message}): ` +
          'allow it in the firewall, or bring the interface up with `sudo ip link set lo up`.',
      );
    }
  }
  throw new Error(
    `no port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free on 127.0.0.1: end some of the programs that use them.`,
  );
}

function checkDisk() {
  const steps = [OUTPUT, ...missingSteps()];
  checkFolders(steps);
  return checkRoom(steps);
}

function checkMemory() {
  // On macOS, freemem leaves out memory that is available at once.
  const bytes = process.platform === 'darwin' ? totalmem() : (process.availableMemory?.() ?? freemem());
  const megabytes = Math.floor(bytes / 1e6);
  if (megabytes < NEEDED_MEGABYTES) {
    throw new Error(
      `${megabytes} MB are available and ${NEEDED_MEGABYTES} MB are needed: close other programs or kernels.`,
    );
  }
  return `${megabytes} MB are available`;
}

/**
 * A path as the shell takes it for one word.
 *
 * @param {string} path
 */
function quote(path) {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** @param {string} path */
function expectInstalled(path) {
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: ${SET_UP}.`);
  }
}

/**
 * Runs a command and returns its stdout.
 *
 * @param {string} command
 * @param {string[]} args
 */
async function output(command, args) {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: root,
    env: { ...environment, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  return stdout.trim();
}

/** @typedef {Error & { stderr?: string, signal?: NodeJS.Signals }} CommandFailure */

/**
 * Why a command failed, in one line.
 *
 * @param {CommandFailure} failure
 */
function reasonIn({ message, stderr = '', signal }) {
  return errorIn(stderr) ?? (signal ? `ended by ${signal}` : lastLine(message.trim()));
}

/**
 * The first sentence of the error message in a command's output.
 *
 * @param {string} text
 */
function errorIn(text) {
  const lines = text.split('\n');
  const start = lines.findLastIndex((line) => /^[\w.]*(Error|Exception|NoSuchKernel)\b.*:/.test(line));
  const message = start < 0 ? [] : lines.slice(start);
  const end = message.findIndex((line) => !line.trim() || /^\s+at /.test(line));
  return /^.+?(?=\.?(\s*$|\.\s))/.exec(message.slice(0, end < 0 ? undefined : end).join(' '))?.[0];
}

/** @param {string} text */
function lastLine(text) {
  return text.slice(text.lastIndexOf('\n') + 1);
}
