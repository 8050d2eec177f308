// Stop: Jupyter sends SIGINT, and whatever the cell does, it ends and the kernel goes on.
//
// Who awaits something is let go by the listener for SIGINT. Code that never comes back to the event loop gives no
// listener a chance: a thread of its own hears the signal too, and if the main one does not answer, has the running
// code terminated. Whoever takes SIGINT over for a while (training does, to end after a batch) is left alone.
const { Worker } = require('node:worker_threads');

/** What a cell fails with that was stopped. */
const interrupted = Object.assign(new Error('the cell was stopped.'), { name: 'Interrupted' });
interrupted.stack = '';

// Shared with the thread: how far the main one has answered, and whether what it does now may be terminated.
const [ANSWERED, TERMINABLE] = [0, 1];
const state = new Int32Array(new SharedArrayBuffer(8));

const thread = new Worker(
  `
  const { Session } = require('node:inspector');
  const { parentPort, workerData: { state, ANSWERED, TERMINABLE } } = require('node:worker_threads');
  process.noDeprecation = true; // threads have no process.on('SIGINT'): the handle behind it is reached the old way
  const { Signal } = process.binding('signal_wrap');
  let asked = 0;
  const signal = new Signal();
  signal.onsignal = () => {
    parentPort.postMessage(++asked);
    setTimeout(look, 200, asked);
  };
  signal.start(require('node:os').constants.signals.SIGINT);

  function look(question) {
    if (Atomics.load(state, ANSWERED) >= question || question !== asked) {
      return;
    }
    if (Atomics.load(state, TERMINABLE)) {
      const session = new Session();
      session.connectToMainThread();
      session.post('Runtime.terminateExecution', () => session.disconnect());
    } else {
      setTimeout(look, 50, question);
    }
  }`,
  { eval: true, workerData: { state, ANSWERED, TERMINABLE } },
);
thread.on('message', (question) => Atomics.store(state, ANSWERED, question));
thread.on('error', () => {}); // a Node without that handle: Stop still ends what awaits
thread.unref();

/** Lets go whoever awaits the running cell. */
let stop = () => {};
let [listening, compiling] = [false, 0];

// Somebody may take our listener away for a while, or all of them, and put them back.
const watch = (event, is) => process.on(event, (name, listener) => listener === onInterrupt && update((listening = is)));
watch('newListener', true);
watch('removeListener', false);
process.on('SIGINT', onInterrupt);

function onInterrupt() {
  stopping.count++;
  stop();
}

function update() {
  Atomics.store(state, TERMINABLE, Number(listening && compiling === 0));
}

/** Runs what a cell does until it ends or is stopped; then fails with `interrupted`. */
function stoppable(run, executor) {
  return new Promise((resolve, reject) => {
    stop = () => {
      executor.interrupt();
      forgetHalfLoadedModules();
      reject(interrupted);
    };
    // In a turn of the event loop of its own: terminated, it takes nothing along that the kernel was about to do.
    setImmediate(() => run().then(resolve, reject));
  }).finally(() => (stop = () => {}));
}

/** Without it, a module whose loading was terminated would be there for good, without what it had not come to. */
function forgetHalfLoadedModules() {
  for (const [path, { loaded }] of Object.entries(require.cache)) {
    if (!loaded) {
      delete require.cache[path];
    }
  }
}

/**
 * What cells call after each `await`: without it, a stopped loop with an `await` in it would go on in the background,
 * behind the cells to come.
 */
const stopping = {
  count: 0,
  resume(countBefore, value) {
    if (countBefore !== stopping.count) {
      throw interrupted;
    }
    return value;
  },
};

/** A converter that is not terminated half-way: it serves the cells to come. */
function whileCompiling(converter) {
  const guarded = Object.entries(converter).map(([name, method]) => [
    name,
    (...args) => {
      compiling++;
      update();
      try {
        return method(...args);
      } finally {
        compiling--;
        update();
      }
    },
  ]);
  return Object.fromEntries(guarded);
}

module.exports = { interrupted, stoppable, stopping, whileCompiling };
