// npm run classroom: the lecture for a class, on this machine, by JupyterHub. See classroom/README.md.
import '../classroom/for-everybody.mjs'; // before all others
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { logins, runPython, uids } from '../classroom/accounts.mjs';
import {
  ClassroomError,
  checkInstallation,
  checkMachine,
  hideSolutions,
  limits,
  takeOwnership,
} from '../classroom/checks.mjs';
import { addToHub, deleteAccounts, runClassroom } from '../classroom/hub.mjs';
import { endProcessesOf, makeState, running, stop } from '../classroom/programs.mjs';
import { fail, readOptions, wholeNumber } from './options.mjs';
import { editions, exercises, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { setUpOwnVenv } from './setup/own-venv.mjs';

/** @import { Endpoint } from '../classroom/hub.mjs' */

const USAGE = `Usage: npm run classroom [-- OPTIONS]

Gives a class the lecture in the browser, by JupyterHub on this machine. See classroom/README.md.

  --students LIST.csv   makes accounts: lines of login,name or login,name,role (student or teacher)
  --class-password      with --students: one password for all students, which they may keep
  --new-password LOGIN  a new first password for somebody who has forgotten theirs
  --remove LOGIN        deletes the account of a person who has left, with all files in the home
  --reset LOGIN         lays the exercises into a student's home again; the student's own are kept beside them
  --notebook NOTEBOOK   with --reset: another notebook (default notebooks/exercises/exercises.ipynb)
  --address ADDRESS     where to listen (default 127.0.0.1); others need a certificate
  --port PORT           the port (default 8000); the next two are used as well, on 127.0.0.1
  --tls-key FILE        key and certificate, in PEM
  --tls-certificate FILE
  --ko                  the Korean edition is opened first
  --stop                ends everything: hub, proxy, and the students' servers`;

const options = readOptions(USAGE, {
  students: { type: 'string' },
  'class-password': { type: 'boolean' },
  'new-password': { type: 'string' },
  remove: { type: 'string' },
  reset: { type: 'string' },
  notebook: { type: 'string' },
  address: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8000' },
  'tls-key': { type: 'string' },
  'tls-certificate': { type: 'string' },
  ko: { type: 'boolean' },
  stop: { type: 'boolean' },
});
if (options['class-password'] && !options.students) {
  fail('--class-password: expected --students as well', USAGE);
}
if (options.notebook !== undefined && options.reset === undefined) {
  fail('--notebook: expected --reset LOGIN as well', USAGE);
}
const endpoint = readEndpoint();

try {
  checkMachine();
  if (options.stop) {
    await stopEverything();
  } else if (options.reset !== undefined) {
    const notebook = options.notebook ?? relative(root, exercises.en);
    process.exitCode = runPython('python3', 'reset.py', [options.reset, notebook]).status === 0 ? 0 : 1;
  } else {
    hideSolutions();
    await setUpOrExit();
    takeOwnership();
    const python = setUpOwnVenv(join(root, 'classroom'), 'JupyterHub, 380 MB');
    makeState();
    if (options.students !== undefined) {
      await changeAccounts(python, [
        ...['add', resolve(options.students), address()],
        ...(options['class-password'] ? ['--class-password'] : []),
      ]);
    } else if (options['new-password'] !== undefined) {
      await changeAccounts(python, ['new-password', options['new-password'], address()]);
    } else if (options.remove !== undefined) {
      await removeAccount(python, options.remove);
    } else {
      checkInstallation(python);
      const other = running('classroom');
      if (other) {
        throw new ClassroomError(`The classroom is open already, at ${other.settings} (process ${other.pid}).`);
      }
      console.log(limits(python, logins().length));
      if (logins().length === 0) {
        console.log('There are no accounts yet: `npm run classroom -- --students LIST.csv` makes them.');
      }
      await runClassroom(endpoint, python, relative(root, options.ko ? editions.ko : editions.en));
    }
  }
} catch (error) {
  console.error(error instanceof ClassroomError ? error.message : error);
  process.exitCode = 1;
}

/** @returns {Endpoint} */
function readEndpoint() {
  const { address } = options;
  const port = wholeNumber('port', options.port, 1, USAGE);
  const [key, certificate] = [options['tls-key'], options['tls-certificate']].map((file) => file && resolve(file));
  if (Boolean(key) !== Boolean(certificate)) {
    fail('--tls-key and --tls-certificate: expected both or neither', USAGE);
  }
  if (port > 65_533) {
    fail(`--port ${port}: expected at most 65533, because the next two are used as well`, USAGE);
  }
  const isLocal = ['127.0.0.1', 'localhost', '::1'].includes(address);
  if (!key || !certificate) {
    if (!isLocal) {
      fail(
        `--address ${address}: expected --tls-key and --tls-certificate as well, because passwords would cross the ` +
          'network for everybody to read',
        USAGE,
      );
    }
    return { address, port, url: `http://${inUrl(address)}:${port}/` };
  }
  checkCertificate(key, certificate);
  const host = ['0.0.0.0', '::'].includes(address) ? hostname() : address;
  return { address, port, url: `https://${inUrl(host)}:${port}/`, tls: { key, certificate } };
}

/** @param {string} host */
function inUrl(host) {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * @param {string} key
 * @param {string} certificate
 */
function checkCertificate(key, certificate) {
  try {
    createSecureContext({ key: readFileSync(key), cert: readFileSync(certificate) });
  } catch (error) {
    fail(`--tls-key ${key} and --tls-certificate ${certificate}: ${/** @type {Error} */ (error).message}`, USAGE);
  }
  if (statSync(key).mode & 0o004) {
    fail(`--tls-key ${key}: everybody can read it, students too; run \`chmod 600 ${key}\``, USAGE);
  }
  const { validTo } = new X509Certificate(readFileSync(certificate));
  if (new Date(validTo) < new Date()) {
    fail(`--tls-certificate ${certificate}: it has expired (${validTo})`, USAGE);
  }
}

/** The address that stands on the sheet: the one of the open classroom, or of one opened with these options. */
function address() {
  return running('classroom')?.settings ?? endpoint.url;
}

/**
 * @param {string} python
 * @param {string[]} args
 */
async function changeAccounts(python, args) {
  if (runPython(python, 'accounts.py', args).status !== 0) {
    process.exitCode = 1;
  } else if (running('hub')) {
    await addToHub(address(), logins());
  }
}

/**
 * @param {string} python
 * @param {string} login
 */
async function removeAccount(python, login) {
  if (!logins().includes(login)) {
    throw new ClassroomError(
      `There is no account ${login} (expected one of ${logins().sort().join(', ') || 'none yet'}).`,
    );
  }
  if (await deleteAccounts(address(), python, [login])) {
    console.log(`The account ${login} and its home are deleted.`);
  } else {
    process.exitCode = 1;
  }
}

async function stopEverything() {
  await stop('classroom');
  await stop('hub');
  await endProcessesOf(uids());
  await stop('proxy');
  console.log('Hub, proxy and all servers of the class have ended.');
}
