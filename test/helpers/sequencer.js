const Sequencer = require('@jest/test-sequencer').default;

/** What takes longest, longest first: what is left for the end is short, so that both workers end at about the same time. */
const LONG = [
  'test/notebooks/orders',
  'test/notebooks/memory',
  'test/labextension/jupyterlab',
  'test/scripts/setup',
  'test/lib/training/fit-in-kernel',
  'test/scripts/watch',
  'test/kernel/cells',
  'test/bench/bench',
  'test/kernel/stop',
  'test/kernel/errors',
  'test/kernel/output',
  'test/kernel/protocol',
  'test/notebooks/run',
  'test/scripts/doctor',
  'test/scripts/start',
];

/** Runs the slow files first, also on a fresh clone, where jest does not yet know how long each file takes. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const index = LONG.findIndex((name) => path.includes(`${name}.`));
      return index < 0 ? LONG.length : index;
    };
    return [...super.sort(tests)].sort((a, b) => rank(a) - rank(b));
  }
};
