// Keeps hub and proxy running, and says what happens.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeModules, root } from '../scripts/paths.mjs';
import { writeAtomically } from '../scripts/setup/files.mjs';
import { runPython, uids } from './accounts.mjs';
import { ClassroomError } from './checks.mjs';
import { endProcessesOf, logOf, note, processesOf, rotateLog, running, start, state, stop } from './programs.mjs';

/** @import { Endpoint } from './options.mjs' */

const QUICKLY_MS = 10_000;
const LONGEST_PAUSE_MS = 30_000;
/** How long the hub may take to answer; longer if it ends a server before. */
const PATIENCE_MS = 10_000;
const PATIENCE_WITH_SERVER_MS = 60_000;

/**
 * A random secret that is kept.
 *
 * @param {string} name
 */
function secret(name) {
  const file = join(state, name);
  if (!existsSync(file)) {
    writeAtomically(file, randomBytes(32).toString('hex')); // the folder is closed to others
  }
  return readFileSync(file, 'utf8');
}

/**
 * Runs the classroom until a signal ends it.
 *
 * @param {Endpoint} endpoint
 * @param {string} python
 * @param {string} notebook the one that is opened first.
 */
export async function runClassroom(endpoint, python, notebook) {
  const hubPort = endpoint.port + 1;
  const proxyPort = endpoint.port + 2;
  const [hubApi, proxyApi] = [`http://127.0.0.1:${hubPort}/hub/api`, `http://127.0.0.1:${proxyPort}/api`];
  const [token, proxyToken] = [secret('token'), secret('proxy-token')];
  const proxyCommand = [
    process.execPath,
    join(nodeModules, 'configurable-http-proxy', 'bin', 'configurable-http-proxy'),
    ...['--ip', endpoint.address, '--port', String(endpoint.port)],
    ...['--log-level', 'warn', '--api-ip', '127.0.0.1', '--api-port', String(proxyPort)],
    ...['--default-target', `http://127.0.0.1:${hubPort}`, '--error-path', join(root, 'classroom', 'error-pages')],
    ...(endpoint.tls ? ['--ssl-key', endpoint.tls.key, '--ssl-cert', endpoint.tls.certificate] : []),
  ];
  const settings = JSON.stringify(proxyCommand);

  let isStopped = false;
  /** @type {() => void} */
  let wake = () => {};
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      isStopped = true;
      wake();
    });
  }
  /** @param {number} milliseconds */
  const pause = (milliseconds) =>
    Promise.race([sleep(milliseconds), new Promise((resolve) => (wake = () => resolve(undefined)))]);

  note('classroom', process.pid, endpoint.url);
  await stop('hub'); // one whose own command was killed
  if (running('proxy')?.settings !== settings) {
    await stop('proxy');
    await expectFree(endpoint.address, endpoint.port);
    await expectFree('127.0.0.1', proxyPort);
  }
  await expectFree('127.0.0.1', hubPort);

  const startProxy = () =>
    start('proxy', proxyCommand, { PATH: process.env.PATH, CONFIGPROXY_AUTH_TOKEN: proxyToken }, settings);
  const startHub = () =>
    start('hub', [python, '-m', 'jupyterhub', '--config', join(root, 'classroom', 'jupyterhub_config.py')], {
      PATH: `${dirname(python)}:${process.env.PATH}`,
      PYTHONUTF8: '1',
      CONFIGPROXY_AUTH_TOKEN: proxyToken,
      CLASSROOM_TOKEN: token,
      CLASSROOM_URL: endpoint.url,
      CLASSROOM_HUB_PORT: String(hubPort),
      CLASSROOM_PROXY_PORT: String(proxyPort),
      CLASSROOM_NODE: dirname(process.execPath),
      CLASSROOM_NOTEBOOK: notebook,
    });

  let wasReady = false;
  let isAnnounced = false;
  let pauseMs = 500;
  let hubStarted = 0;
  while (!isStopped) {
    if (!running('proxy')) {
      if (isAnnounced) {
        console.log('The proxy has ended, and is started again.');
      }
      startProxy();
      await until(
        () => ask(`${proxyApi}/routes`, proxyToken),
        () => !running('proxy') || isStopped,
      );
      if (!running('proxy') && !isStopped) {
        throw new ClassroomError(
          `${endOf('proxy')}\nThe proxy did not start (see above; its log is ${logOf('proxy')}).`,
        );
      }
      // A new proxy has no routes to the students' servers: the hub restores them.
      await ask(`${hubApi}/proxy`, token, 'POST');
    }
    if (!running('hub')) {
      if (hubStarted && Date.now() - hubStarted < QUICKLY_MS) {
        if (!wasReady) {
          throw new ClassroomError(`${endOf('hub')}\nThe hub did not start (see above; its log is ${logOf('hub')}).`);
        }
        await pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        if (isStopped) {
          break;
        }
      } else {
        pauseMs = 500;
      }
      if (isAnnounced) {
        console.log('The hub has ended, and is started again. The students work on meanwhile.');
      }
      hubStarted = Date.now();
      startHub();
      await until(
        () => ask(hubApi, token),
        () => !running('hub') || !running('proxy') || isStopped,
      );
      wasReady ||= Boolean(running('hub'));
    }
    if (!isAnnounced && !isStopped && running('hub') && running('proxy')) {
      isAnnounced = true;
      console.log(
        `The classroom is open:\n\n    ${endpoint.url}\n\nCtrl-C ends the hub. Students who are at work keep their kernels.`,
      );
    }
    ['proxy', 'hub'].forEach(rotateLog);
    await pause(500);
  }
  await close();
}

