import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root } from './notebook';

const ADDON = 'node_modules/@tensorflow/tfjs-node/lib/napi-v8';
const ADDON_STAMP = join(ADDON, '.setup');

/** The folder that holds TensorFlow's libraries, as this checkout's addon was built against it. */
const tensorflow = (): string => readFileSync(join(root, ADDON_STAMP), 'utf8').split(' ')[0];

/** A copy of this checkout elsewhere, with a home and a cache folder of its own, in which the real scripts are run. */
export class Checkout {
  readonly folder: string;
  readonly root: string;
  readonly cache: string;
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;

  /** Just cloned: what git knows, as it stands here. `within` names a folder to make it in. */
  constructor(within = tmpdir()) {
    this.folder = mkdtempSync(join(within, 'checkout-'));
    [this.root, this.cache, this.home] = ['project', 'cache', 'home'].map((name) => join(this.folder, name));
    [this.root, this.cache, this.home].forEach((path) => mkdirSync(path));
    this.environment = {
      // The packages that this checkout has already downloaded need not be downloaded again.
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

  /** Takes over what set-up made here, by links: as if set-up had run there. */
  takeOver(): this {
    for (const name of ['node_modules', '.venv', 'lib/dist', 'kernel/dist']) {
      link(join(root, name), join(this.root, name));
    }
    link(tensorflow(), this.tensorflow);
    // These two know where they lie.
    this.replace('.venv/.setup', (stamp) => stamp.replace(root, this.root));
    this.replace(ADDON_STAMP, (stamp) => stamp.replace(tensorflow(), this.tensorflow));
    const { stdout } = this.setUp(); // writes the kernelspec with this checkout's paths
    if (!/^\[7\/7\] .*\n.*\n$/.test(stdout)) {
      throw new Error(
        `These tests need a checkout that is set up as it stands: run \`npm run setup\` first.\n${stdout}`,
      );
    }
    return this;
  }

  get addon(): string {
    return join(this.root, ADDON, 'tfjs_binding.node');
  }

  get tensorflow(): string {
    return join(this.cache, 'mnist-lecture', basename(tensorflow()));
  }

  /** Replaces a file. Never in place: it may be linked to the one of this checkout. */
  replace(name: string, change: (text: string) => string): void {
    const path = join(this.root, name);
    const text = readFileSync(path, 'utf8');
    rmSync(path);
    writeFileSync(path, change(text));
  }

  remove(...names: string[]): void {
    names.forEach((name) => rmSync(join(this.root, name), { recursive: true }));
  }

  /** Runs set-up to its end. */
  setUp(environment: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
    return this.run('setup', environment);
  }

  /** Runs one of package.json's scripts, without npm between. */
  run(script: string, environment: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, this.command(script), {
      cwd: this.root,
      encoding: 'utf8',
      env: { ...this.environment, ...environment },
    });
    return { status, stdout, stderr };
  }

  /** The arguments that package.json gives to node. */
  command(script: string): string[] {
    const { scripts } = JSON.parse(readFileSync(join(this.root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    return scripts[script].split(' ').slice(1);
  }

  /** Every file with its size, the time of its last change and its inode. */
  snapshot(): string[] {
    return filesOf(this.folder);
  }

  /** A module that is loaded before anything else and changes what Node says of the machine. */
  pretend(source: string): NodeJS.ProcessEnv {
    const path = join(this.home, 'pretend.cjs');
    writeFileSync(path, source);
    return { NODE_OPTIONS: `--require ${path}` };
  }

  /** A PATH with nothing on it but node, npm, python3 and g++, less what is left out, plus scripts in place of some. */
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

/** Hard links, which are quick and take no room; copies where the disks differ. */
function link(from: string, to: string): void {
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

/** Where the commands really are: what the PATH names may be a script that needs more of the PATH. */
export function realCommands(): Record<string, string> {
  const which = (name: string): string => execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  return { node: process.execPath, npm: which('npm'), 'g++': which('g++'), python3: python };
}

/** Why a disk of our own cannot be mounted here; empty where it can. */
export const cannotMount = ((): string => {
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

/** For tests that need such a disk: `skipped, for ...` is said where there can be none. */
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
