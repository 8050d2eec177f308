// npm start: the lecture in JupyterLab. It listens on this machine alone, and asks for its token.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jupyterEnvironment, notebook, protectJupyterFolder, python, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();

const isRoot = process.getuid() === 0;
const hasScreen = process.platform === 'darwin' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
const runtime = jupyterEnvironment.JUPYTER_RUNTIME_DIR;
const log = join(runtime, 'jupyterlab.log');
protectJupyterFolder();
rmSync(log, { force: true });

let hasEnded = false;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopped = true;
    server.kill('SIGTERM'); // upon which JupyterLab ends its kernels, then itself
  });
}
const server = spawn(
  python,
  [
    ...['-m', 'jupyterlab', notebook, '--ServerApp.ip=127.0.0.1', `--ServerApp.root_dir=${root}`],
    ...(isRoot ? ['--allow-root'] : []),
    ...(hasScreen ? [] : ['--no-browser']),
  ],
  {
    env: { ...process.env, ...jupyterEnvironment },
    stdio: ['ignore', openSync(log, 'a', 0o600), openSync(log, 'a')],
    // Ctrl-C in the terminal reaches this script alone: JupyterLab would ask whether it is meant.
    detached: true,
  },
);
const ended = new Promise((resolve) => server.on('close', resolve)).then(() => (hasEnded = true));

const address = await addressOf(server.pid);
protectJupyterFolder(); // JupyterLab makes a page with its token that everybody may read
if (address) {
  if (isRoot) {
    console.log('Running as root: JupyterLab is told to allow it.');
  }
  console.log(
    hasScreen ? 'The lecture opens in your browser. Its address:' : 'There is no screen here. Open this address:',
  );
  console.log(`\n    ${address}\n\nCtrl-C stops JupyterLab and its kernels.`);
  await ended;
  console.log('JupyterLab has stopped.');
} else if (stopped) {
  console.log('Stopped before JupyterLab was ready.');
} else {
  console.error(
    `${readFileSync(log, 'utf8').slice(-2000)}\nJupyterLab did not start (see above; the whole log is ${log}).`,
  );
  process.exitCode = 1;
}

/** JupyterLab writes down where it listens, in a file named after its process; null when it ends without. */
async function addressOf(pid) {
  const file = join(runtime, `jpserver-${pid}.json`);
  const page = join(runtime, `jpserver-${pid}-open.html`); // which it writes last
  [file, page].forEach((path) => rmSync(path, { force: true })); // of an earlier process that had this number and was killed
  while (!existsSync(page)) {
    if (hasEnded) {
      return null;
    }
    await sleep(100);
  }
  const { url, token } = JSON.parse(readFileSync(file, 'utf8'));
  return `${url}lab/tree/${relative(root, notebook)}?token=${token}`;
}
