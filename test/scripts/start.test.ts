import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checkout, HOSTILE, link } from '../helpers/checkout';
import { EDITIONS, readNotebook, root } from '../helpers/notebook';
import { testOnLinux } from '../helpers/on-linux';
import { LOOPBACK, commandOf, descendants, isAlive, listeningAddresses } from '../helpers/processes';
import { Started } from '../helpers/started';

jest.setTimeout(5 * 60_000);

let checkout: Checkout;
beforeAll(() => {
  checkout = new Checkout().takeOver();
});
afterAll(() => checkout.delete());

const WITHOUT_SCREEN = { DISPLAY: '', WAYLAND_DISPLAY: '' };
const start = (changes: NodeJS.ProcessEnv = {}): Started => checkout.start('start', { ...WITHOUT_SCREEN, ...changes });

interface Address {
  origin: string;
  token: string;
}

async function addressOf(lecture: Started, notebook = 'notebooks/mnist-dense.ipynb'): Promise<Address> {
  const [, origin, opened, token] = await lecture.says(
    /^ {4}(http:\/\/127\.0\.0\.1:\d+)\/lab\/tree\/(\S+)\?token=(\w{32,})\n\nCtrl-C stops/m,
  );
  expect(opened).toBe(notebook);
  return { origin, token };
}

