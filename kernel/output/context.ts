// Tracks which run's code is executing, also after an await and in a timer. So output reaches its cell, and the run can be
// stopped.
//
// AsyncLocalStorage does the same. But on Node 20 and 22 it enables async hooks, which end the process when code is
// terminated after an await.
import { promiseHooks } from 'node:v8';
import type { Run } from './run';

let current: Run | undefined;

class Returned {
  constructor(object: object) {
    return object;
  }
}

/** Stores a run in a promise, as a private field: a base constructor that returns the promise makes this possible. */
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

/** The run whose code is executing; undefined if the code belongs to no run. */
export function currentRun(): Run | undefined {
  return current;
}

/** The run whose code created a promise. */
export function runOf(promise: object): Run | undefined {
  return Stamp.runOf(promise);
}

/** Does some work and returns the first promise that it creates. */
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

/** Clears the current run after code was terminated. */
export function forgetCurrent(): void {
  current = undefined;
}
