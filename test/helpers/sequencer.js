const Sequencer = require('@jest/test-sequencer').default;

/** The longest files, longest first: with the short ones at the end, both workers finish at about the same time. */
const LONG = [
  'test/notebooks/orders',
  'test/scripts/setup',
  'test/lib/training/fit-in-kernel',
  'test/labextension/jupyterlab',
  'test/bench/bench',
  'test/notebooks/look-inside',
  'test/classroom/hub',
  'test/scripts/fresh-setup',
  'test/notebooks/pretrained',
  'test/classroom/handout',
  'test/classroom/limits',
  'test/classroom/load',
  'test/classroom/beyond',
  'test/kernel/memory-limit',
  'test/kernel/cells',
  'test/grading/grading',
  'test/notebooks/exercises',
  'test/scripts/watch',
  'test/kernel/stop',
  'test/kernel/errors',
  'test/kernel/output',
  'test/kernel/protocol',
  'test/notebooks/run',
  'test/notebooks/slides',
  'test/scripts/doctor',
  'test/scripts/start',
];

/** Runs the slow files first, also on a fresh clone, where jest does not yet know how long each file takes. */
module.exports = class extends Sequencer {
  /** @param {import('@jest/test-result').Test[]} tests */
  async sort(tests) {
    /** @param {import('@jest/test-result').Test} test */
    const rank = ({ path }) => {
      const index = LONG.findIndex((name) => path.includes(`${name}.`));
      return index < 0 ? LONG.length : index;
    };
    return [...(await super.sort(tests))].sort((a, b) => rank(a) - rank(b));
  }
};