/** A server on a free port. */
async function listen(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Starts a kernel as JupyterLab would, and returns its process once it listens. */
async function startKernel(lecture: Started, { origin, token }: Address): Promise<number> {
  const body = JSON.stringify({ name: 'tslab', path: 'notebooks/mnist-dense.ipynb' });
  const headers = { Authorization: `token ${token}`, 'Content-Type': 'application/json' };
  const { status } = await fetch(`${origin}/api/kernels`, { method: 'POST', headers, body });
  expect(status).toBe(201);
  const kernel = () =>
    descendants(lecture.pid).find((pid) => /kernel.*json/.test(commandOf(pid)) && listeningAddresses(pid).length);
  await lecture.until(() => kernel() !== undefined);
  return kernel()!;
}

/** An environment with another kernel of the same name, and in which no kernel of ours starts unless it is shielded. */
function otherKernels(): NodeJS.ProcessEnv {
  const folder = join(checkout.home, 'other-kernels');
  mkdirSync(join(folder, 'kernels', 'tslab'), { recursive: true });
  const spec = { argv: ['false', '{connection_file}'], display_name: 'Other', language: 'typescript' };
  writeFileSync(join(folder, 'kernels', 'tslab', 'kernel.json'), JSON.stringify(spec));
  const options = checkout.pretend('if (/kernel.dist.main/.test(process.argv[1])) { process.exit(1); }');
  return { ...options, JUPYTER_PATH: folder };
}

const NOBODY = 65534;
const canBecomeNobody = process.platform === 'linux' && process.getuid!() === 0;
const testAsNobody = canBecomeNobody
  ? (title: string, run: () => unknown) => test(title, async () => void (await run()))
  : (title: string) => test.skip(`${title} (skipped: only root can become another user)`, () => undefined);

describe('npm start', () => {
  let lecture: Started;
  let address: Address;
  let jupyter: string;
  const readAsNobody = () => spawnSync('grep', ['-r', '', jupyter], { uid: NOBODY, gid: NOBODY, encoding: 'utf8' });
  let readableBefore: string;
  let filesAtHome: string[];
  beforeAll(async () => {
    jupyter = join(checkout.root, '.jupyter');
    mkdirSync(join(jupyter, 'runtime'), { recursive: true, mode: 0o755 });
    writeFileSync(join(jupyter, 'runtime', 'jpserver-1-open.html'), 'token=old', { mode: 0o644 });
    chmodSync(checkout.folder, 0o755);
    readableBefore = canBecomeNobody ? readAsNobody().stdout : '';

    lecture = start({ ...HOSTILE, ...otherKernels() });
    filesAtHome = readdirSync(checkout.home);
    address = await addressOf(lecture);
  });
  afterAll(async () => {
    lecture.signal('SIGTERM');
    await lecture.ended;
    chmodSync(checkout.folder, 0o700);
  });

  testAsNobody('lets another user read nothing of Jupyter, not even what an earlier version left open', () => {
    expect(readableBefore).toContain('token=old'); // this test would notice what can be read
    expect(readAsNobody()).toMatchObject({ status: 2, stdout: '' });
    const files = readdirSync(jupyter, { recursive: true, encoding: 'utf8' }).map((name) => join(jupyter, name));
    const withToken = files.filter(
      (path) => statSync(path).isFile() && readFileSync(path, 'utf8').includes(address.token),
    );
    expect(withToken).not.toEqual([]);
    const modes = [jupyter, ...files].map((path) => [statSync(path).isDirectory(), statSync(path).mode & 0o777]);
    expect(modes.filter(([isFolder, mode]) => mode !== (isFolder ? 0o700 : 0o600))).toEqual([]);
  });

  test('says that there is no screen, and for root that it runs as root', () => {
    expect(lecture.output).toContain('There is no screen here. Open this address:');
    expect(lecture.output.includes('Running as root, which JupyterLab is told to allow.')).toBe(
      process.getuid!() === 0,
    );
  });

  test('opens the lecture with the token', async () => {
    const { origin, token } = address;
    const page = await fetch(`${origin}/lab/tree/notebooks/mnist-dense.ipynb?token=${token}`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('JupyterLab') as string]);
    const contents = await fetch(`${origin}/api/contents/notebooks/mnist-dense.ipynb?token=${token}`);
    expect(await contents.json()).toMatchObject({ type: 'notebook', content: { nbformat: 4 } });
  });

  test('refuses requests without the token', async () => {
    const { origin, token } = address;
    const wrong = token.replace(/./g, '0');
    for (const path of ['/api/contents', `/api/contents?token=${wrong}`, '/files/package.json', '/api/kernels']) {
      const { status } = await fetch(`${origin}${path}`, { redirect: 'manual' });
      expect([path, status]).toEqual([path, path.startsWith('/api') ? 403 : 302]);
    }
    const page = await fetch(`${origin}/lab/tree/notebooks/mnist-dense.ipynb`, { redirect: 'manual' });
    expect([page.status, page.headers.get('location')]).toEqual([302, expect.stringMatching(/^\/login\?/) as string]);
  });

  testOnLinux(
    'listens on this machine only, and so does its kernel; SIGTERM ends both and leaves nothing in the home folder',
    async () => {
      const kernel = await startKernel(lecture, address);
      const port = Number(new URL(address.origin).port).toString(16).toUpperCase().padStart(4, '0');
      const processes = descendants(lecture.pid);
      expect(processes).toContain(kernel);
      const addresses = processes.flatMap(listeningAddresses);
      expect(addresses).toContain(`${LOOPBACK}:${port}`);
      expect(addresses.filter((listening) => !listening.startsWith(`${LOOPBACK}:`))).toEqual([]);

      lecture.signal('SIGTERM');
      expect(await lecture.ended).toBe(0);
      expect(lecture.output).toMatch(/\nJupyterLab has stopped\.\n$/);
      expect(processes.filter(isAlive)).toEqual([]);
      expect(readdirSync(checkout.home)).toEqual(filesAtHome);
      expect(readdirSync(checkout.cache)).toEqual(['mnist-lecture']);
    },
  );
});

