// All changes to Node's globals, except that of output/children.ts: they let output, timers and events belong to the cell that
// caused them, and let Stop end them. They use only Node's public interface.
import { Console } from 'node:console';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import timers from 'node:timers';
import { pathToFileURL } from 'node:url';
import { NO_INPUT } from '../language/problem';
import { projectOf } from '../language/scope';
import { showOutputOfChildren } from '../output/children';
import { STACK_FRAMES, writeStack } from '../output/errors';
import { currentRun, within } from '../output/context';
import type { Run } from '../output/run';
import { log } from '../protocol/log';
import { callApart } from '../stop/apart';
import type { Sections } from '../stop/sections';
import { CELL } from './syntax';
import type { Modules } from './modules';

const { engines } = JSON.parse(readFileSync(join(projectOf(__dirname), 'package.json'), 'utf8')) as {
  engines: { node: string };
};
if (!engines.node.split(' || ').includes(process.versions.node.split('.')[0])) {
  // They are tested on these versions only.
  console.error(
    `The kernel runs on Node ${engines.node}, and this is ${process.versions.node}: start it by one of these.`,
  );
  process.exit(1);
}

/** The symbol by which every copy of the library finds the kernel. */
const KERNEL = Symbol.for('mnist-kernel');

export interface KernelForLibraries {
  /** Shows a MIME bundle below the running cell, or updates the display with the same id. */
  display(content: { data: object; metadata: object; transient: object }, isUpdate: boolean): void;
  /**
   * Makes Stop call a listener instead of ending the running cell. If the code does not return to the event loop for 3 s after
   * that, it is terminated: its `finally` blocks do not run, and `onTerminated` is called in their place.
   *
   * @returns a function that removes the listener.
   */
  onStop(listener: () => void, onTerminated: () => void): () => void;
  /** Runs synchronous work that Stop must not terminate half-way. */
  uninterruptible<T>(work: () => T): T;
}

interface Cells {
  modules: Modules;
  sections: Sections;
  folder: string;
  /** The run whose code is executing. */
  origin: () => Run | undefined;
  /** Throws if the running code belongs to a cell that was stopped. */
  check: () => void;
  /** Is called after a cell has loaded modules. */
  onModulesLoaded: () => void;
  kernel: KernelForLibraries;
}

export function installGlobals(cells: Cells): void {
  const defineHidden = (name: PropertyKey, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });
  };
  const { modules, folder } = cells;
  const require = Object.assign((id: string): unknown => {
    const exported = modules.require(id) as unknown;
    cells.onModulesLoaded();
    return exported;
  }, modules.require);
  defineHidden('require', require);
  defineHidden(CELL, {
    check: cells.check,
    require,
    async import(id: unknown): Promise<unknown> {
      const namespace = await modules.import(String(id));
      cells.onModulesLoaded();
      return namespace;
    },
    /** Makes an imported variable a property of the global object that reads its module. */
    live(name: string, module: Record<string, unknown>, exported: string): void {
      Object.defineProperty(globalThis, name, { get: () => module[exported], configurable: true, enumerable: false });
    },
    meta: {
      url: pathToFileURL(`${folder}/`).href,
      dirname: folder,
      filename: folder,
      resolve: (id: unknown) => modules.urlOf(String(id)),
    },
  });
  defineHidden(KERNEL, cells.kernel);
  captureOutput(() => cells.origin());
  quickenConsole();
  showOutputOfChildren(cells.sections);
  trackTimers(cells.sections);
  attributeEvents();
  refuseInput(defineHidden);
  refuseExit();
  Error.prepareStackTrace = writeStack;
  Error.stackTraceLimit = STACK_FRAMES;
}

type Done = (error?: Error | null) => void;

/** A standard output: text goes to the cell whose code writes it and, if no cell does, to the kernel's log. */
class CellOutput extends Writable {
  constructor(
    private readonly streamName: 'stdout' | 'stderr',
    readonly fd: number,
    private readonly origin: () => Run | undefined,
  ) {
    super();
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Done, done?: Done): boolean {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
      throw new TypeError(
        `process.${this.streamName}.write was called with ${typeof chunk} (expected a string, a Buffer or a Uint8Array)`,
      );
    }
    const callback = typeof encoding === 'function' ? encoding : done;
    const bytes =
      typeof chunk === 'string' && typeof encoding === 'string' && !/^utf-?8$/i.test(encoding)
        ? Buffer.from(chunk, encoding)
        : chunk;
    const run = this.origin();
    if (run) {
      run.print(this.streamName, bytes);
    } else {
      log(bytes, this.fd);
    }
    if (callback) {
      process.nextTick(callback, null);
    }
    return true;
  }

  /** Writes the last chunk, which is given to `end`. The console, which keeps the stream, still writes after it. */
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.write(chunk);
    done();
  }
}

