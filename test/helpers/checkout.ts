import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root } from './notebook';
import { Started } from './started';

const ADDON = 'node_modules/@tensorflow/tfjs-node/lib/napi-v8';
const ADDON_STAMP = join(ADDON, '.setup');

/** The folder of the TensorFlow libraries that this checkout's addon was built against. */
const tensorflow = (): string => readFileSync(join(root, ADDON_STAMP), 'utf8').split(' ')[0];

/** Environment variables that must not change what the scripts do. */
export const HOSTILE = {
  NODE_ENV: 'production',
  npm_config_omit: 'dev',
  PIP_USER: '1',
  PIP_TARGET: '/nowhere',
  PYTHONHOME: '/nowhere',
  PYTHONPATH: '/nowhere',
  PYTHONIOENCODING: 'ascii',
  JUPYTER_CONFIG_DIR: '/nowhere',
  JUPYTER_TOKEN: 'short',
};

/** A copy of this checkout, with a home and a cache folder of its own, in which tests run the real scripts. */
export class Checkout {
  readonly folder: string;
  readonly root: string;
  readonly cache: string;
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;

  /** As if just cloned: the files that git knows, as they are here now. It is made in the folder `within`. */
  constructor(within = tmpdir()) {
    this.folder = mkdtempSync(join(within, 'checkout-'));
    [this.root, this.cache, this.home] = ['project', 'cache, $x', 'home'].map((name) => join(this.folder, name));
    [this.root, this.cache, this.home].forEach((path) => mkdirSync(path));
    this.environment = {
      // Packages that have been downloaded before are not downloaded again.
      npm_config_cache: join(homedir(), '.npm'),
      PIP_CACHE_DIR: join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pip'),
      ...process.env,
      HOME: this.home,
      XDG_CACHE_HOME: this.cache,
    };
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
    for (const name of listed.toString().split('\0').filter(Boolean)) {
      cpSync(join(root, name), join(this.root, name));
    }
  }

  /** Links the results of set-up from this checkout, as if set-up had run there. */
  takeOver(): this {
    for (const name of ['node_modules', '.venv', 'lib/dist', 'kernel/dist']) {
      link(join(root, name), join(this.root, name));
    }
    link(tensorflow(), this.tensorflow);
    // These two contain their own paths.
    this.replace('.venv/.setup', (stamp) => stamp.replace(root, this.root));
    this.replace(ADDON_STAMP, (stamp) => stamp.replace(tensorflow(), this.tensorflow));
    const { stdout } = this.setUp(); // writes the kernelspec with this checkout's paths
    if (!/^\[7\/7\] .*\n.*\n$/.test(stdout)) {
      throw new Error(`These tests need a checkout whose set-up is complete: run \`npm run setup\` first.\n${stdout}`);
    }
    return this;
  }

  /** Links the Python environment in a folder, which is set up in this checkout if it is not there yet. */
  takeOverVenv(folder: string): this {
    const setUp = `import { setUpOwnVenv } from './scripts/setup/own-venv.mjs'; await setUpOwnVenv(${JSON.stringify(join(root, folder))}, 'Packages', 0)`;
    execFileSync(process.execPath, ['--input-type=module', '--eval', setUp], { cwd: root, stdio: 'pipe' });
    link(join(root, folder, '.venv'), join(this.root, folder, '.venv'));
    this.replace(join(folder, '.venv', '.setup'), (stamp) => stamp.replace(root, this.root));
    return this;
  }

  get addon(): string {
    return join(this.root, ADDON, 'tfjs_binding.node');
  }

  get tensorflow(): string {
    return join(this.cache, 'mnist-lecture', basename(tensorflow()));
  }

  /** Does some work, and then restores a file or folder as it was before. */
  async restoring(name: string, work: () => void | Promise<void>): Promise<void> {
    const [path, aside] = [join(this.root, name), mkdtempSync(join(this.folder, 'aside-'))];
    link(path, join(aside, 'original'));
    try {
      await work();
    } finally {
      rmSync(path, { recursive: true, force: true });
      renameSync(join(aside, 'original'), path);
      rmSync(aside, { recursive: true });
    }
  }

  /** Changes a file. Not in place, because it may be a link to the file of this checkout. */
  replace(name: string, change: (text: string) => string): void {
    const path = join(this.root, name);
    const text = readFileSync(path, 'utf8');
    const changed = change(text);
    if (changed === text) {
      throw new Error(`${name} was not changed: it does not contain what the test replaces.`);
    }
    rmSync(path);
    writeFileSync(path, changed);
  }