async function close() {
  await stop('hub');
  if (processesOf(uids()).length > 0) {
    console.log(
      'The hub has stopped. The students who are at work go on, and so does the proxy: `npm run classroom` takes them over.\n' +
        'To end everything: `npm run classroom -- --stop`.',
    );
  } else {
    await stop('proxy');
    console.log('The classroom is closed.');
  }
}

/**
 * @param {() => unknown} condition
 * @param {() => boolean} isHopeless
 */
async function until(condition, isHopeless) {
  while (!isHopeless() && !(await condition())) {
    await sleep(100);
  }
}

/**
 * Asks the hub or the proxy. Undefined if it does not answer.
 *
 * @param {string} url
 * @param {string} token
 * @param {string} [method]
 * @param {object} [body]
 * @param {number} [patienceMs]
 * @returns {Promise<any>}
 */
async function ask(url, token, method = 'GET', body, patienceMs = PATIENCE_MS) {
  try {
    const response = await fetch(url, {
      method,
      headers: { Authorization: `token ${token}` },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await response.text();
    return response.ok ? JSON.parse(text || '{}') : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The API of the hub of an open classroom.
 *
 * @param {string} url of the classroom.
 */
function apiOf(url) {
  const { port, protocol } = new URL(url); // no port if it is the protocol's own
  const proxyPort = Number(port || (protocol === 'https:' ? 443 : 80));
  return `http://127.0.0.1:${proxyPort + 1}/hub/api`;
}

/**
 * Adds new accounts to a running hub, so that the teacher sees them.
 *
 * @param {string} url of the classroom.
 * @param {string[]} usernames
 */
export const addToHub = (url, usernames) => ask(`${apiOf(url)}/users`, secret('token'), 'POST', { usernames });

/**
 * Deletes accounts, with their homes, and ends what runs there.
 *
 * @param {string} url of the classroom.
 * @param {string} python
 * @param {string[]} names
 * @returns whether that worked.
 */
export async function deleteAccounts(url, python, names) {
  // The hub ends their servers. It may not run, or not know some of them.
  await Promise.all(
    names.map((name) =>
      ask(`${apiOf(url)}/users/${name}`, secret('token'), 'DELETE', undefined, PATIENCE_WITH_SERVER_MS),
    ),
  );
  await endProcessesOf(uids(names));
  return runPython(python, 'accounts.py', ['remove', ...names]).status === 0;
}

/** @param {string} name */
function endOf(name) {
  return readFileSync(logOf(name), 'utf8').slice(-2000);
}

/**
 * @param {string} address
 * @param {number} port
 */
async function expectFree(address, port) {
  const server = createServer();
  /** @type {NodeJS.ErrnoException | null} */
  const error = await new Promise((resolve) => {
    server.on('error', resolve);
    server.listen(port, address, () => server.close(() => resolve(null)));
  });
  if (error) {
    throw new ClassroomError(
      error.code === 'EADDRINUSE'
        ? `Port ${port} on ${address} is used by another program: end it, or choose another port by --port.`
        : `The classroom cannot listen at ${address}, port ${port} (${error.message}): choose another by --address or --port.`,
    );
  }
}
