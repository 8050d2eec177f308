import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkout, Disk, realCommands, testWithDisk } from '../helpers/checkout';
import { root } from '../helpers/notebook';
import { testOnLinux } from '../helpers/on-linux';

jest.setTimeout(5 * 60_000);

let checkout: Checkout;
beforeAll(() => {
  checkout = new Checkout();
});
afterAll(() => checkout.delete());

/** Runs set-up, which must print one sentence and touch nothing. */
function expectRefusal(environment: NodeJS.ProcessEnv, sentence: RegExp): void {
  const before = checkout.snapshot();
  const { status, stdout, stderr } = checkout.setUp(environment);
  expect(stderr).toMatch(sentence);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect([status, stdout]).toEqual([1, '']);
  expect(checkout.snapshot()).toEqual(before);
}

describe('set-up says in one sentence what is missing and what to do, and touches nothing:', () => {
  const python = realCommands().python3;

  test.each<[string, Parameters<Checkout['path']>[0], RegExp]>([
    ['npm', { without: ['npm'] }, /^npm is missing: install Node.js with npm, .*nodejs\.org/],
    ['g++', { without: ['g++'] }, /^g\+\+ is missing: run `(sudo apt install g\+\+`|xcode-select --install`)/],
    [
      'python3',
      { without: ['python3'] },
      /^Python is missing \(expected python3, version 3\.10 or newer\): run `.*python3?/,
    ],
    [
      'a newer Python',
      { scripts: { python3: 'echo 3 9' } },
      /^python3 is Python 3\.9, which is too old \(expected 3\.10 or newer\): install a newer one, put it first on the PATH/,
    ],
    ['a Python 3', { scripts: { python3: 'echo 2 7' } }, /^python3 is Python 2\.7, which is too old/],
    [
      "Python's module venv",
      { scripts: { python3: `case "$*" in *ensurepip*) exit 1;; *) exec ${python} "$@";; esac` } },
      /^Python's module venv is missing: run `.*(python3-venv|brew install python)`/,
    ],
  ])('%s', (_what, path, sentence) => {
    expectRefusal(checkout.path(path), sentence);
  });

  const PLATFORM = (name: string, arch: string) =>
    `Object.defineProperty(process, 'platform', { value: '${name}' });
     Object.defineProperty(process, 'arch', { value: '${arch}' });`;
  const GLIBC = (version: string) =>
    `Object.defineProperty(process, 'platform', { value: 'linux' });
     process.report.getReport = () => ({ header: { glibcVersionRuntime: ${version} } });`;

  test.each<[string, string, RegExp]>([
    [
      'another Node',
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });",
      /^Node 18\.20\.8 is not supported \(expected 20, 22, 24 or 26\): install one of these versions, .*nodejs\.org/,
    ],
    [
      'Linux within Windows',
      PLATFORM('win32', 'x64'),
      /^Windows itself is not supported: install WSL2 with `wsl --install`/,
    ],
    [
      'a processor for which TensorFlow has a library',
      PLATFORM('linux', 's390x'),
      /^TensorFlow has no library for linux on s390x: use Linux/,
    ],
    [
      'a Mac with an Apple processor',
      PLATFORM('darwin', 'x64'),
      /^TensorFlow has no library for darwin on x64: use .* an Apple processor/,
    ],
    [
      'a newer glibc',
      GLIBC("'2.17'"),
      /^TensorFlow needs a Linux with glibc 2\.27 or newer and this one has 2\.17: use/,
    ],
    [
      'a newer glibc, whose minor version has one digit',
      GLIBC("'2.9'"),
      /glibc 2\.27 or newer and this one has 2\.9: use/,
    ],
    ['glibc', GLIBC('undefined'), /glibc 2\.27 or newer and this one has none: use for example Debian 12/],
  ])('%s', (_what, source, sentence) => {
    expectRefusal(checkout.pretend(source), sentence);
  });

  test('a folder for the cache, where there is a file', () => {
    const file = join(checkout.home, 'file');
    writeFileSync(file, '');
    expectRefusal(
      { XDG_CACHE_HOME: file },
      /\/file is not a folder, but .*: set XDG_CACHE_HOME to a folder that you may write/,
    );
    rmSync(file);
  });

  testWithDisk('a writable cache folder', () => {
    const disk = new Disk('1m');
    try {
      disk.remount('ro');
      expectRefusal(
        { XDG_CACHE_HOME: disk.folder },
        /^\S+ lies on a read-only disk, but set-up must create \S+tensorflow-\S+: set XDG_CACHE_HOME to a folder/,
      );
    } finally {
      disk.delete();
    }
  });

  testWithDisk('room on the disk of the cache, and how much', () => {
    const disk = new Disk('100m');
    try {
      mkdirSync(join(disk.folder, 'mnist-lecture'));
      expectRefusal(
        { XDG_CACHE_HOME: disk.folder },
        /^There is not enough room on the disk of \S+: 1150 MB are needed and 10\d MB are free\. Make room for 104\d MB/,
      );
    } finally {
      disk.delete();
    }
  });

  testWithDisk('room on the disk of the project, and how much', () => {
    const disk = new Disk('100m');
    const small = new Checkout(disk.folder);
    try {
      const { status, stderr } = small.setUp({ XDG_CACHE_HOME: checkout.cache });
      expect(stderr).toMatch(
        /^There is not enough room on the disk of \S+: 940 MB are needed and \d+ MB are free\. Make room/,
      );
      expect(status).toBe(1);
    } finally {
      disk.delete();
    }
  });
});

// "All paths set in these environment variables must be absolute": https://specifications.freedesktop.org/basedir/latest
testOnLinux.each([
  ['relative/cache', undefined, '/home/somebody/.cache'],
  ['', undefined, '/home/somebody/.cache'],
  ['/absolute/cache', '/absolute/cache', '/absolute/cache'],
])('XDG_CACHE_HOME=%p is passed on as %p, and TensorFlow is in %s', (value, passedOn, cache) => {
  const script = `import { environment } from '${root}/scripts/environment.mjs'; import { tensorflow } from '${root}/scripts/paths.mjs';
    console.log(JSON.stringify([environment.XDG_CACHE_HOME ?? null, tensorflow.folder]));`;
  const env = { ...process.env, HOME: '/home/somebody', XDG_CACHE_HOME: value };
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8', env });
  expect(JSON.parse(printed)).toEqual([
    passedOn ?? null,
    expect.stringContaining(`${cache}/mnist-lecture/tensorflow-`),
  ]);
});