  /** Replaces the links in a folder by copies, so that files may be written in place. */
  unlink(name: string): void {
    const path = join(this.root, name);
    execFileSync('cp', ['-a', path, `${path}.copy`]);
    rmSync(path, { recursive: true });
    renameSync(`${path}.copy`, path);
  }

  remove(...names: string[]): void {
    names.forEach((name) => rmSync(join(this.root, name), { recursive: true }));
  }

  /** Runs set-up to its end. */
  setUp(environment: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
    return this.run('setup', environment);
  }

  /** Runs one of package.json's scripts to its end, without npm. */
  run(
    script: string,
    environment: NodeJS.ProcessEnv = {},
    args: string[] = [],
  ): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...this.command(script), ...args], {
      cwd: this.root,
      encoding: 'utf8',
      env: { ...this.environment, ...environment },
    });
    return { status, stdout, stderr };
  }

  /** Starts one of package.json's scripts, without npm. */
  start(script: string, environment: NodeJS.ProcessEnv = {}): Started {
    const env = { ...this.environment, ...environment };
    return new Started(process.execPath, this.command(script), { cwd: this.root, env });
  }

  /** 2 + 3, computed by TensorFlow through the addon here, which also loads the library; '' if that fails. */
  sum(): string {
    const program = "require('mnist-lib'); console.log(require('@tensorflow/tfjs-node').add(2, 3).dataSync()[0])";
    const { stdout } = spawnSync(process.execPath, ['-e', program], {
      cwd: this.root,
      encoding: 'utf8',
      env: this.environment,
    });
    return stdout;
  }

  /** The arguments for node in one of package.json's scripts. */
  command(script: string): string[] {
    const { scripts } = JSON.parse(readFileSync(join(this.root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    return scripts[script].split(' ').slice(1);
  }

  /** Every file with its size, modification time and inode. */
  snapshot(): string[] {
    return filesOf(this.folder);
  }

  /** The environment in which Node first runs this source, which may change what Node reports about the machine. */
  pretend(source: string): NodeJS.ProcessEnv {
    const path = join(this.home, 'pretend.cjs');
    writeFileSync(path, source);
    return { NODE_OPTIONS: `--require ${path}` };
  }

  /** A PATH with only node, npm, python3 and g++: some of them left out, some replaced by shell scripts. */
  path({ without = [], scripts = {} }: { without?: string[]; scripts?: Record<string, string> }): NodeJS.ProcessEnv {
    const bin = mkdtempSync(join(this.home, 'bin-'));
    for (const [name, path] of Object.entries(realCommands())) {
      if (name in scripts) {
        writeFileSync(join(bin, name), `#!/bin/sh\n${scripts[name]}\n`, { mode: 0o755 });
      } else if (!without.includes(name)) {
        symlinkSync(path, join(bin, name));
      }
    }
    return { PATH: bin };
  }

  delete(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Makes hard links, which are quick and take no room, or copies if the disks differ. */
export function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  if (spawnSync('cp', ['-al', from, to]).status !== 0) {
    rmSync(to, { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to]);
  }
}

function filesOf(folder: string): string[] {
  return execFileSync('find', [folder, '-printf', '%p %s %T@ %i\n'], { encoding: 'utf8', maxBuffer: 1e8 })
    .split('\n')
    .sort();
}

/** The commands themselves: the one on the PATH may be a script that needs more of the PATH. */
export function realCommands(): Record<string, string> {
  const which = (name: string): string => execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  return { node: process.execPath, npm: which('npm'), 'g++': which('g++'), python3: python };
}

/** Why tests cannot mount a disk here; empty if they can. */
const cannotMount = ((): string => {
  const folder = mkdtempSync(join(tmpdir(), 'mount-'));
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder], {
    encoding: 'utf8',
  });
  if (status === 0) {
    execFileSync('umount', [folder]);
  }
  rmSync(folder, { recursive: true });
  return status === 0 ? '' : (stderr ?? String(error)).trim();
})();

/** A test that mounts a disk; skipped, with the reason in its title, if that is not possible. */
export const testWithDisk = cannotMount
  ? (title: string) => test.skip(`${title} (skipped: ${cannotMount})`, () => undefined)
  : (title: string, run: jest.ProvidesCallback, timeout?: number) => test(title, run, timeout);

/** A small disk in memory. */
export class Disk {
  constructor(
    size: string,
    readonly folder = mkdtempSync(join(tmpdir(), 'disk-')),
  ) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', this.folder]);
  }

  remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.folder]);
  }

  delete(): void {
    execFileSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}
