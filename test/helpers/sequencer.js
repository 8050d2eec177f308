const Sequencer = require('@jest/test-sequencer').default;

/** The longest files, longest first: with the short ones at the end, both workers finish at about the same time. */
const LONG = [
  'test/notebooks/orders',
  'test/labextension/jupyterlab',
  'test/bench/bench',
  'test/lib/training/fit-in-kernel',
  'test/classroom/hub',
  'test/classroom/load',
  'test/scripts/setup',
  'test/notebooks/look-inside',
  'test/classroom/handout',
  'test/scripts/fresh-setup',
  'test/classroom/limits',
  'test/kernel/errors',
  'test/notebooks/experiments',
  'test/lib/page/draw',
  'test/kernel/cells',
  'test/classroom/beyond',
  'test/grading/grading',
  'test/kernel/output',
  'test/notebooks/run',
  'test/scripts/watch',
  'test/notebooks/pretrained',
  'test/kernel/memory-limit',
  'test/kernel/protocol',
  'test/scripts/start',
  'test/kernel/stop',
  'test/scripts/doctor',
  'test/notebooks/exercises',
  'test/scripts/lecture',
  'test/notebooks/slides',
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
