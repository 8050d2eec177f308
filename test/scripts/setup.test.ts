import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Checkout, Disk, HOSTILE, testWithDisk } from '../helpers/checkout';
import { root } from '../helpers/notebook';
import { Started } from '../helpers/started';

jest.setTimeout(5 * 60_000);

const NOTHING_TO_DO = { status: 0, stdout: '', stderr: '' };
const DONE = 'Everything is set up.\n';

const SITE_PACKAGES = join('.venv', 'lib', readdirSync(join(root, '.venv', 'lib'))[0], 'site-packages');
const TORNADO = readdirSync(join(root, SITE_PACKAGES)).find((name) => /^tornado-.*\.dist-info$/.test(name))!;

/** Holds one of set-up's locks, as another set-up would, until it is released. */
async function holdLock(path: string): Promise<Started> {
  const program =
    "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, 2); print('held', flush=True); input()";
  const holder = new Started('python3', ['-c', program, path], {});
  await holder.says(/held/);
  return holder;
}

test('set-up says so if npm leaves out packages, and does not count the step as done', () => {
  const fresh = new Checkout();
  try {
    const { status, stderr } = fresh.setUp(fresh.path({ scripts: { npm: 'exit 0' } }));
    expect([status, existsSync(join(fresh.root, 'node_modules'))]).toEqual([1, false]);
    expect(stderr).toMatch(/^Step 1 of 7 failed: .*\nnpm has left out packages: `npm config list` shows which/);
  } finally {
    fresh.delete();
  }
});