describe('npm start with a build missing and its port taken', () => {
  let lecture: Started;
  let address: Address;
  let taken: Server;
  beforeAll(async () => {
    checkout.remove('lib/dist');
    taken = await listen();
    lecture = start({ JUPYTER_PORT: String(portOf(taken)), LANG: 'ko_KR.UTF-8' });
    address = await addressOf(lecture);
  });
  afterAll(async () => {
    lecture.signal('SIGTERM');
    await lecture.ended;
    taken.close();
  });

  test('opens the English edition also for a person whose language is Korean, and names the Korean one', () => {
    expect(lecture.output).toMatch(/^.*한국어판.* npm start -- --ko$/m);
  });

  test('takes another port', async () => {
    const { origin } = address;
    expect(origin).not.toBe(`http://127.0.0.1:${portOf(taken)}`);
    expect((await fetch(`${origin}/api`)).status).toBe(200);
  });

  test('builds it, and then keeps no other set-up waiting', async () => {
    expect(lecture.output).toContain('[5/7] The library');
    await checkout.restoring('lib/dist', async () => {
      checkout.remove('lib/dist');
      const setUp = checkout.start('setup');
      await setUp.says(/^\[5\/7\]|Another set-up/);
      setUp.signal('SIGTERM');
      await setUp.ended;
      expect(setUp.output).not.toContain('Another set-up');
    });
  });

  testOnLinux('says so when JupyterLab is killed, whose kernels end as well', async () => {
    const kernel = await startKernel(lecture, address);
    process.kill(
      descendants(lecture.pid).find((pid) => commandOf(pid).includes('jupyterlab'))!,
      'SIGKILL',
    );
    expect(await lecture.ended).toBe(1);
    expect(lecture.output).toMatch(
      /\nJupyterLab was ended by SIGKILL, and its kernels end with it\. What it logged is in \S+jupyterlab\.log\.\n$/,
    );
    while (isAlive(kernel)) {
      await sleep(50);
    }
  });
});

describe('in a folder that another user has set up', () => {
  let home: string;
  let python: string;
  let own: string;
  beforeAll(() => {
    chmodSync(checkout.folder, 0o755);
    home = join(checkout.folder, 'home-of-nobody');
    python = join(checkout.folder, 'python');
    own = join(home, 'my-mnist-lecture');
    mkdirSync(home);
    if (canBecomeNobody) {
      chownSync(home, NOBODY, NOBODY);
      openPython();
    }
  });
  afterAll(() => chmodSync(checkout.folder, 0o700));

  /** Gives .venv a Python that nobody may run, in place of one in a home folder that is closed to others. */
  function openPython(): void {
    const python3 = join(checkout.root, '.venv', 'bin', 'python3');
    const real = realpathSync(python3);
    if (spawnSync('test', ['-x', real], { uid: NOBODY, gid: NOBODY }).status === 0) {
      return;
    }
    link(dirname(dirname(real)), python);
    rmSync(python3);
    symlinkSync(join(python, 'bin', basename(real)), python3);
    checkout.replace('.venv/pyvenv.cfg', (text) => text.replace(/^home = .*$/m, `home = ${join(python, 'bin')}`));
  }

  const asNobody = (script: string, args: string[] = [], changes: NodeJS.ProcessEnv = {}): Started =>
    new Started(process.execPath, [...checkout.command(script), ...args], {
      ...{ cwd: checkout.root, uid: NOBODY, gid: NOBODY },
      env: {
        ...{ ...checkout.environment, ...WITHOUT_SCREEN, HOME: home, XDG_CACHE_HOME: undefined },
        // The addon was built against the folder of another checkout.
        LD_LIBRARY_PATH: [checkout.tensorflow, join(python, 'lib')].join(delimiter),
        ...changes,
      },
    });
  const copy = (edition: keyof typeof EDITIONS): string => join(own, relative(root, EDITIONS[edition]));

  testAsNobody(
    'npm start opens a copy of the lecture in the home folder, which can be saved, and copies the Korean edition',
    async () => {
      const lecture = asNobody('start');
      const { origin, token } = await addressOf(lecture);
      expect(lecture.output).toContain(
        `${checkout.root} may not be written to: your copy of the lecture, and what it saves, are in ${own}.\n`,
      );
      const contents = `${origin}/api/contents/notebooks/mnist-dense.ipynb?token=${token}`;
      expect(await (await fetch(contents)).json()).toMatchObject({ type: 'notebook', writable: true });
      lecture.signal('SIGTERM');
      expect(await lecture.ended).toBe(0);
      for (const edition of ['en', 'ko'] as const) {
        expect(readFileSync(copy(edition)).equals(readFileSync(EDITIONS[edition]))).toBe(true);
      }
      expect(readdirSync(home)).toEqual(['my-mnist-lecture']);
      expect(statSync(join(own, '.jupyter')).mode & 0o777).toBe(0o700);
    },
  );

  testAsNobody('npm run lecture runs a copy, whose save cell works, and writes where --out says', async () => {
    const [folder] = /'file:.*'/.exec(readNotebook(EDITIONS.ko).cells.find(({ id }) => id === 'save')!.source)!;
    const source = `
import * as tf from '@tensorflow/tfjs-node';
import * as mnist from 'mnist-lib';
const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
await mnist.saveModel(model, ${folder});`;
    const cell = { cell_type: 'code', id: 'save', source, metadata: {}, outputs: [], execution_count: null };
    writeFileSync(copy('ko'), JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [cell] }));
    const out = join(home, 'elsewhere');
    const lecture = asNobody('lecture', ['--language', 'ko', '--out', out]);
    await lecture.ended;
    expect(lecture.output).toMatch(/\n\[ 1\/1\] save [^]*\nwrote .*\nwrote .*\n$/);
    expect(readdirSync(out).sort()).toEqual(['mnist-dense.html', 'mnist-dense.ipynb']);
    expect(readdirSync(join(own, 'out', 'dense-network'))).toContain('model.json');
  });

  testAsNobody('a sentence says that there is no home folder either', async () => {
    const lecture = asNobody('start', [], { HOME: '/nowhere' });
    expect([await lecture.ended, lecture.output]).toEqual([
      1,
      "The notebooks could not be copied into /nowhere/my-mnist-lecture: [Errno 13] Permission denied: '/nowhere'.\n" +
        `${checkout.root} may not be written to either: set HOME to a folder that you may write to, and that has room.\n`,
    ]);
  });

  testAsNobody('a sentence names what is missing, or may not be read', async () => {
    chmodSync(checkout.cache, 0o700);
    const lecture = asNobody('start');
    expect([await lecture.ended, lecture.output]).toEqual([1, expect.stringContaining(checkout.tensorflow)]);
    expect(lecture.output).toMatch(
      /^Set-up is incomplete \(missing, or you may not read it: TensorFlow [^;]*\), and \S+ may not be written to: .*\.\n$/,
    );
    chmodSync(checkout.cache, 0o755);
  });
});

