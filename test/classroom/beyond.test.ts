// The lecture beyond one machine: what can be checked without a cluster and without a container engine.
// classroom/try-image.sh builds the image itself.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Checkout } from '../helpers/checkout';
import { root } from '../helpers/notebook';
import { testWithPython311 } from '../helpers/python';

jest.setTimeout(5 * 60_000);

const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const containerfile = read('classroom', 'Containerfile');
const NOTEBOOK = '/lab/tree/my-mnist-lecture/notebooks/mnist-dense.ipynb';

const folder = mkdtempSync(join(tmpdir(), 'beyond-'));
afterAll(() => rmSync(folder, { recursive: true }));

const testWithTools = testWithPython311('repo2docker');

/** Fetches a commit of a repository that is in no package registry; git itself checks the hash. */
function fetchCommit(repository: string, commit: string): { checkout: string; test: typeof testWithTools } {
  const checkout = join(folder, repository);
  const isFetched = [
    ['init', '--quiet', checkout],
    ['-C', checkout, 'fetch', '--quiet', '--depth=1', `https://github.com/${repository}`, commit],
    ['-C', checkout, 'checkout', '--quiet', 'FETCH_HEAD'],
  ].every((args) => spawnSync('git', args, { timeout: 30_000 }).status === 0);
  const skip: typeof testWithTools = (title) =>
    test.skip(`${title} (skipped: github.com/${repository} cannot be reached)`, () => undefined);
  return { checkout, test: isFetched ? testWithTools : skip };
}
let tools: string | undefined;

