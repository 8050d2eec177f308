import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Checkout, Disk, testWithDisk } from '../helpers/checkout';
import { Started } from '../helpers/started';

const MINUTES = 60_000;
jest.setTimeout(5 * MINUTES);

const NOTHING_SAID = { status: 0, stdout: '', stderr: '' };
const SET_UP = 'Everything is set up.\n';

const begin = (checkout: Checkout, environment: NodeJS.ProcessEnv = {}): Started =>
  new Started(process.execPath, checkout.command('setup'), {
    cwd: checkout.root,
    env: { ...checkout.environment, ...environment },
  });

/** What TensorFlow, through the addon and the library of that checkout, makes of 2 + 3. */
function sum(checkout: Checkout): string {
  const program = "require('mnist-lib'); console.log(require('@tensorflow/tfjs-node').add(2, 3).dataSync()[0])";
  return spawnSync(process.execPath, ['-e', program], {
    cwd: checkout.root,
    env: checkout.environment,
  }).stdout.toString();
}

/** Holds a lock of set-up's, as another set-up would, until it is released. */
async function holdLock(path: string): Promise<Started> {
  const program =
    "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, 2); print('held', flush=True); input()";
  const holder = new Started('python3', ['-c', program, path], {});
  await holder.says(/held/);
  return holder;
}

test(
  'set-up that is killed in the middle of each step goes on from there, and what it makes then works',
  async () => {
    const checkout = new Checkout();
    const there = (name: string) => () => existsSync(join(checkout.root, name));
    const distOf = (name: string) => join(checkout.root, name, 'dist');
    try {
      const steps: [step: number, begun: () => boolean, stamp: string][] = [
        [1, there('node_modules'), join(checkout.root, 'node_modules', '.setup')],
        [2, there('.venv/bin/python'), join(checkout.root, '.venv', '.setup')],
        [3, () => existsSync(`${checkout.tensorflow}.partial`), checkout.tensorflow],
        [4, () => true, checkout.addon],
        [5, () => true, distOf('lib')],
        [6, () => true, distOf('kernel')],
      ];
      for (const [step, begun, stamp] of steps) {
        const setUp = begin(checkout);
        await setUp.says(new RegExp(`^\\[${step}/7\\] `, 'm'));
        await setUp.until(begun);
        if (step === 4) {
          setUp.signal('SIGKILL'); // alone: its compiler goes on, and the next run waits for it
          await setUp.ended;
        } else {
          await setUp.killAll();
        }
        expect([step, existsSync(stamp)]).toEqual([step, false]);
        expect(setUp.output.replace(/^Another .*\n/, '')).toMatch(new RegExp(`^\\[${Math.max(1, step - 1)}/7\\]`));
      }
      const { status, stdout, stderr } = checkout.setUp();
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^\[6\/7\] .*\n\[7\/7\] .*\nEverything is set up\.\n$/);

      expect(sum(checkout)).toBe('5\n');
      const python = join(checkout.root, '.venv', 'bin', 'python');
      expect(execFileSync(python, ['-m', 'jupyterlab', '--version'], { env: checkout.environment }).toString()).toMatch(
        /^4\./,
      );
      expect(readdirSync(dirname(checkout.tensorflow))).not.toContainEqual(expect.stringMatching(/partial/));

      const before = checkout.snapshot();
      expect(checkout.setUp()).toEqual(NOTHING_SAID);
      expect(checkout.snapshot()).toEqual(before);
    } finally {
      checkout.delete();
    }
  },
  15 * MINUTES,
);