/**
 * Sends text that is written to stdout and stderr to the cell whose code writes it. Node's own streams are never opened:
 * they would make a pipe non-blocking for all processes that share it, and those that started the kernel would lose output.
 */
function captureOutput(origin: () => Run | undefined): void {
  (['stdout', 'stderr'] as const).forEach((name, index) => {
    const create = (): CellOutput => new CellOutput(name, index + 1, origin);
    let output = create();
    const get = (): CellOutput => {
      if (output.writableEnded || output.destroyed) {
        output = create(); // for others than the cell that has ended it
      }
      return output;
    };
    Object.defineProperty(process, name, { get, configurable: true, enumerable: true });
  });
}

/**
 * Gives the console methods that write only to the standard outputs. Node's own also report each call to V8's inspector, and
 * watch for errors of the outputs, which have none here: together they take three times as long.
 */
function quickenConsole(): void {
  const { stdout, stderr } = process;
  const methods = Object.entries(new Console({ stdout, stderr, ignoreErrors: false }));
  Object.assign(console, Object.fromEntries(methods.filter(([, method]) => typeof method === 'function')));
}

/** Registers timers with the run that starts them, so that they end if the run is stopped, and calls their code apart. */
function trackTimers(sections: Sections): void {
  type Start = (callback: (...args: unknown[]) => void, ...more: unknown[]) => NodeJS.Timeout | NodeJS.Immediate;
  const cancel = (timer: NodeJS.Timeout | NodeJS.Immediate): void => {
    clearTimeout(timer as NodeJS.Timeout);
    clearImmediate(timer as NodeJS.Immediate);
  };
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    const original = globalThis[name] as unknown as Start;
    const start: Start = (callback, ...more) => {
      if (typeof callback !== 'function') {
        return original(callback, ...more);
      }
      const run = currentRun();
      const timer = original(
        (...args) => {
          if (name !== 'setInterval') {
            run?.timers.delete(timer);
          }
          within(run, () => sections.apart(() => callback(...args)));
        },
        ...more,
      );
      if (run?.isClosed) {
        cancel(timer);
      } else {
        run?.timers.add(timer);
      }
      return timer;
    };
    Object.defineProperties(start, Object.getOwnPropertyDescriptors(original)); // including `util.promisify.custom`
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

/** Wraps a callback so that it runs as part of the current run, and apart from the code that calls it. */
function bound<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void {
  const run = currentRun();
  return run && typeof callback === 'function'
    ? (...args) => within(run, () => callApart(() => callback(...args)))
    : callback;
}

/** Attributes events from outside (a file, a child process, a socket) to the run that last added a listener. */
function attributeEvents(): void {
  type Method = (this: object, ...args: unknown[]) => unknown;
  const listeningRuns = new WeakMap<object, Run>();
  const prototype = EventEmitter.prototype as unknown as Record<
    'on' | 'addListener' | 'prependListener' | 'emit',
    Method
  >;
  for (const name of ['on', 'addListener', 'prependListener'] as const) {
    const original = prototype[name];
    prototype[name] = function (...args) {
      const run = currentRun();
      if (run && this !== process) {
        listeningRuns.set(this, run);
      }
      return original.apply(this, args);
    };
  }
  const { emit } = prototype;
  prototype.emit = function (...args) {
    const run = currentRun() ? undefined : listeningRuns.get(this);
    return run ? within(run, () => emit.apply(this, args)) : emit.apply(this, args);
  };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as in Node's own types
type Listener = (...args: any[]) => void;

/** A standard input that throws when a cell would wait for it. */
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

function refuseInput(defineHidden: (name: PropertyKey, value: unknown) => void): void {
  const input = new NoInput();
  Object.defineProperty(process, 'stdin', { get: () => input, configurable: true, enumerable: true });
  for (const name of ['prompt', 'confirm', 'alert']) {
    defineHidden(name, () => {
      throw new Error(NO_INPUT);
    });
  }
}

function refuseExit(): void {
  const refuse = (): never => {
    throw new Error('process.exit would end the kernel: choose Kernel > Restart Kernel to start again.');
  };
  Object.assign(process, { exit: refuse, reallyExit: refuse }); // only the socket thread ends the kernel
  syncBuiltinESMExports();
}
