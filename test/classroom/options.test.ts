import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../helpers/notebook';

const folder = mkdtempSync(join(tmpdir(), 'options-'));
afterAll(() => rmSync(folder, { recursive: true }));

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

/** A key and a certificate. @returns their files. */
function certificate(name: string): [key: string, certificate: string] {
  const [key, file] = ['key', 'certificate'].map((each) => join(folder, `${name}-${each}.pem`));
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', file);
  return [key, file];
}

/** The sentence with which `npm run classroom` refuses its options. */
function refusal(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'classroom.mjs'), ...args], {
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([2, '']);
  return stderr.split('\n')[0];
}

const withTls = (key: string, file: string): string =>
  refusal('--address', '0.0.0.0', '--tls-key', key, '--tls-certificate', file);

describe('npm run classroom refuses, before it does anything,', () => {
  test.each([
    [
      ['--address', '0.0.0.0'],
      /^--address 0\.0\.0\.0: expected --tls-key and --tls-certificate as well, because passwords/,
    ],
    [['--address', '::'], /^--address ::: expected --tls-key and --tls-certificate as well/],
    [['--address', '192.168.1.5', '--port', '443'], /^--address 192\.168\.1\.5: expected --tls-key/],
    [['--tls-key', 'key.pem'], /^--tls-key and --tls-certificate: expected both or neither/],
    [['--tls-certificate', 'certificate.pem'], /^--tls-key and --tls-certificate: expected both or neither/],
    [['--port', '65534'], /^--port 65534: expected at most 65533, because the next two are used as well/],
    [['--port', 'eighty'], /^--port eighty: expected a whole number/],
    [['--class-password'], /^--class-password: expected --students as well/],
    [['--notebook', 'notebooks/mnist-dense.ipynb'], /^--notebook: expected --reset LOGIN as well/],
    [['--studens', 'list.csv'], /--studens/],
  ])('%j', (args, sentence) => {
    expect(refusal(...args)).toMatch(sentence);
  });

  test('a certificate that is missing, broken, expired or of another key, and a key that all can read', () => {
    const [key, valid] = certificate('valid');
    const [, other] = certificate('other');
    const [expired, missing, broken] = ['expired', 'missing', 'broken'].map((name) => join(folder, `${name}.pem`));
    openssl('x509', '-in', valid, '-signkey', key, '-days', '-1', '-out', expired);
    writeFileSync(broken, 'no certificate');
    expect(withTls(key, missing)).toMatch(`--tls-key ${key} and --tls-certificate ${missing}: ENOENT: no such file`);
    expect(withTls(key, broken)).toMatch(/broken\.pem: .*no start line/i);
    expect(withTls(key, other)).toMatch(/other-certificate\.pem: .*key values mismatch/i);
    expect(withTls(key, expired)).toMatch(/^--tls-certificate .*expired\.pem: it has expired \(\w{3} +\d+ /);
    chmodSync(key, 0o644);
    expect(withTls(key, valid)).toMatch(
      `--tls-key ${key}: everybody can read it, students too; run \`chmod 600 ${key}\``,
    );
  });
});
