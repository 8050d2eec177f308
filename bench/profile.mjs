// Where the time of an epoch of training goes: an operation of TensorFlow, the addon, or JavaScript.
import { buildModel, mnist, prepare, tf } from './ours.mjs';
import { section, table } from './report.mjs';
import { BATCH_SIZE } from './speed.mjs';

/**
 * @typedef {object} Recorder
 * @property {boolean} isOn whether calls are recorded now.
 * @property {Map<string, { calls: number, ms: number }>} calls by operation, or by function of the
 *   addon.
 */

/**
 * Trains, and returns a section of results.md.
 *
 * @param {number} epochs
 */
export async function measureProfile(epochs) {
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
  return section('Profile', `--profile --epochs ${epochs}`, [
    `The mean of the ${counted} epochs after the first, with validation. An operation's time includes its call through ` +
      'the addon. Names in lower case are functions of the addon, which make, read and free tensors. JavaScript is the ' +
      "rest: `fit`'s own code, callbacks, and garbage collection.",
    '',
    ...table([
      ['operation', 'calls per epoch', 'ms per epoch', 'share'],
      ...rows.map(([name, call]) => row(name, (call.calls / counted).toFixed(0), call.ms)),
      row('JavaScript', '', javascript),
      row('an epoch', '', total),
    ]),
  ]);
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