describe('in a finished checkout', () => {
  let checkout: Checkout;
  beforeAll(() => {
    checkout = new Checkout().takeOver();
  });
  afterAll(() => checkout.delete());

  // Each test leaves the checkout as it found it.
  afterEach(() => expect(checkout.setUp()).toEqual(NOTHING_SAID));

  /** Does something while a part of what set-up has made is away. */
  async function without(path: string, work: () => void | Promise<void>): Promise<void> {
    const aside = join(checkout.folder, 'aside');
    renameSync(path, aside);
    try {
      await work();
    } finally {
      rmSync(path, { recursive: true, force: true });
      renameSync(aside, path);
    }
  }

  test('a second run changes nothing and says nothing', () => {
    const before = checkout.snapshot();
    expect(checkout.setUp()).toEqual(NOTHING_SAID);
    expect(checkout.snapshot()).toEqual(before);
  });

  test.each<[string, (addon: string) => void]>([
    ['missing', () => undefined],
    ['cut short', (addon) => cpSync(`${addon}.aside`, addon)],
    ['of another kind', (addon) => writeFileSync(addon, 'not for this machine')],
  ])('an addon that is %s is made again', (what, damage) => {
    const { addon } = checkout;
    renameSync(addon, `${addon}.aside`); // the file is linked to another checkout's: it is replaced, not written to
    damage(addon);
    if (what === 'cut short') {
      truncateSync(addon, 1000);
    }
    rmSync(`${addon}.aside`);
    expect(sum(checkout)).toBe('');

    expect(checkout.setUp()).toEqual({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\[4\/7\] .*\n.*\n$/) as string,
    });
    expect(sum(checkout)).toBe('5\n');
  });

  test.each([
    ['library', 'lib', 'tensorflow/version', /^\[5\/7\] The library .*\nEverything is set up\.\n$/],
    ['kernel', 'kernel', 'main', /^\[6\/7\] The kernel .*\nEverything is set up\.\n$/],
  ])('a changed %s is built again, and nothing else', (_what, folder, name, said) => {
    const source = `${folder}/${name}.ts`;
    const original = readFileSync(join(checkout.root, source), 'utf8');
    checkout.replace(source, (text) => `${text}export const extra = 1;\n`);
    expect(checkout.setUp().stdout).toMatch(said);
    expect(readFileSync(join(checkout.root, folder, 'dist', `${name}.js`), 'utf8')).toContain('extra');

    checkout.replace(source, () => original);
    checkout.setUp();
  });

  test('the kernel is built again when its tsconfig.json changed', () => {
    const original = readFileSync(join(checkout.root, 'kernel/tsconfig.json'), 'utf8');
    checkout.replace('kernel/tsconfig.json', (text) => `${text}\n`);
    expect(checkout.setUp().stdout).toMatch(/^\[6\/7\] The kernel .*\nEverything is set up\.\n$/);
    checkout.replace('kernel/tsconfig.json', () => original);
    checkout.setUp();
  });

  describe('installs for Jupyter', () => {
    const read = (...path: string[]) => readFileSync(join(checkout.root, ...path), 'utf8');
    const installed = ['.venv', 'share', 'jupyter'];

    test("kernel/kernel.json with the paths of this Node and of the checkout's kernel, and nothing else changed", () => {
      const main = join(checkout.root, 'kernel', 'dist', 'main.js');
      const filled = read('kernel', 'kernel.json').replace('{node}', process.execPath).replace('{kernel}', main);
      expect(read(...installed, 'kernels', 'tslab', 'kernel.json')).toBe(filled);
      expect((JSON.parse(filled) as { argv: string[] }).argv.filter((argument) => argument.includes('{'))).toEqual([
        '{connection_file}',
      ]);
      expect(existsSync(main)).toBe(true);
    });

    test("labextension/ byte for byte, its settings among JupyterLab's own", () => {
      const files = (folder: string) =>
        readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
          .filter((entry) => entry.isFile())
          .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));
      const extension = [...installed, 'labextensions', 'mnist-lecture'];
      const own = files(join(checkout.root, 'labextension')).filter(
        (name) => !['README.md', 'overrides.json', 'tsconfig.json'].includes(name),
      );
      expect(own).toContain(join('static', 'extension.js'));
      expect(files(join(checkout.root, ...extension)).sort()).toEqual(own.sort());
      for (const name of own) {
        expect([name, read(...extension, name)]).toEqual([name, read('labextension', name)]);
      }
      expect(read(...installed, 'lab', 'settings', 'overrides.json')).toBe(read('labextension', 'overrides.json'));
    });

    test.each([
      ['kernel/kernel.json', 'kernels/tslab/kernel.json', (text: string) => text.replace('"TypeScript"', '"Changed"')],
      [
        'labextension/static/extension.js',
        'labextensions/mnist-lecture/static/extension.js',
        (text: string) => `${text}// Changed\n`,
      ],
    ])('%s again when it changed', (source, name, change) => {
      const original = read(source);
      checkout.replace(source, change);
      expect(checkout.setUp().stdout).toMatch(/^\[7\/7\] .*\nEverything is set up\.\n$/);
      expect(read(...installed, name)).toContain('Changed');
      checkout.replace(source, () => original);
      checkout.setUp();
    });
  });

  test('a kernelspec that is cut short is written again', () => {
    const name = '.venv/share/jupyter/kernels/tslab/kernel.json';
    const whole = readFileSync(join(checkout.root, name), 'utf8');
    checkout.replace(name, (text) => text.slice(0, 20));
    expect(checkout.setUp().stdout).toMatch(/^\[7\/7\] .*\nEverything is set up\.\n$/);
    expect(readFileSync(join(checkout.root, name), 'utf8')).toBe(whole);
  });

  test('of two set-ups at once one waits, and both end well', async () => {
    checkout.remove('lib/dist');
    const first = begin(checkout);
    await first.says(/\[5\/7\]/);
    first.signal('SIGSTOP'); // it keeps its lock, however slow this machine is
    const second = begin(checkout);
    await second.says(/Another set-up is at work\. Waiting until it ends/);
    first.signal('SIGCONT');
    expect([await first.ended, await second.ended]).toEqual([0, 0]);
    expect(second.output).not.toContain('[5/7]');
    expect(sum(checkout)).toBe('5\n');
  });

  test('waits for the TensorFlow that another checkout is about to put into the cache', async () => {
    await without(checkout.tensorflow, async () => {
      const other = await holdLock(`${checkout.tensorflow}.lock`);
      const setUp = begin(checkout);
      await setUp.says(/\[3\/7\][^]*Another set-up is at work/);
      mkdirSync(checkout.tensorflow);
      other.release();
      expect([await setUp.ended, setUp.output.endsWith(SET_UP)]).toEqual([0, true]);
    });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s stops it, and it says that it can go on', async (signal) => {
    checkout.remove('lib/dist');
    const setUp = begin(checkout);
    await setUp.says(/\[5\/7\]/);
    setUp.signal(signal);
    expect(await setUp.ended).toBe(1);
    expect(setUp.output).toMatch(/\nSet-up was stopped\. The same command goes on from here\.\n$/);
    expect(existsSync(join(checkout.root, 'lib', 'dist'))).toBe(false);
    expect(checkout.setUp().stdout.endsWith(SET_UP)).toBe(true);
  });

  test('a TensorFlow whose hash is not the pinned one is refused, and none of it comes into the cache', async () => {
    await without(checkout.tensorflow, () => {
      const name = 'requirements-tensorflow.txt';
      const pinned = readFileSync(join(checkout.root, name), 'utf8');
      checkout.replace(name, (text) => text.replaceAll('sha256:', 'sha256:0').replaceAll(/(sha256:\w{64})\w/g, '$1'));
      const { status, stderr } = checkout.setUp();
      checkout.replace(name, () => pinned);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^Step 3 of 7 failed: TensorFlow .*\n[^]*Expected sha256 0\w+\n +Got +[^0]\w+\n/);
      expect(stderr).toMatch(
        /A downloaded file is not the one that is pinned here by its hash, and was not used: run the same/,
      );
      expect(readdirSync(dirname(checkout.tensorflow))).toEqual([expect.stringMatching(/\.lock$/)]);
    });
  });

  describe('without a network it says so', () => {
    let empty: string;
    let noNetwork: NodeJS.ProcessEnv;
    beforeAll(() => {
      empty = mkdtempSync(join(checkout.folder, 'empty-'));
      const closed = 'http://127.0.0.1:9'; // nothing listens there
      noNetwork = {
        ...{ npm_config_registry: closed, npm_config_cache: empty },
        ...{
          PIP_INDEX_URL: `${closed}/simple`,
          PIP_CONFIG_FILE: '/dev/null',
          PIP_FIND_LINKS: '',
          PIP_CACHE_DIR: empty,
        },
      };
    });

    test('for the Node packages, and nothing is half done', () => {
      const fresh = new Checkout();
      try {
        const { status, stderr } = fresh.setUp(noNetwork);
        expect(status).toBe(1);
        expect(stderr).toMatch(
          /^Step 1 of 7 failed: Node packages \(npm ci\)\.\nThe packages of npm could not be downloaded: check/,
        );
        expect(existsSync(join(fresh.root, 'node_modules'))).toBe(false);
      } finally {
        fresh.delete();
      }
    });

    test('for JupyterLab', async () => {
      await without(join(checkout.root, '.venv'), () => {
        const { status, stderr } = checkout.setUp(noNetwork);
        expect(status).toBe(1);
        expect(stderr).toMatch(
          /^Step 2 of 7 failed: JupyterLab .*\nThe packages of PyPI could not be downloaded: check the network/,
        );
      });
    });

    test('for TensorFlow, and the cache is as it was', async () => {
      await without(checkout.tensorflow, () => {
        const { status, stderr } = checkout.setUp(noNetwork);
        expect(status).toBe(1);
        expect(stderr).toMatch(
          /^Step 3 of 7 failed: TensorFlow .*\nThe packages of PyPI could not be downloaded: check the network/,
        );
        expect(readdirSync(dirname(checkout.tensorflow))).toEqual([expect.stringMatching(/\.lock$/)]);
      });
    });
  });

  describe('on a disk that gets full meanwhile it says so', () => {
    const isFull = (step: number, why = ''): RegExp =>
      new RegExp(
        `(^|\n)Step ${step} of 7 failed: .*\nThe disk is full, or the one of temporary files \\(${why}.*\\): make room`,
      );

    /** A disk for temporary files on which next to nothing finds room. */
    function withTemporaryFiles(size: string, work: (environment: NodeJS.ProcessEnv) => void): void {
      const disk = new Disk(size);
      try {
        work({ TMPDIR: disk.folder });
      } finally {
        disk.delete();
      }
    }

    testWithDisk('at the Node packages', async () => {
      const disk = new Disk('2g');
      const fresh = new Checkout(disk.folder);
      try {
        const lock = await holdLock(join(fresh.root, '.setup.lock'));
        const setUp = begin(fresh, { XDG_CACHE_HOME: checkout.cache });
        await setUp.says(/Another set-up is at work/); // with which it has found that there is room enough
        disk.remount('size=20m');
        lock.release();
        expect(await setUp.ended).toBe(1);
        expect(setUp.output).toMatch(isFull(1));
        expect(existsSync(join(fresh.root, 'node_modules', '.package-lock.json'))).toBe(false); // npm's mark of completion
      } finally {
        disk.delete();
      }
    });

    testWithDisk('at JupyterLab', async () => {
      await without(join(checkout.root, '.venv'), () => {
        withTemporaryFiles('10m', (environment) => {
          expect(checkout.setUp(environment).stderr).toMatch(isFull(2, environment.TMPDIR));
        });
      });
    });

    testWithDisk('at TensorFlow, and leaves nothing behind', async () => {
      const disk = new Disk('2g');
      const folder = join(disk.folder, 'mnist-lecture');
      mkdirSync(folder);
      try {
        const lock = await holdLock(join(checkout.root, '.setup.lock'));
        const setUp = begin(checkout, { XDG_CACHE_HOME: disk.folder });
        await setUp.says(/Another set-up is at work/);
        disk.remount('size=10m');
        lock.release();
        expect(await setUp.ended).toBe(1);
        expect(setUp.output).toMatch(isFull(3));
        expect(readdirSync(folder)).toEqual([expect.stringMatching(/\.lock$/)]);
      } finally {
        disk.delete();
      }
    });

    testWithDisk('at the addon', async () => {
      await without(checkout.addon, () => {
        withTemporaryFiles('200k', (environment) => {
          expect(checkout.setUp(environment).stderr).toMatch(isFull(4, environment.TMPDIR));
        });
        expect(existsSync(checkout.addon)).toBe(false);
      });
    });

    testWithDisk('at the library', async () => {
      const lib = join(checkout.root, 'lib');
      await without(lib, () => {
        mkdirSync(lib);
        const disk = new Disk('1m', lib);
        try {
          cpSync(join(checkout.folder, 'aside'), lib, { recursive: true });
          rmSync(join(lib, 'dist'), { recursive: true });
          spawnSync('dd', ['if=/dev/zero', `of=${join(lib, 'filler')}`]);
          truncateSync(
            join(lib, 'filler'),
            Math.floor(0.95 * Number(spawnSync('stat', ['-c', '%s', join(lib, 'filler')]).stdout)),
          );
          expect(checkout.setUp().stderr).toMatch(isFull(5));
          expect(existsSync(join(lib, 'dist'))).toBe(false);
        } finally {
          disk.delete();
        }
      });
    });
  });
});
