// Which run's code is at work, also after an await and in a timer, so that its output finds its cell and it can be
// stopped.
//
// AsyncLocalStorage would know it, too. But on Node 20 and 22 it turns async hooks on, and these end the process when
// code is terminated in a callback.
import { promiseHooks } from 'node:v8';
import type { Run } from './run';

let current: Run | undefined;

class Returned {
  constructor(object: object) {
    return object;
  }
}

/** Notes a run in a promise, where nobody sees it: a private field can be put onto any object. */
class Stamp extends Returned {
  #run: Run;

  constructor(promise: object, run: Run) {
    super(promise);
    this.#run = run;
  }

  static runOf(promise: object): Run | undefined {
    return #run in promise ? promise.#run : undefined;
  }
}

let isFirstWanted = false;
let first: object | undefined;

promiseHooks.createHook({
  init(promise) {
    if (isFirstWanted) {
      isFirstWanted = false;
      first = promise;
    }
    if (current) {
      new Stamp(promise, current);
    }
  },
  before(promise) {
    current = Stamp.runOf(promise);
  },
  after() {
    current = undefined;
  },
});

/** The run whose code is at work; undefined while it is nobody's. */
export function currentRun(): Run | undefined {
  return current;
}

/** The run in whose code a promise was made. */
export function runOf(promise: object): Run | undefined {
  return Stamp.runOf(promise);
}

/** Does some work, and gives the first promise that it makes. */
export function firstPromiseOf(work: () => void): object | undefined {
  isFirstWanted = true;
  try {
    work();
    return first;
  } finally {
    isFirstWanted = false;
    first = undefined;
  }
}

/** Does some work as part of a run. */
export function within<T>(run: Run | undefined, work: () => T): T {
  const before = current;
  current = run;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** Code was terminated: whoever was at work is so no longer. */
export function forgetCurrent(): void {
  current = undefined;
}