describe('in a checkout that is set up', () => {
  let checkout: Checkout;
  beforeAll(() => {
    checkout = new Checkout().takeOver();
  });
  afterAll(() => checkout.delete());

  // Each test leaves the checkout set up.
  afterEach(() => expect(checkout.setUp()).toEqual(NOTHING_TO_DO));

  /** Does some work while a result of set-up is away. */
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

  /** Starts set-up, and stops it at its first step. */
  async function firstStep(): Promise<string> {
    const setUp = checkout.start('setup');
    const [line] = await setUp.says(/^.+(?=\n)/);
    setUp.signal('SIGTERM');
    await setUp.ended;
    return line;
  }

  test('a second run changes nothing and prints nothing', () => {
    const before = checkout.snapshot();
    expect(checkout.setUp()).toEqual(NOTHING_TO_DO);
    expect(checkout.snapshot()).toEqual(before);
  });

  const ADDON_STEP = /^\[4\/7\] The addon .*/;

  test('a missing addon is built again', async () => {
    await checkout.restoring(dirname(relative(checkout.root, checkout.addon)), () => {
      rmSync(checkout.addon);
      expect(checkout.sum()).toBe('');
      const { status, stdout, stderr } = checkout.setUp();
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`${ADDON_STEP.source}\n${DONE}$`));
      expect(checkout.sum()).toBe('5\n');
    });
  });

  test.each([
    ['cut short', (whole: Buffer) => whole.subarray(0, 1000)],
    ['of another kind', () => 'not for this machine'],
  ])('so is an addon that is %s', async (_what, damage) => {
    await without(checkout.addon, async () => {
      writeFileSync(checkout.addon, damage(readFileSync(join(checkout.folder, 'aside'))));
      expect(checkout.sum()).toBe('');
      expect(await firstStep()).toMatch(ADDON_STEP);
    });
  });

  test.each([
    ['a Node package', 'node_modules/prettier/package.json', 'Node packages (npm ci)'],
    ['JupyterLab', '.venv/bin/jupyter-lab', 'JupyterLab into .venv (pip install)'],
    ['a Python package', join(SITE_PACKAGES, TORNADO), 'JupyterLab into .venv (pip install)'],
  ])('without %s, its step does not count as done', async (_what, name, title) => {
    await without(join(checkout.root, name), () => {
      const program =
        "import('./scripts/setup.mjs').then((setup) => console.log(setup.titlesOf(setup.missingSteps())))";
      const { stdout } = spawnSync(process.execPath, ['-e', program], { cwd: checkout.root, encoding: 'utf8' });
      expect(stdout).toContain(title);
    });
  });

  test('a changed library is built again, and nothing else', async () => {
    await checkout.restoring('lib', () => {
      checkout.replace('lib/tensorflow/version.ts', (text) => `${text}export const extra = 1;\n`);
      expect(checkout.setUp().stdout).toMatch(/^\[5\/7\] The library .*\nEverything is set up\.\n$/);
      expect(readFileSync(join(checkout.root, 'lib/dist/tensorflow/version.js'), 'utf8')).toContain('extra');
    });
  });

  test.each(['main.ts', 'tsconfig.json'])('so is the kernel, when its %s has changed', async (name) => {
    await checkout.restoring(`kernel/${name}`, async () => {
      checkout.replace(`kernel/${name}`, (text) => `${text}\n`);
      expect(await firstStep()).toMatch(/^\[6\/7\] The kernel/);
    });
  });

  describe('npx jest', () => {
    const SOURCE = 'lib/data/idx.ts';
    const PROBE = 'test/probe.test.js';
    const jest = () => {
      const args = ['node_modules/jest/bin/jest.js', 'probe', '--cacheDirectory', join(checkout.folder, 'jest')];
      return spawnSync(process.execPath, args, {
        cwd: checkout.root,
        encoding: 'utf8',
        env: checkout.environment,
      });
    };
    beforeAll(() => {
      const program = "test('the build has it', () => expect(require('mnist-lib/dist/data/idx').extra).toBe(1));\n";
      writeFileSync(join(checkout.root, PROBE), program);
    });
    afterAll(() => checkout.remove(PROBE));

    test('builds what has changed before it runs the tests', async () => {
      await checkout.restoring('lib', () => {
        checkout.replace(SOURCE, (text) => `${text}export const extra = 1;\n`);
        const { status, stdout, stderr } = jest();
        expect(stderr).toMatch(/^\[5\/7\] The library \(tsc, esbuild\)\n[^]*1 passed/);
        expect([status, stdout]).toEqual([0, '']); // so that the output of --json remains JSON
      });
    });

    test("runs none if they do not compile, and shows the compiler's error", async () => {
      await checkout.restoring(SOURCE, () => {
        checkout.replace(SOURCE, (text) => `${text}export const extra: string = 1;\n`);
        const { status, stderr } = jest();
        expect(stderr).toMatch(
          /\nStep 5 of 7 failed: The library \(tsc, esbuild\)\.\nlib\/data\/idx\.ts\(\d+,14\): error TS2322: .*\n.* fix the cause/,
        );
        expect([status, stderr.includes('PASS') || stderr.includes('FAIL')]).toEqual([1, false]);
      });
    });

    test('leaves the long steps of set-up to npm run setup, and says so', async () => {
      await without(join(checkout.root, '.venv'), () => {
        const { status, stderr } = jest();
        expect([status, stderr]).toEqual([
          1,
          'Set-up is incomplete (missing: JupyterLab into .venv (pip install)): run `npm run setup`.\n',
        ]);
      });
    });
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

    test("page/ byte for byte, as one of nbconvert's templates and as Jupyter's configuration", () => {
      for (const name of ['conf.json', 'index.html.j2', 'page.css']) {
        expect([name, read(...installed, 'nbconvert', 'templates', 'lecture', name)]).toEqual([
          name,
          read('page', name),
        ]);
      }
      expect(read('.venv', 'etc', 'jupyter', 'jupyter_config.py')).toBe(read('page', 'jupyter_config.py'));
    });

    test.each([
      ['kernel/kernel.json', 'kernels/tslab/kernel.json', (text: string) => text.replace('"TypeScript"', '"Changed"')],
      [
        'labextension/static/extension.js',
        'labextensions/mnist-lecture/static/extension.js',
        (text: string) => `${text}// Changed\n`,
      ],
    ])('%s again when it has changed', async (source, name, change) => {
      await checkout.restoring(source, () => {
        checkout.replace(source, change);
        expect(checkout.setUp().stdout).toMatch(/^\[7\/7\] .*\nEverything is set up\.\n$/);
        expect(read(...installed, name)).toContain('Changed');
      });
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

  test('of two set-ups at once one waits, and both succeed', async () => {
    checkout.remove('lib/dist');
    const first = checkout.start('setup');
    await first.says(/\[5\/7\]/);
    first.signal('SIGSTOP'); // holds its lock until the second one waits
    const second = checkout.start('setup');
    await second.says(/Another set-up is running\. Waiting until it ends/);
    first.signal('SIGCONT');
    expect([await first.ended, await second.ended]).toEqual([0, 0]);
    expect(second.output).not.toContain('[5/7]');
    expect(checkout.sum()).toBe('5\n');
  });

  test('TensorFlow is taken out of its wheel again if its libraries are missing', async () => {
    await without(checkout.tensorflow, async () => {
      mkdirSync(join(checkout.tensorflow, 'include'), { recursive: true });
      expect(await firstStep()).toMatch(/^\[3\/7\] TensorFlow /);
    });
  });

  test('set-up waits for the TensorFlow that another checkout is putting into the cache', async () => {
    await without(checkout.tensorflow, async () => {
      const other = await holdLock(`${checkout.tensorflow}.lock`);
      const setUp = checkout.start('setup');
      await setUp.says(/\[3\/7\][^]*Another set-up is running/);
      symlinkSync(join(checkout.folder, 'aside'), checkout.tensorflow);
      other.release();
      expect([await setUp.ended, setUp.output.endsWith(DONE)]).toEqual([0, true]);
    });
  });

  test('SIGINT and SIGTERM stop set-up, which says how to continue, and then continues', async () => {
    checkout.remove('lib/dist');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const setUp = checkout.start('setup');
      await setUp.says(/\[5\/7\]/);
      setUp.signal(signal);
      expect([signal, await setUp.ended]).toEqual([signal, 1]);
      expect(setUp.output).toMatch(/\nSet-up was stopped\. Run the same command again to continue\.\n$/);
      expect(existsSync(join(checkout.root, 'lib', 'dist'))).toBe(false);
    }
    expect(checkout.setUp().stdout.endsWith(DONE)).toBe(true);
  });

  test('a TensorFlow whose hash is not the pinned one is refused, and nothing is put into the cache', async () => {
    await without(checkout.tensorflow, () => {
      const wheels = mkdtempSync(join(checkout.folder, 'wheels-'));
      for (const name of ['tensorflow_cpu', 'tensorflow']) {
        for (const platform of ['manylinux_2_27_x86_64', 'manylinux_2_27_aarch64', 'macosx_12_0_arm64']) {
          writeFileSync(join(wheels, `${name}-2.21.0-cp312-cp312-${platform}.whl`), 'not the pinned one');
        }
      }
      const { status, stderr } = checkout.setUp({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels });
      expect(status).toBe(1);
      const got = createHash('sha256').update('not the pinned one').digest('hex');
      expect(stderr).toMatch(
        new RegExp(`^Step 3 of 7 failed: TensorFlow .*\n[^]*Expected sha256 \\w{64}\n +Got +${got}\n`),
      );
      expect(stderr).toMatch(/A downloaded file does not match its pinned hash and was not used: run the same/);
      expect(readdirSync(dirname(checkout.tensorflow))).toEqual([expect.stringMatching(/\.lock$/)]);
    });
  });

  describe('without a network, set-up says so', () => {
    let noNetwork: NodeJS.ProcessEnv;
    let fresh: Checkout;
    let npm: Started; // npm retries for seconds: the other tests run meanwhile
    beforeAll(() => {
      const empty = mkdtempSync(join(checkout.folder, 'empty-'));
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
      fresh = new Checkout();
      npm = fresh.start('setup', noNetwork);
    });
    afterAll(async () => {
      await npm.killAll();
      fresh.delete();
    });

    test('for JupyterLab, with the index that pip.conf names', async () => {
      await without(join(checkout.root, '.venv'), () => {
        const pipConf = join(checkout.home, 'pip.conf');
        const { PIP_INDEX_URL: index, PIP_CACHE_DIR: empty } = noNetwork;
        // What the machine's own pip.conf adds is replaced as well.
        const network = `index-url = ${index}\nextra-index-url = ${index}\nfind-links =\n    ${empty}\n    ${empty}\n`;
        writeFileSync(pipConf, `[global]\n${network}[install]\ntarget = /nowhere\n`);
        const environment = { ...noNetwork, ...HOSTILE, PIP_INDEX_URL: '', PIP_CONFIG_FILE: pipConf };
        const { status, stderr } = checkout.setUp(environment);
        expect(status).toBe(1);
        expect(stderr).toMatch(
          /^Step 2 of 7 failed: JupyterLab .*\nThe packages of PyPI could not be downloaded: check the network/,
        );
      });
    });

    test('for TensorFlow, and nothing is put into the cache', async () => {
      await without(checkout.tensorflow, () => {
        const { status, stderr } = checkout.setUp(noNetwork);
        expect(status).toBe(1);
        expect(stderr).toMatch(
          /^Step 3 of 7 failed: TensorFlow .*\nThe packages of PyPI could not be downloaded: check the network/,
        );
        expect(readdirSync(dirname(checkout.tensorflow))).toEqual([expect.stringMatching(/\.lock$/)]);
      });
    });

    test('for the Node packages, and nothing is left half done', async () => {
      expect(await npm.ended).toBe(1);
      expect(npm.output).toMatch(
        /\nStep 1 of 7 failed: Node packages \(npm ci\)\.\nThe packages of npm could not be downloaded: check/,
      );
      expect(existsSync(join(fresh.root, 'node_modules'))).toBe(false);
    });
  });

  describe('on a disk that fills up, set-up says so', () => {
    const isFull = (step: number, temporaryFolder = ''): RegExp =>
      new RegExp(
        `(^|\n)Step ${step} of 7 failed: .*\nThe disk of the project or of temporary files \\(${temporaryFolder}.*\\) is full: make room`,
      );

    /** Does some work with a small disk for temporary files. */
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
        const setUp = fresh.start('setup', { XDG_CACHE_HOME: checkout.cache });
        await setUp.says(/Another set-up is running/); // it has found enough room
        disk.remount('size=20m');
        lock.release();
        expect(await setUp.ended).toBe(1);
        expect(setUp.output).toMatch(isFull(1));
        expect(existsSync(join(fresh.root, 'node_modules', '.package-lock.json'))).toBe(false); // npm writes it last
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
        const setUp = checkout.start('setup', { XDG_CACHE_HOME: disk.folder });
        await setUp.says(/Another set-up is running/);
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
        const disk = new Disk('16m', lib);
        try {
          cpSync(join(checkout.folder, 'aside'), lib, { recursive: true });
          rmSync(join(lib, 'dist'), { recursive: true });
          spawnSync('dd', ['if=/dev/zero', `of=${join(lib, 'filler')}`]);
          truncateSync(join(lib, 'filler'), statSync(join(lib, 'filler')).size - 100_000);
          expect(checkout.setUp().stderr).toMatch(isFull(5));
          expect(existsSync(join(lib, 'dist'))).toBe(false);
        } finally {
          disk.delete();
        }
      });
    });
  });
});
