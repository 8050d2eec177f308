// Where the time of an epoch of training goes: the addon's functions, JavaScript, and the operations of the graph.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/paths.mjs';
import { buildModel, mnist, prepare, tf } from './ours.mjs';
import { section, table } from './report.mjs';
import { BATCH_SIZE, kerasPython, setUpKeras } from './speed.mjs';

const { trainingGraph } = createRequire(import.meta.url)('mnist-lib/dist/training/fused/training-graph.js');

/**
 * @typedef {object} Recorder
 * @property {boolean} isOn whether calls are recorded now.
 * @property {Map<string, { calls: number, ms: number }>} calls by operation, or by function of the
 *   addon.
 */
/**
 * @typedef {object} Trace of a batch.
 * @property {Record<string, [calls: number, ms: number]>} operations
 * @property {number} ms from the start of the first operation to the end of the last one.
 */

/**
 * Trains, and returns a section of results.md.
 *
 * @param {number} epochs
 */
export async function measureProfile(epochs) {
  await setUpKeras();
  const recorder = recordCalls(tf.backend());
  const { trainX, trainY, testX, testY } = prepare();
  let start = 0;
  let total = 0;
  await mnist.fit(buildModel(), trainX, trainY, {
    epochs,
    batchSize: BATCH_SIZE,
    validationData: [testX, testY],
    callbacks: {
      onEpochBegin(/** @type {number} */ epoch) {
        recorder.isOn = epoch > 0; // as in the comparison, the first epoch is not counted
        start = performance.now();
      },
      onEpochEnd() {
        total += recorder.isOn ? performance.now() - start : 0;
        recorder.isOn = false;
      },
    },
  });
  const counted = epochs - 1;
  const rows = [...recorder.calls].sort(([, a], [, b]) => b.ms - a.ms);
  const javascript = total - rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  const row = (/** @type {string} */ name, /** @type {string} */ count, /** @type {number} */ ms) => [
    name,
    count,
    (ms / counted).toFixed(1),
    `${((100 * ms) / total).toFixed(1)} %`,
  ];
  return section('Profile', `npm run bench -- --profile --epochs ${epochs}`, [
    `The mean of the ${counted} epochs after the first, with validation. \`runSavedModel\` runs the graph on one batch or ` +
      "several; the other functions of the addon make, read and free tensors. JavaScript is the rest: `fit`'s own code, " +
      'callbacks, and garbage collection.',
    '',
    ...table([
      ['', 'calls per epoch', 'ms per epoch', 'share'],
      ...rows.map(([name, call]) => row(name, (call.calls / counted).toFixed(0), call.ms)),
      row('JavaScript', '', javascript),
      row('an epoch', '', total),
    ]),
    '',
    'Inside the graph, recorded by TensorFlow for Python on random numbers. Operations may run at the same time, so their sum ' +
      'may be larger than the time of the graph.',
    '',
    ...operationTable(trainX.shape[0] / BATCH_SIZE, testX.shape[0] / BATCH_SIZE),
  ]);
}

/**
 * The operations of the graph, in an epoch of so many batches.
 *
 * @param {number} trainBatches
 * @param {number} testBatches
 */
function operationTable(trainBatches, testBatches) {
  const { training, validation } = traceGraph();
  /** @type {(trace: (name: string) => number, other: (name: string) => number) => (name: string) => number} */
  const inEpoch = (ofTraining, ofValidation) => (name) =>
    trainBatches * ofTraining(name) + testBatches * ofValidation(name);
  const [calls, ms] = [0, 1].map((index) =>
    inEpoch(
      (name) => training.operations[name]?.[index] ?? 0,
      (name) => validation.operations[name]?.[index] ?? 0,
    ),
  );
  const names = Object.keys({ ...training.operations, ...validation.operations }).sort((a, b) => ms(b) - ms(a));
  return table([
    ['operation', 'calls per epoch', 'ms per epoch'],
    ...names.filter((name) => ms(name) >= 1).map((name) => [name, calls(name).toFixed(0), ms(name).toFixed(1)]),
    ['the graph', '', (trainBatches * training.ms + testBatches * validation.ms).toFixed(1)],
  ]);
}

/** @returns {{ training: Trace, validation: Trace }} */
function traceGraph() {
  const folder = mkdtempSync(join(tmpdir(), 'mnist-graph-'));
  const layers = [
    { kind: 'dense', inputs: 784, units: 1000, activation: 'relu', hasBias: true },
    { kind: 'dense', inputs: 1000, units: 10, activation: 'softmax', hasBias: true },
  ];
  try {
    writeFileSync(join(folder, 'saved_model.pb'), trainingGraph(layers).toSavedModel());
    const command = [join(root, 'bench', 'trace_graph.py'), folder, String(BATCH_SIZE)];
    return JSON.parse(execFileSync(kerasPython, command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Records the calls that tfjs and the library make to the addon. On a CPU, TensorFlow has computed an operation when its
 * call returns, so the time of the call is that of the operation.
 *
 * @param {{ binding: Record<string, unknown> }} backend
 * @returns {Recorder}
 */
function recordCalls(backend) {
  const { binding } = backend;
  /** @type {Recorder} */
  const recorder = { isOn: false, calls: new Map() };
  /** @type {(name: string, value: Function) => Function} */
  const recorded =
    (name, value) =>
    (/** @type {unknown[]} */ ...args) => {
      const start = performance.now();
      const result = value.apply(binding, args);
      if (recorder.isOn) {
        const key = name === 'executeOp' ? String(args[0]) : name;
        const { calls, ms } = recorder.calls.get(key) ?? { calls: 0, ms: 0 };
        recorder.calls.set(key, { calls: calls + 1, ms: ms + performance.now() - start });
      }
      return result;
    };
  // A copy, because the addon's own functions are read-only. They are not enumerable either.
  backend.binding = Object.fromEntries(
    Object.getOwnPropertyNames(binding).map((name) => {
      const value = binding[name];
      return [name, typeof value === 'function' ? recorded(name, value) : value];
    }),
  );
  return recorder;
}