/** Runs a program of test/classroom/requirements.txt, which is installed when first needed. */
function runTool(name: string, args: string[], environment: NodeJS.ProcessEnv = {}) {
  tools ??= installTools();
  return spawnSync(join(tools, name), args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

/** Installs the requirements in test/classroom, or in a folder below it, unless they are there. */
function installTools(...below: string[]): string {
  const target = join(root, 'test', 'classroom', ...below);
  const module = pathToFileURL(join(root, 'scripts', 'setup', 'own-venv.mjs')).href;
  const program = `import('${module}').then(({ setUpOwnVenv }) => setUpOwnVenv('${target}', 'Tools', 0))`;
  execFileSync(process.execPath, ['--eval', program], { stdio: 'pipe' });
  return join(target, '.venv', 'bin');
}

describe('the image', () => {
  /** The sources of the Containerfile's COPY instructions. */
  const copied = [...containerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources]) =>
    sources.split(' '),
  );
  const ignored = read('classroom', 'Containerfile.dockerignore');

  let checkout: Checkout;
  /** With the files that the image gets, and no others. */
  beforeAll(() => {
    checkout = new Checkout();
    const excluded = ignored.split('\n').filter((line) => line.startsWith('notebooks/exercises/'));
    checkout.remove(...excluded);
    for (const name of readdirSync(checkout.root)) {
      if (!copied.some((path) => path.split('/')[0] === name)) {
        checkout.remove(name);
      }
    }
    readdirSync(join(checkout.root, 'classroom'))
      .map((name) => `classroom/${name}`)
      .filter((name) => !copied.some((path) => path.startsWith(name)))
      .forEach((name) => checkout.remove(name));
  });
  afterAll(() => checkout.delete());

  test('has all sources of the library and the kernel, and what the last step of set-up copies', () => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const sources = ['.', 'kernel'].flatMap((project) =>
      execFileSync(process.execPath, [tsc, '--listFilesOnly', '--project', join(root, project)], { encoding: 'utf8' })
        .split('\n')
        .filter((path) => path && !path.includes('/node_modules/'))
        .map((path) => relative(root, path)),
    );
    expect(sources).toEqual(expect.arrayContaining(['lib/index.ts', 'kernel/main.ts']));
    expect(sources.filter((path) => !existsSync(join(checkout.root, path)))).toEqual([]);
    checkout.takeOver();
  });

  const NOBODY = 65534;
  const testAsNobody =
    process.platform === 'linux' && process.getuid!() === 0
      ? test
      : (title: string) => test.skip(`${title} (skipped: only root can become another user)`, () => undefined);

  testAsNobody("puts the notebooks into a student's home, keeps those that are there, and runs the command", () => {
    const home = join(folder, 'home');
    [folder, checkout.folder].forEach((each) => chmodSync(each, 0o755));
    mkdirSync(home);
    chownSync(home, NOBODY, NOBODY);
    const enter = (...command: string[]) =>
      spawnSync(join(checkout.root, 'classroom', 'entrypoint.sh'), command, {
        ...{ uid: NOBODY, gid: NOBODY, cwd: home, encoding: 'utf8' },
        env: { HOME: home, PATH: [dirname(process.execPath), process.env.PATH].join(':') },
      });

    const { status, stdout, stderr } = enter('sh', '-c', 'echo "$0, $1"; exit 3', 'first argument', 'second');
    expect([status, stderr]).toEqual([3, '']);
    expect(stdout).toBe('first argument, second\n');
    const notebooks = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ipynb'),
    );
    expect(notebooks.map((name) => basename(name)).sort()).toEqual([
      ...['exercises.ipynb', 'exercises.ipynb', 'look-inside.ipynb', 'mnist-dense.ipynb', 'mnist-dense.ipynb'],
    ]);
    const notebook = join(home, NOTEBOOK.replace('/lab/tree/', ''));
    expect(readFileSync(notebook, 'utf8')).toBe(read('notebooks', 'mnist-dense.ipynb'));

    writeFileSync(notebook, 'changed');
    rmSync(join(dirname(notebook), 'ko'), { recursive: true });
    expect(enter('true').status).toBe(0);
    expect(readFileSync(notebook, 'utf8')).toBe('changed');
    expect(existsSync(join(dirname(notebook), 'ko', 'mnist-dense.ipynb'))).toBe(true);

    chownSync(home, 0, 0);
    rmSync(join(home, 'my-mnist-lecture'), { recursive: true });
    const withoutRoom = enter('echo', 'started');
    expect([withoutRoom.status, withoutRoom.stdout]).toEqual([0, 'started\n']);
    expect(withoutRoom.stderr).toMatch(/^The notebooks could not be copied into .*: .*Permission denied/);
  });

  test('has no solutions: they are ignored, and so is what was built here', () => {
    const solutions = execFileSync('git', ['ls-files', '*solutions*.ipynb'], { cwd: root, encoding: 'utf8' });
    expect(solutions.trim().split('\n')).toHaveLength(2);
    expect(ignored.split('\n')).toEqual(expect.arrayContaining([...solutions.trim().split('\n'), '**/dist']));
  });

  test("adds JupyterHub without changing a package of set-up's", () => {
    const pins = (text: string) =>
      new Map([...text.matchAll(/^([\w.-]+)==([^\s;]+)/gm)].map(([, name, v]) => [name, v]));
    const own = pins(read('requirements.txt'));
    const added = [...pins(read('classroom', 'kubernetes', 'requirements.txt'))];
    expect(added).toContainEqual(['jupyterhub', '5.5.0']);
    const shared = added.filter(([name]) => own.has(name));
    expect(shared.length).toBeGreaterThan(10);
    expect(shared.filter(([name, version]) => own.get(name) !== version)).toEqual([]);
  });

  testWithTools('has a Containerfile in which hadolint finds nothing', () => {
    // DL3008: Debian's packages are not pinned, so that a new build has its security updates.
    const { status, stdout } = runTool('hadolint', ['--ignore', 'DL3008', 'classroom/Containerfile']);
    expect([status, stdout]).toEqual([0, '']);
  });
});

