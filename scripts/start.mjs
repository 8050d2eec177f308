// npm start: opens the lecture in JupyterLab, which listens on this machine only and requires its token.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment } from './environment.mjs';
import { readOptions } from './options.mjs';
import { editions, inWorkFolder, jupyterFolder, python, workFolder } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm start [-- --ko]

Sets up what is missing and opens the lecture in JupyterLab.

  --ko              the Korean edition`;

const { ko } = readOptions(USAGE, { ko: { type: 'boolean' } });
const notebook = inWorkFolder(ko ? editions.ko : editions.en);
if (!ko && process.env.LANG?.startsWith('ko_')) {
  console.log('영어판(English edition)을 엽니다. 한국어판은 이렇게 엽니다: npm start -- --ko');
}
await setUpOrExit();
prepareWorkFolder();

const isRoot = process.getuid?.() === 0;
const hasScreen = process.platform === 'darwin' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
const runtime = join(jupyterFolder, 'runtime');
const log = join(runtime, 'jupyterlab.log');
protectJupyterFolder();
rmSync(log, { force: true });

let hasEnded = false;
let isStopped = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    isStopped = true;
    server.kill('SIGTERM'); // JupyterLab then ends its kernels and itself
  });
}
const server = spawn(
  python,
  [
    ...['-m', 'jupyterlab', notebook, '--ServerApp.ip=127.0.0.1', `--ServerApp.root_dir=${workFolder}`],
    ...(isRoot ? ['--allow-root'] : []),
    ...(hasScreen ? [] : ['--no-browser']),
  ],
  {
    env: environment,
    stdio: ['ignore', openSync(log, 'a', 0o600), openSync(log, 'a')],
    // Ctrl-C in the terminal must reach this script only: JupyterLab would ask for confirmation.
    detached: true,
  },
);
/** @type {Promise<string>} How JupyterLab ended, if not as it should; otherwise ''. */
const ended = new Promise((resolve) => {
  server.on('close', (code, signal) => {
    hasEnded = true;
    resolve(isStopped || code === 0 ? '' : `was ended by ${signal ?? `an error (exit code ${code})`}`);
  });
});

const address = await addressOf(server.pid);
protectJupyterFolder(); // JupyterLab writes a page with its token that every user could read
if (address) {
  if (isRoot) {
    console.log('Running as root, which JupyterLab is told to allow.');
  }
  console.log(
    hasScreen ? 'The lecture opens in your browser. Its address:' : 'There is no screen here. Open this address:',
  );
  console.log(`\n    ${address}\n\nCtrl-C stops JupyterLab and its kernels.`);
  const failure = await ended;
  if (failure) {
    console.error(`JupyterLab ${failure}, and its kernels end with it. What it logged is in ${log}.`);
    process.exitCode = 1;
  } else {
    console.log('JupyterLab has stopped.');
  }
} else if (isStopped) {
  console.log('Stopped before JupyterLab was ready.');
} else {
  console.error(
    `${readFileSync(log, 'utf8').slice(-2000)}\nJupyterLab did not start (see above; the whole log is ${log}).`,
  );
  process.exitCode = 1;
}

/**
 * The address of the lecture. JupyterLab writes where it listens into a file named after its process.
 *
 * @param {number | undefined} pid
 * @returns {Promise<string | null>} null if JupyterLab ends before it listens.
 */
async function addressOf(pid) {
  const file = join(runtime, `jpserver-${pid}.json`);
  const page = join(runtime, `jpserver-file-to-run-${pid}-open.html`); // JupyterLab writes this one last
  // Left by a killed process that had the same number.
  [file, page].forEach((path) => rmSync(path, { force: true }));
  while (!existsSync(page)) {
    if (hasEnded) {
      return null;
    }
    await sleep(100);
  }
  const { url, token } = JSON.parse(readFileSync(file, 'utf8'));
  return `${url}lab/tree/${relative(workFolder, notebook)}?token=${token}`;
}

/**
 * Closes Jupyter's folder, with everything in it, to other users of the machine: a server's token lets its reader run
 * commands as the user who started the server.
 */
function protectJupyterFolder() {
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  chmodSync(jupyterFolder, 0o700);
  for (const entry of readdirSync(jupyterFolder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || entry.isFile()) {
      chmodSync(join(entry.parentPath ?? entry.path, entry.name), entry.isDirectory() ? 0o700 : 0o600);
    }
  }
}
