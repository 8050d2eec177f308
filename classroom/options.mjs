// What the command line of `npm run classroom` asks for. Read before all else, so that a wrong option changes nothing.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { fail, readOptions, wholeNumber } from '../scripts/options.mjs';

/**
 * @typedef {object} Endpoint where the classroom is reached.
 * @property {string} address
 * @property {number} port the next two are the hub's and the proxy's own, on 127.0.0.1.
 * @property {string} url
 * @property {{ key: string, certificate: string }} [tls] files.
 */

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

export const options = readOptions(USAGE, {
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
export const endpoint = readEndpoint();

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