describe('on Kubernetes', () => {
  interface Result {
    container: {
      image: string;
      args: string[];
      command?: string[];
      env: { name: string; value: string }[];
      resources: object;
    };
    startTimeout: number;
    home: string;
    authenticator: string;
    allowAll: boolean;
    allowed: string[];
  }
  const GIB = 2 ** 30;

  /** Our values, and those that the page shows. */
  function valuesFiles(): string[] {
    const ofClass = join(folder, 'class.yaml');
    writeFileSync(ofClass, /```yaml\n([^]*?)```/.exec(read('classroom', 'beyond.md'))![1]);
    return [join(root, 'classroom', 'kubernetes', 'values.yaml'), ofClass];
  }

  /** What KubeSpawner and JupyterHub make of the values. */
  function make() {
    const clusters = [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }]; // never asked
    const contexts = [{ name: 'none', context: { cluster: 'none', user: 'none' } }];
    const users = [{ name: 'none', user: {} }];
    const KUBECONFIG = join(folder, 'kubeconfig');
    writeFileSync(KUBECONFIG, JSON.stringify({ 'current-context': 'none', contexts, clusters, users }));
    return runTool('python', [join(root, 'test', 'classroom', 'pod.py'), ...valuesFiles()], { KUBECONFIG });
  }

  let made: Result | undefined;
  const result = (): Result => {
    if (!made) {
      const { stdout, stderr } = make();
      expect(stdout ? '' : stderr).toBe('');
      made = JSON.parse(stdout) as Result;
    }
    return made;
  };

  testWithTools("a student's pod runs the image's entrypoint with the sizes that the page names", () => {
    const { container, startTimeout, home } = result();
    expect(container).toMatchObject({ args: ['jupyterhub-singleuser'], image: 'registry.example/mnist-lecture:1.0.0' });
    expect(container.command).toBeUndefined(); // it would replace the entrypoint
    expect(container.resources).toEqual({
      requests: { cpu: 0.2, memory: Math.floor(0.6 * GIB) },
      limits: { cpu: 2, memory: 2 * GIB },
    });
    const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    expect(environment).toMatchObject({
      JUPYTERHUB_DEFAULT_URL: NOTEBOOK,
      TF_NUM_INTRAOP_THREADS: '2',
      TF_NUM_INTEROP_THREADS: '2',
    });
    expect([startTimeout, home]).toEqual([600, '1Gi']);
    expect(containerfile).toContain(`"--LabApp.default_url=${NOTEBOOK}"`);
  });

  testWithTools('the page lets in the students it names and nobody else', () => {
    expect(result()).toMatchObject({
      authenticator: 'FirstUseAuthenticator',
      allowAll: false,
      allowed: ['student-01', 'student-02', 'teacher'],
    });
  });

  const chart = fetchCommit('jupyterhub/zero-to-jupyterhub-k8s', '5c5f5df751588a68a7781ead01d0f62e88e2e72f');

  chart.test('the chart 4.4.0 accepts the values, and Kubernetes what it makes of them', () => {
    expect(read('classroom', 'beyond.md')).toContain('--version 4.4.0 ');
    const python = join(installTools('schemas'), 'python');
    const render = (...files: string[]) => {
      const program = join(root, 'test', 'classroom', 'render.py');
      return spawnSync(python, [program, chart.checkout, ...valuesFiles(), ...files], { encoding: 'utf8' });
    };
    const { stdout, stderr } = render();
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(expect.arrayContaining(['Deployment', 'DaemonSet', 'Secret']));

    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, 'singleuser: { memory: { guarantees: 1G } }');
    expect(render(wrong).stderr).toMatch(/singleuser.memory.*guarantees/s);
  });

  test.each(['beyond.md', 'beyond.ko.md'])('%s counts the students of a node by what was measured', (name) => {
    const text = read('classroom', name);
    const [, kernel] = /^\| load, the last cell \| \d+ \| (\d+) \|/m.exec(read('bench', 'results.md'))!.map(Number);
    const server = 110;
    expect(text).toContain(`${Math.round(kernel / 10) * 10} MB`);
    expect(text).toContain(`${server} MB`);
    expect((kernel + server) * 1e6).toBeLessThan(0.6 * GIB);
    expect((2 * kernel + server) * 1e6).toBeLessThan(2 * GIB);

    const [, memory] = /([\d.]+) GiB(?: are left|가 남습니다)/.exec(text)!.map(Number);
    const [, cores] = /([\d.]+)(?: cores are left|개가 남습니다)/.exec(text)!.map(Number);
    const places = [Math.floor(memory / 0.6), Math.floor(cores / 0.2)];
    for (const each of places) {
      expect(text).toMatch(new RegExp(`\\| (학생 )?${each}( students|명)`));
    }
    const students = Math.min(...places);
    expect(text).toMatch(
      new RegExp(`${students} students, and nine for 300|${students}명마다 이런 노드 하나, 300명이면 아홉`),
    );
    expect(Math.ceil(300 / students)).toBe(9);
  });
});

