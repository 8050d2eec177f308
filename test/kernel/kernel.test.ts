import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Kernel, startKernel } from '../helpers/kernel';
import { root } from '../helpers/notebook';
import { testOnLinux } from '../helpers/on-linux';

describe('the kernel of the test helpers', () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await startKernel();
  });
  afterAll(() => kernel.stop());

  test('runs a cell and collects its outputs', async () => {
    const run = await kernel.run('const sum: number = 1 + 1;\nconsole.log(sum);\nconsole.error("to stderr");');
    expect([run.status, run.stdout, run.stderr]).toEqual(['ok', '2\n', 'to stderr\n']);
    expect(run.messages.map(({ msg_type }) => msg_type)).toEqual([
      'status',
      'execute_input',
      'stream',
      'stream',
      'status',
    ]);
  });

  test('reports that a cell has failed', async () => {
    expect((await kernel.run('throw new RangeError("too far");')).status).toBe('error');
  });

  test('applies updates in place and counts them', async () => {
    const run = await kernel.run(`import * as tslab from 'tslab';
      const shown = tslab.newDisplay();
      shown.text('one'); shown.text('two'); shown.text('three');`);
    expect(run.outputs).toMatchObject([{ output_type: 'display_data', data: { 'text/plain': 'three' } }]);
    expect(run.displayIds).toHaveLength(1);
    expect(run.messages.filter(({ msg_type }) => msg_type === 'update_display_data')).toHaveLength(2);
  });

  test('interrupts a promise that never resolves, and the next cell runs', async () => {
    const run = kernel.start('console.log("waiting"); await new Promise(() => setInterval(() => {}, 1000));');
    await run.until(/waiting/);
    await kernel.interrupt();
    expect((await run.ended).status).toBe('error');
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test('receives text that a cell prints after its end', async () => {
    const run = await kernel.run('setTimeout(() => console.log("late"), 50);');
    await run.until(/late/);
  });

  test('restarts and kills, and rejects waiting runs', async () => {
    const { pid } = kernel;
    await kernel.restart();
    expect(kernel.pid).not.toBe(pid);
    expect((await kernel.run('sum')).status).toBe('error'); // a new kernel has no variables
    const run = kernel.start('console.log("alive"); await new Promise(() => setInterval(() => {}, 1000));');
    await run.until(/alive/);
    await kernel.kill();
    expect(kernel.isAlive()).toBe(false);
    await expect(run.ended).rejects.toThrow('The kernel died');
    await kernel.restart();
    expect((await kernel.run('6 * 7')).result).toBe('42');
  });

  test('leaves no process behind when it is stopped', async () => {
    const { pid } = kernel;
    await kernel.stop();
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });
});

testOnLinux('TensorFlow starts as many threads as the environment of Jupyter says', async () => {
  const [within, between] = [20, 9]; // threads within an operation, and between operations
  const env = { TF_NUM_INTRAOP_THREADS: String(within), TF_NUM_INTEROP_THREADS: String(between) };
  const kernel = await startKernel({ env });
  const threads = (): string[] =>
    readdirSync(`/proc/${kernel.pid}/task`).map((id) =>
      readFileSync(`/proc/${kernel.pid}/task/${id}/comm`, 'utf8').trim(),
    );
  const before = threads().length;
  expect(
    (await kernel.run("import * as tf from '@tensorflow/tfjs-node';\ntf.ones([2]).dataSync().length")).result,
  ).toBe('2');
  const after = threads();
  expect(after.filter((name) => name === 'tf_Compute')).toHaveLength(between);
  expect(after.length - before).toBe(within + between);
  await kernel.stop();
});

test('a kernelspec that does not exist is reported', async () => {
  await expect(startKernel({ name: 'nonesuch' })).rejects.toThrow(/NoSuchKernel: .*nonesuch/);
});

describe('A version that the kernel was not written for:', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'versions-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes a file into the folder. @returns its path. */
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    return join(folder, path);
  };

  test.each(['18.20.8', '23.11.1', '28.0.0'])('Node %s is rejected in a sentence', (version) => {
    const pretend = write(
      'pretend.js',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
    );
    const main = join(root, 'kernel', 'dist', 'main.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-r', pretend, main], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([
      1,
      '',
      `The kernel runs on Node 20 || 22 || 24 || 26, and this is ${version}: start it by one of these.\n`,
    ]);
  });

  test('a cell that loads another TensorFlow.js is told once, below the cell', async () => {
    const packages = 'node_modules/@tensorflow';
    write(`${packages}/tfjs-core/dist/tf-core.node.js`, '');
    write(`${packages}/tfjs-layers/dist/tf-layers.node.js`, "exports.version_layers = '3.21.0';");
    const other = await startKernel({ cwd: folder });
    const load = ['core', 'layers']
      .map((name) => `require('@tensorflow/tfjs-${name}/dist/tf-${name}.node.js'); 0;`)
      .join('');
    const [first, second] = [await other.run(load), await other.run(load)];
    expect(first.stderr).toMatch(
      /^The kernel was written for TensorFlow\.js 4\.22\.0, and this is 3\.21\.0: Stop may .*\n$/,
    );
    expect([first.status, second.status, second.stderr]).toEqual(['ok', 'ok', '']);
    await other.stop();
  });
});
