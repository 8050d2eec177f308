// What cells find changed among Node's globals, all in one place. Nothing here reaches into Node's private parts: it was
// tried on Node 20, 22, 24 and 26.
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { Readable } from 'node:stream';
import timers from 'node:timers';
import { pathToFileURL } from 'node:url';
import { NO_INPUT } from '../language/problem';
import { STACK_FRAMES, writeStack } from '../output/errors';
import { currentRun, within } from '../output/context';
import type { Run } from '../output/run';
import { CELL } from './compile';
import type { Modules } from './modules';

/** Where the library finds the kernel, whichever copy of it a notebook uses. */
const KERNEL = Symbol.for('mnist-kernel');

export interface KernelForLibraries {
  /** Shows a bundle of MIME types below the running cell, or changes what has been shown under its id. */
  display(content: { data: object; metadata: object; transient: object }, isUpdate: boolean): void;
  /** Has Stop call a listener in place of ending the running cell, until the function that is returned is called. */
  onStop(listener: () => void): () => void;
  /** Runs synchronous work that Stop must not end half-way. */
  uninterruptible<T>(work: () => T): T;
}

interface Cells {
  modules: Modules;
  folder: string;
  /** Whose output it is. */
  origin: () => Run | undefined;
  /** Throws where the running code belongs to a cell that was stopped. */
  check: () => void;
  /** Modules were loaded. */
  loaded: () => void;
  kernel: KernelForLibraries;
}

export function installGlobals(cells: Cells): void {
  const hidden = (name: PropertyKey, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });
  };
  const { modules, folder } = cells;
  const require = Object.assign((id: string): unknown => {
    const exported = modules.require(id) as unknown;
    cells.loaded();
    return exported;
  }, modules.require);
  hidden('require', require);
  hidden(CELL, {
    check: cells.check,
    require,
    async import(id: unknown): Promise<unknown> {
      const namespace = await modules.import(String(id));
      cells.loaded();
      return namespace;
    },
    meta: { url: pathToFileURL(`${folder}/`).href, dirname: folder, filename: folder },
  });
  hidden(KERNEL, cells.kernel);
  captureOutput(() => cells.origin());
  countTimers();
  followEvents();
  refuseInput(hidden);
  refuseExit();
  Error.prepareStackTrace = writeStack;
  Error.stackTraceLimit = STACK_FRAMES;
}

type Done = (error?: Error | null) => void;

/** What is written to stdout and stderr goes to the cell whose code writes it. */
function captureOutput(origin: () => Run | undefined): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const original = process[name].write.bind(process[name]);
    const write = (chunk: unknown, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
        throw new TypeError(
          `process.${name}.write was given ${typeof chunk} (expected a string, a Buffer or a Uint8Array)`,
        );
      }
      const callback = typeof encoding === 'function' ? encoding : done;
      const bytes =
        typeof chunk === 'string' && typeof encoding === 'string' && !/^utf-?8$/i.test(encoding)
          ? Buffer.from(chunk, encoding)
          : chunk;
      const run = origin();
      if (run) {
        run.print(name, bytes);
      } else {
        original(bytes);
      }
      if (callback) {
        process.nextTick(callback, null);
      }
      return true;
    };
    process[name].write = write;
  }
}

/** Timers are known to the run that started them, which may be stopped. */
function countTimers(): void {
  type Start = (callback: (...args: unknown[]) => void, ...more: unknown[]) => NodeJS.Timeout | NodeJS.Immediate;
  const cancel = (timer: NodeJS.Timeout | NodeJS.Immediate): void => {
    clearTimeout(timer as NodeJS.Timeout);
    clearImmediate(timer as NodeJS.Immediate);
  };
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    const original = globalThis[name] as unknown as Start;
    const start: Start = (callback, ...more) => {
      const run = currentRun();
      if (!run || typeof callback !== 'function') {
        return original(callback, ...more);
      }
      const timer = original(
        (...args) => {
          if (name !== 'setInterval') {
            run.timers.delete(timer);
          }
          within(run, () => callback(...args));
        },
        ...more,
      );
      if (run.isCut) {
        cancel(timer);
      } else {
        run.timers.add(timer);
      }
      return timer;
    };
    Object.defineProperties(start, Object.getOwnPropertyDescriptors(original)); // with the form that gives a promise
    globalThis[name] = start as never;
  }
  const nextTick = process.nextTick.bind(process);
  process.nextTick = (callback: (...args: unknown[]) => void, ...args: unknown[]) => nextTick(bound(callback), ...args);
  const enqueue = queueMicrotask;
  globalThis.queueMicrotask = (callback) => enqueue(bound(callback));
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate'] as const) {
    const original = globalThis[name] as (timer: unknown) => void;
    globalThis[name] = ((timer: NodeJS.Timeout) => {
      currentRun()?.timers.delete(timer);
      original(timer);
    }) as never;
  }
  const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
  Object.assign(timers, { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate });
  syncBuiltinESMExports();
}

/** A callback that Node will call as part of the run whose code is at work now. */
function bound<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void {
  const run = currentRun();
  return run && typeof callback === 'function' ? (...args) => within(run, () => callback(...args)) : callback;
}

/** Events that come from outside (a file, a child process, a socket) belong to the run that listened last. */
function followEvents(): void {
  type Method = (this: object, ...args: unknown[]) => unknown;
  const listening = new WeakMap<object, Run>();
  const prototype = EventEmitter.prototype as unknown as Record<
    'on' | 'addListener' | 'prependListener' | 'emit',
    Method
  >;
  for (const name of ['on', 'addListener', 'prependListener'] as const) {
    const original = prototype[name];
    prototype[name] = function (...args) {
      const run = currentRun();
      if (run && this !== process) {
        listening.set(this, run);
      }
      return original.apply(this, args);
    };
  }
  const { emit } = prototype;
  prototype.emit = function (...args) {
    const run = currentRun() ? undefined : listening.get(this);
    return run ? within(run, () => emit.apply(this, args)) : emit.apply(this, args);
  };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Node's own types have it
type Listener = (...args: any[]) => void;

/** A standard input that says that there is none, where it would be waited for. */
class NoInput extends Readable {
  readonly isTTY = false;
  readonly fd = 0;

  override on(event: string | symbol, listener: Listener): this {
    if (['data', 'readable', 'keypress'].includes(String(event))) {
      throw new Error(NO_INPUT);
    }
    return super.on(event, listener);
  }
  override addListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }
  override prependListener(event: string | symbol, listener: Listener): this {
    return this.on(event, listener);
  }
  override read(): never {
    throw new Error(NO_INPUT);
  }
  override resume(): never {
    throw new Error(NO_INPUT);
  }
  override pipe(): never {
    throw new Error(NO_INPUT);
  }
  override [Symbol.asyncIterator](): never {
    throw new Error(NO_INPUT);
  }
}

function refuseInput(hidden: (name: PropertyKey, value: unknown) => void): void {
  const input = new NoInput();
  Object.defineProperty(process, 'stdin', { get: () => input, configurable: true, enumerable: true });
  for (const name of ['prompt', 'confirm', 'alert']) {
    hidden(name, () => {
      throw new Error(NO_INPUT);
    });
  }
}

function refuseExit(): void {
  const refuse = (): never => {
    throw new Error('process.exit would end the kernel: choose Kernel > Restart Kernel to begin again.');
  };
  Object.assign(process, { exit: refuse, reallyExit: refuse }); // the thread of the sockets ends the kernel
  syncBuiltinESMExports();
}
