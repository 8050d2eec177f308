// Stop: whatever the cell does, it ends and the kernel goes on.
//
// Jupyter asks for it on its control channel, and the listeners for SIGINT are called. Ours lets go whoever awaits
// something. Code that never comes back to the event loop gives no listener a chance: control.cjs has it terminated.
// Whoever takes SIGINT over for a while (training does, to end after a batch) is left alone.
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');

/** What a cell fails with that was stopped. */
const interrupted = Object.assign(new Error('the cell was stopped.'), { name: 'Interrupted' });
interrupted.stack = '';

/** Shared with the thread: the number of the stretch of work that the main one does, 0 for what must not be terminated. */
const stretch = new Int32Array(new SharedArrayBuffer(4));

/** Listens on the control channel in a thread of its own; hands on what is no Stop, as the frames of a message. */
function listenOnControl(connectionFile, take) {
  const zeromq = require.resolve('zeromq', { paths: [require.resolve('tslab/package.json')] });
  const thread = new Worker(join(__dirname, 'control.cjs'), { workerData: { zeromq, connectionFile, stretch } });
  thread.on('message', (message) => {
    if (message === 'interrupt') {
      thread.postMessage('interrupted');
      process.emit('SIGINT', 'SIGINT');
    } else {
      take(message.map((frame) => Buffer.from(frame)));
    }
  });
  return { send: (frames) => thread.postMessage(frames), close: () => thread.postMessage('close') };
}

/** Lets go whoever awaits the running cell. */
let stop = () => {};
let [listening, compiling, stretches] = [false, 0, 0];

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
  Atomics.store(stretch, 0, listening && compiling === 0 ? ++stretches : 0);
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

module.exports = { interrupted, listenOnControl, stoppable, stopping, whileCompiling };