describe('binder', () => {
  testWithTools(
    "repo2docker installs g++ and Node, runs set-up, and starts the server by this project's script",
    () => {
      const { status, stdout, stderr } = runTool('repo2docker', ['--no-build', '--debug', root]);
      const dockerfile = stdout + stderr;
      expect([status, status === 0 ? '' : dockerfile]).toEqual([0, '']);
      expect(dockerfile).toMatch(/apt-get install .* g\+\+/);
      expect(dockerfile).toMatch(/env update .*--file "binder\/environment\.yml"/);
      expect(dockerfile).toContain('\nRUN ./binder/postBuild\n');
      expect(dockerfile).toContain('\nENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"\n');
      expect(read('binder', 'postBuild')).toMatch(/^npm run setup$/m);
    },
  );

  const start = (...command: string[]) =>
    spawnSync(join(root, 'binder', 'start'), command, { encoding: 'utf8', cwd: folder, env: { ...process.env } });

  test('starts the JupyterLab of set-up', () => {
    const [, version] = /^jupyterlab==(\S+)/m.exec(read('requirements.txt'))!;
    // As BinderHub starts a server.
    const program = 'import jupyterlab.labapp, os, sys; os.execvp("jupyter-lab", sys.argv)';
    expect(start('python3', '-c', program, '--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  test('shows the kernel and the extension to other servers, too', () => {
    const own = join(root, '.venv', 'share', 'jupyter');
    const { stdout } = start('sh', '-c', 'echo "$JUPYTER_PATH"');
    expect(stdout).toBe(`${own}\n`);
    expect(existsSync(join(own, 'kernels', 'tslab', 'kernel.json'))).toBe(true);
    expect(readdirSync(join(own, 'labextensions'))).toContain('mnist-lecture');
  });
});

describe('the dev container', () => {
  interface DevContainer {
    build: { dockerfile: string; context: string; target: string };
    remoteUser: string;
    remoteEnv: Record<string, string>;
    updateContentCommand: string;
  }
  const { build, remoteUser, remoteEnv, updateContentCommand } = JSON.parse(
    read('.devcontainer', 'devcontainer.json'),
  ) as DevContainer;
  const inFolder = (path: string): string => join(root, '.devcontainer', path);

  test('is built from a stage of the Containerfile that has what set-up needs, and a user who is not root', () => {
    expect(inFolder(build.dockerfile)).toBe(join(root, 'classroom', 'Containerfile'));
    expect(inFolder(build.context)).toBe(root);
    const stage = containerfile.split(/^FROM .* AS /m).find((text) => text.startsWith(`${build.target}\n`))!;
    expect(stage).toMatch(/apt-get install .* g\+\+ git npm python3-venv/);
    expect(containerfile).toMatch(new RegExp(`useradd --uid 1000 .* ${remoteUser}$`, 'm'));
  });

  const specification = fetchCommit('devcontainers/spec', 'c95ffeed1d059abfe9ffbe79762dc2fa4e7c2421');

  specification.test("is valid by the specification's schema, which refuses a wrong one", () => {
    const schema = join(specification.checkout, 'schemas', 'devContainer.base.schema.json');
    const validate = (file: string) =>
      spawnSync(join(installTools('schemas'), 'python'), ['-W', 'ignore', '-m', 'jsonschema', '-i', file, schema], {
        encoding: 'utf8',
      });
    expect(validate(inFolder('devcontainer.json'))).toMatchObject({ status: 0, stderr: '' });
    const wrong = join(folder, 'devcontainer.json');
    writeFileSync(wrong, read('.devcontainer', 'devcontainer.json').replace('"context": ".."', '"context": 2'));
    expect(validate(wrong)).toMatchObject({ status: 1, stderr: expect.stringContaining('is not') as string });
  });

  test('runs set-up and shows VS Code its kernel', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(Object.keys(scripts)).toContain(updateContentCommand.replace('npm run ', ''));
    const jupyter = remoteEnv.JUPYTER_PATH.replace('${containerWorkspaceFolder}', root);
    expect(existsSync(join(jupyter, 'kernels', 'tslab', 'kernel.json'))).toBe(true);
  });
});

testWithTools('shellcheck finds nothing in the shell scripts', () => {
  const scripts = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
    .toString()
    .split('\0')
    .filter((name) => name && existsSync(join(root, name)) && /^#!.*\b(ba)?sh\n/.test(read(name)));
  expect(scripts).toEqual(expect.arrayContaining(['binder/postBuild', 'binder/start', 'classroom/entrypoint.sh']));
  for (const name of scripts) {
    expect([name, statSync(join(root, name)).mode & 0o111]).not.toEqual([name, 0]);
  }
  const { status, stdout } = runTool('shellcheck', scripts);
  expect([status, stdout]).toEqual([0, '']);
});