describe('npm start, when stopped', () => {
  testOnLinux('by Ctrl-C through npm, with the Korean edition open, ends its server and its kernels', async () => {
    const lecture = new Started('npm', ['start', '--', '--ko'], {
      cwd: checkout.root,
      env: { ...checkout.environment, ...WITHOUT_SCREEN },
    });
    await startKernel(lecture, await addressOf(lecture, 'notebooks/ko/mnist-dense.ipynb'));
    const processes = descendants(lecture.pid);
    process.kill(-lecture.pid, 'SIGINT'); // a terminal sends it to its foreground group
    await lecture.ended;
    expect(lecture.output).toContain('JupyterLab has stopped.\n');
    while (processes.some(isAlive)) {
      await sleep(50);
    }
  });

  test('before JupyterLab is ready, ends and says so', async () => {
    const log = join(checkout.root, '.jupyter', 'runtime', 'jupyterlab.log');
    rmSync(join(checkout.root, '.jupyter'), { recursive: true, force: true });
    const lecture = start();
    await lecture.until(() => existsSync(log));
    lecture.signal('SIGINT');
    expect(await lecture.ended).toBe(0);
    expect(lecture.output).toBe('Stopped before JupyterLab was ready.\n');
  });
});

test('npm start says why JupyterLab could not start, and fails', async () => {
  const taken = await listen();
  const lecture = start({ JUPYTER_PORT: String(portOf(taken)), JUPYTER_PORT_RETRIES: '0' });
  expect(await lecture.ended).toBe(1);
  expect(lecture.output).toMatch(
    /port \d+ is already in use[^]*\nJupyterLab did not start \(see above; the whole log is \S+\.log\)\.\n$/i,
  );
  taken.close();
});
