// npm run doctor: looks at all that the lecture stands on, a line each, and says what to do where something is wrong.
// It fixes nothing itself and asks nothing of the network.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createRequire } from 'node:module';
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { addon, jupyterEnvironment, kernel, lib, nodeModules, notebook, python, root, tensorflow } from './paths.mjs';
import { checkFolders, checkPlatform, checkPython, checkRoom } from './prerequisites.mjs';
import { missingSteps } from './setup.mjs';

const SET_UP = 'run `npm run setup`';
const FIRST_PORT = 8888; // where JupyterLab begins to look for a free one
const PORTS = 50;
const NEEDED_MEMORY = 2000; // MB; the kernel alone takes up to 1.3 GB (environment.md)
const WORK = { folder: join(root, 'out'), megabytes: 100 }; // the executed lecture, JupyterLab's checkpoints

const ASK_KERNEL = `
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name='tslab', startup_timeout=60, cwd=sys.argv[1])
def show(message):
    content = message['content']
    if message['msg_type'] == 'stream':
        print(content['text'], end='')
    elif message['msg_type'] == 'error':
        print(content['ename'] + ': ' + content['evalue'])
try:
    for code in sys.argv[2:]:
        client.execute_interactive(code, output_hook=show, timeout=120)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
`;

/* Each check gives the fact it found, or throws an error that says what is wrong and what to do. */
const checks = {
  Node: () => process.versions.node, // too old a Node was rejected by check-node.js
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

let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    console.log(`ok    ${name}: ${await check()}`);
  } catch (error) {
    failures++;
    console.log(`FAIL  ${name}: ${error.message}`);
  }
}
console.log(failures === 0 ? 'All is well.' : `${failures} of ${Object.keys(checks).length} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;

function checkSetUp() {
  const missing = missingSteps();
  if (missing.length > 0) {
    throw new Error(
      `still to be done, or to be done again: ${missing.map(({ title }) => title).join('; ')}. To do it, ${SET_UP}.`,
    );
  }
  return 'done';
}

async function checkAddon() {
  expectInstalled(nodeModules);
  // In a process of its own, for what can go wrong here may end it.
  const program = `
    const { tensorflowVersion } = require('mnist-lib');
    const [sum] = require('@tensorflow/tfjs-node').add(2, 3).dataSync();
    console.log('TensorFlow ' + tensorflowVersion() + ' computes 2 + 3 = ' + sum);`;
  try {
    const found = await output(process.execPath, ['-e', program]);
    if (!found.endsWith(' = 5')) {
      throw new Error(found);
    }
    return found;
  } catch (error) {
    // A wrong addon is known to set-up; the libraries it needs are not looked into each time.
    const remedy =
      missingSteps().length > 0 ? SET_UP : `run \`rm -rf ${dirname(addon)} ${tensorflow.folder} && npm run setup\``;
    throw new Error(`TensorFlow does not compute (${reasonIn(error)}): ${remedy}.`, { cause: error });
  }
}

function checkData() {
  const reader = join(lib, 'dist', 'mnist.js');
  expectInstalled(nodeModules);
  expectInstalled(reader);
  const { trainImages, testImages } = createRequire(reader)(reader).loadMnist();
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
  const answer = await output(python, ['-c', ASK_KERNEL, dirname(notebook), ...cells]).catch(reasonIn);
  if (!expected.test(answer)) {
    const reason = errorIn(answer) ?? answer.split('\n').at(-1);
    throw new Error(`TypeScript's kernel does not work (${reason}): fix what failed above, or ${SET_UP}.`);
  }
  return `answers ${answer.replaceAll('\n', ' ')}`;
}

/** Tries whether one can listen on this machine's own address, and be reached there. */
async function checkPorts() {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port++) {
    const server = createServer((socket) => socket.destroy());
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
    `none from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free on 127.0.0.1: end some of the programs that listen there.`,
  );
}

function checkDisk() {
  const steps = [WORK, ...missingSteps()];
  checkFolders(steps);
  return checkRoom(steps);
}

function checkMemory() {
  // What macOS calls free leaves out what it would give away at once.
  const bytes = process.platform === 'darwin' ? totalmem() : (process.availableMemory?.() ?? freemem());
  const megabytes = Math.floor(bytes / 1e6);
  if (megabytes < NEEDED_MEMORY) {
    throw new Error(
      `${megabytes} MB are available and ${NEEDED_MEMORY} MB are needed: close other programs or kernels.`,
    );
  }
  return `${megabytes} MB are available`;
}

function expectInstalled(path) {
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: ${SET_UP}.`);
  }
}

/** What a command prints. */
async function output(command, args) {
  const environment = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', ...jupyterEnvironment };
  const { stdout } = await promisify(execFile)(command, args, { cwd: root, env: environment });
  return stdout.trim();
}

/** Why a command failed, in a line. */
function reasonIn({ message, stderr = '', signal }) {
  return errorIn(stderr) ?? (signal ? `it was ended by ${signal}` : message.trim().split('\n').at(-1));
}

/** The first sentence of the error, among all that was printed. */
function errorIn(text) {
  const lines = text.split('\n');
  const start = lines.findLastIndex((line) => /^[\w.]*(Error|Exception|NoSuchKernel)\b.*:/.test(line));
  const message = start < 0 ? [] : lines.slice(start);
  const end = message.findIndex((line) => !line.trim() || /^\s+at /.test(line));
  return /^.+?(?=\.?(\s*$|\.\s))/.exec(message.slice(0, end < 0 ? undefined : end).join(' '))?.[0];
}
