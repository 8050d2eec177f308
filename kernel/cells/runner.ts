// Runs cells, one at a time, and stops them. Code that may be terminated starts in its own turn of the event loop and
// reports its outcome to a callback: V8 drops all waiting promises when it terminates code, so the kernel awaits none.
import { describe, type Description } from '../output/errors';
import { CompilationProblem, problemIn } from '../language/problem';
import { type MimeBundle, bundleOf } from '../output/result';
import { currentRun, firstPromiseOf, forgetCurrent, within } from '../output/context';
import type { Run } from '../output/run';
import { addSource } from '../output/sources';
import type { CellProgram } from '../language/programs';
import type { Scope } from '../language/scope';
import { Shared } from '../protocol/shared';
import * as tensorflow from '../stop/tensorflow';
import type { Sections } from '../stop/sections';
import { PREFIX_LINES, compile } from './compile';
import { type Outcome, bindingOf, evaluate, variableNames } from './evaluate';
import type { Modules } from './modules';
import { nameInCell, nameInV8 } from './shadowed-globals';

export type Result = { status: 'ok'; bundle: MimeBundle | null } | ({ status: 'error' } & Description);

/** Why a cell failed. */
type Failure = 'stopped' | Description;

/** The error of a stopped cell. */
const interrupted = Object.assign(new Error('the cell was stopped.'), { name: 'Interrupted', stack: '' });

/** How long code may run after Stop without returning to the event loop, before it is terminated. */
const PATIENCE_MS = 200;
/** The same while a library handles Stop itself, and while a stopped cell cleans up. */
const LONG_PATIENCE_MS = 3000;
/** How long a stopped cell may clean up: its awaits throw when they end, and `finally` blocks run. */
const GRACE_MS = 100;
/** How long the kernel waits for a batch of training to end. */
const MAX_BATCH_MS = 30_000;
/** If Stop is pressed again this long after a library was asked to handle it, the cell ends. */
const INSIST_MS = 2000;

interface Running {
  run: Run;
  /** Null until it is evaluated. */
  cell: CellProgram | null;
  /** The earlier values of the names that the cell declares. */
  before: Map<string, ValueRef | undefined>;
  stops: number;
  engine: tensorflow.EngineState;
  engineIs: 'as left' | 'in restoration' | 'restored';
  /** When the cell was stopped. */
  stoppedAt: number;
  /** When a library was asked to handle Stop. */
  delegatedAt: number | null;
  finish(result: Result): void;
}

interface CompiledCell {
  cell: CellProgram;
  code: string;
  hasValue: boolean;
  variables: ReturnType<Scope['declaredVariables']>;
}

export class Runner {
  private running: Running | null = null;
  /** The listeners that handle Stop in place of the kernel, each with its run and what to do if its code is terminated. */
  private readonly listeners = new Map<() => void, { run: Run | undefined; onTerminated: () => void }>();
  /** The number of terminations that were handled. */
  private terminations = 0;

  /** The evaluations that have not ended. */
  private readonly evaluations = new Set<{ promise?: object }>();

  constructor(
    private readonly scope: Scope,
    private readonly modules: Modules,
    private readonly sections: Sections,
    private readonly shared: Int32Array,
    private readonly folder: string,
  ) {}

  /** Runs a cell to its end. */
  execute(run: Run, done: (result: Result) => void): void {
    const running: Running = {
      run,
      cell: null,
      before: new Map(),
      stops: this.shared[Shared.stops],
      engine: tensorflow.engineState(),
      engineIs: 'as left',
      stoppedAt: Date.now(),
      delegatedAt: null,
      finish: (result) => {
        if (this.running === running) {
          this.running = null;
          this.noteEnding();
          done(result);
        }
      },
    };
    this.running = running;
    this.terminations = this.shared[Shared.terminations];
    Atomics.store(this.shared, Shared.usedMegabytes, 0);
    this.setPatience();
    try {
      this.evaluate(running);
    } catch (error) {
      this.fail(running, describe(error));
    }
  }

  /** Throws if the running code belongs to a cell that was stopped. Compiled cells call it after each `await`. */
  readonly check = (): void => {
    if (currentRun()?.isStopped) {
      throw interrupted;
    }
    this.checkOnce();
  };

  /**
   * Throws once if Stop was pressed and the event loop has not turned since; not in code that tidies up after that. It is
   * called before each operation of tfjs. Training is exempt: it ends after the current batch.
   */
  readonly checkOnce = (): void => {
    const { running } = this;
    const isPressed = running?.cell && !running.run.isStopped && this.sections.isStopPending;
    if (
      isPressed &&
      currentRun() === running.run &&
      !this.hasStopListener(running) &&
      !tensorflow.isTraining(running.run)
    ) {
      this.beginEnd(running);
      throw interrupted;
    }
  };

  /**
   * Makes Stop call a listener instead of ending the running cell.
   *
   * @param onTerminated is called if the code was terminated before it has removed the listener.
   * @returns a function that removes the listener.
   */
  onStop(listener: () => void, onTerminated: () => void): () => void {
    const run = currentRun();
    if (run?.isStopped) {
      listener(); // Stop has already been pressed
    }
    this.listeners.set(listener, { run, onTerminated });
    this.setPatience();
    return () => {
      this.listeners.delete(listener);
      this.setPatience();
    };
  }

  /**
   * Code runs longer after Stop while a library handles Stop itself, as training does, and while a stopped cell cleans up.
   */
  private setPatience(): void {
    const isLong = this.running?.run.isStopped || this.hasStopListener(this.running);
    Atomics.store(this.shared, Shared.patienceMs, isLong ? LONG_PATIENCE_MS : PATIENCE_MS);
  }

  private hasStopListener(running: Running | null): boolean {
    return running !== null && [...this.listeners.values()].some(({ run }) => run === running.run);
  }

  /** Handles Stop. */
  interrupt(): void {
    const { running } = this;
    const isDelegated = this.hasStopListener(running);
    [...this.listeners.keys()].forEach((listener) => listener());
    tensorflow.stopTraining();
    if (!running) {
      if (this.wasTerminated) {
        this.giveUpTerminated(() => {}); // code that an ended cell left behind
      }
      return;
    }
    if (
      isDelegated &&
      !this.isMemoryShort &&
      !this.wasTerminated &&
      !running.run.isStopped &&
      (running.delegatedAt === null || Date.now() - running.delegatedAt < INSIST_MS)
    ) {
      running.delegatedAt ??= Date.now();
      return;
    }
    this.beginEnd(running);
    if (running.cell) {
      setTimer(() => this.fail(running, 'stopped'), GRACE_MS);
    }
  }

  /** Whether code was terminated, which has not been handled yet. */
  private get wasTerminated(): boolean {
    return this.shared[Shared.terminations] !== this.terminations;
  }

  /**
   * Cleans up for terminated code that handles Stop itself, in place of its `finally` blocks. V8 has dropped the promises
   * that this code awaited. Code that was not terminated has been asked to stop, and ends within the grace period.
   */
  private giveUpTerminated(done: () => void): void {
    this.terminations = this.shared[Shared.terminations];
    clearAsyncIds();
    const listeners = [...this.listeners.keys()];
    const trainings = tensorflow.trainingsInProgress();
    if (listeners.length === 0 && trainings.length === 0) {
      done();
      return;
    }
    setTimer(() => {
      tensorflow.giveUp(trainings);
      const left = listeners.flatMap((listener) => this.listeners.get(listener) ?? []);
      listeners.forEach((listener) => this.listeners.delete(listener));
      this.setPatience();
      try {
        left.forEach(({ run, onTerminated }) => (run ? within(run, onTerminated) : onTerminated()));
      } finally {
        done();
      }
    }, GRACE_MS);
  }

  /** Whether the running cell was stopped because memory is short. */
  private get isMemoryShort(): boolean {
    return Atomics.load(this.shared, Shared.usedMegabytes) > 0;
  }

  /** The error of a stopped cell, for the user. */
  private stopError(): Error {
    if (!this.isMemoryShort) {
      return interrupted;
    }
    const { usedMegabytes, limitMegabytes, isLimitShared } = Shared;
    const [used, limit] = [usedMegabytes, limitMegabytes].map((index) => megabytes(this.shared[index]));
    const [who, remedy] = this.shared[isLimitShared]
      ? [`all students together use ${used} of the ${limit} MB of memory of the class server`, ', or try again later']
      : [`your notebooks use ${used} of the ${limit} MB of memory that they may use together`, ''];
    const message =
      `the cell was stopped, because ${who}. Restart this kernel (Kernel > Restart Kernel), shut down kernels that you ` +
      'do not need (Kernel > Shut Down Kernel in their notebooks), use fewer digits, or dispose of tensors' +
      `${remedy}.`;
    return Object.assign(new Error(message), { name: 'OutOfMemory', stack: '' });
  }

  /** From now on the running cell cleans up and ends. */
  private beginEnd(running: Running): void {
    running.run.isStopped = true;
    running.stoppedAt = Date.now();
    this.noteEnding();
    this.setPatience();
  }

  /** Tells the socket thread whether a stopped cell still has to end. */
  noteEnding(): void {
    Atomics.store(this.shared, Shared.isEnding, this.running?.run.isStopped ? 1 : 0);
  }

  /** Evaluates the `user_expressions` of an execute_request. */
  evaluateAll(run: Run, expressions: [string, string][], done: (results: Record<string, object>) => void): void {
    const results: Record<string, object> = {};
    const next = (): void => {
      const [first, ...rest] = expressions;
      if (!first) {
        done(results);
        return;
      }
      expressions = rest;
      const [key, expression] = first;
      const end = (result: object): void => {
        results[key] = result;
        next();
      };
      this.evaluateIn(run, expression, 'user_expression', (outcome) => {
        if (outcome !== 'terminated' && 'value' in outcome) {
          bundleOf(outcome.value).then(
            (data) => end({ status: 'ok', data, metadata: {} }),
            (error: unknown) => end({ status: 'error', ...describe(error) }),
          );
        } else {
          end({ status: 'error', ...describe(outcome === 'terminated' ? interrupted : outcome.error) });
        }
      });
    };
    next();
  }

  private evaluate(running: Running): void {
    const { run } = running;
    const compiled = this.sections.run(() => this.compile(run));
    if (compiled instanceof CompilationProblem || compiled instanceof Error) {
      running.finish({ status: 'error', ...describe(compiled) });
      return;
    }
    setImmediateTimer(() => {
      if (run.isStopped || this.shared[Shared.stops] !== running.stops) {
        this.fail(running, 'stopped');
        return;
      }
      for (const { name, isHoisted } of compiled.variables) {
        const binding = bindingOf(nameInV8(name)) ?? (isHoisted ? { value: undefined } : undefined);
        running.before.set(name, binding && new ValueRef(binding.value));
      }
      running.cell = compiled.cell;
      this.evaluateIn(run, compiled.code, run.scriptName, (outcome) =>
        this.settle(running, outcome, compiled.hasValue),
      );
    });
  }

  /**
   * Keeps the promise of an evaluation in memory until it is settled. If V8 collected it, V8 would report that in the middle
   * of garbage collection, which ends the process on Node 22.
   */
  private evaluateIn(run: Run, code: string, name: string, done: (outcome: Outcome) => void): void {
    const evaluation: { promise?: object } = {};
    this.evaluations.add(evaluation);
    evaluation.promise = firstPromiseOf(() =>
      within(run, () =>
        this.sections.apart(() =>
          evaluate(code, name, (outcome) => {
            this.evaluations.delete(evaluation);
            done(outcome);
          }),
        ),
      ),
    );
  }

  /** Compiles a cell. An error is TypeScript's own. */
  private compile(run: Run): CompiledCell | CompilationProblem | Error {
    try {
      return this.compileOrThrow(run);
    } catch (error) {
      this.scope.close();
      const message =
        `TypeScript could not compile this cell: ${(error as Error).message}. If the code is nested very deeply, split it ` +
        'into several statements.';
      return Object.assign(new Error(message), { name: 'TypeScriptError', stack: '' });
    }
  }

  private compileOrThrow(run: Run): CompiledCell | CompilationProblem {
    const cell = this.scope.program(run.code, run.cellId);
    const { program, file } = cell;
    const isDeclared = (name: string): boolean => this.scope.has(name);
    const problem = problemIn(program, { file, name: run.name, folder: this.folder, isDeclared });
    if (problem) {
      return problem;
    }
    const variables = variableNames();
    const isVariable = (name: string): boolean => variables.has(name);
    const isBound = (name: string): boolean =>
      isVariable(name) && isDeclared(nameInCell(name)) && bindingOf(name) !== undefined;
    const { code, map, hasValue } = compile(program, file, isVariable, isBound);
    addSource(run.scriptName, { name: run.name, source: run.code, map, linesBefore: PREFIX_LINES });
    return { cell, code, hasValue, variables: this.scope.declaredVariables(cell) };
  }

  private settle(running: Running, outcome: Outcome, hasValue: boolean): void {
    const { run } = running;
    if (this.running !== running) {
      return;
    }
    if (outcome === 'terminated' || run.isStopped) {
      this.fail(running, 'stopped');
    } else if ('error' in outcome) {
      // Getters of what was thrown are code of the cell, which can be stopped.
      this.fail(running, this.sections.apart(() => describe(outcome.error)) ?? 'stopped');
    } else {
      this.sections.run(() => this.scope.keep(running.cell!, run.cellId, new Set()));
      if (!hasValue || outcome.value === undefined) {
        running.finish({ status: 'ok', bundle: null });
        return;
      }
      within(run, () => bundleOf(outcome.value)).then(
        (bundle) => running.finish({ status: 'ok', bundle }),
        (error) => running.finish({ status: 'error', ...describe(error) }),
      );
    }
  }

  private fail(running: Running, failure: Failure): void {
    if (this.running === running) {
      if (failure === 'stopped' && !running.run.isStopped) {
        this.beginEnd(running);
      }
      this.sections.run(() => this.failUninterruptibly(running, failure));
    }
  }

  private failUninterruptibly(running: Running, failure: Failure): void {
    const { run } = running;
    if (this.wasTerminated) {
      running.engineIs = 'in restoration';
      forgetCurrent();
      this.modules.forgetHalfLoaded();
      this.giveUpTerminated(() => this.restoreEngine(running, failure));
      return;
    }
    if (failure === 'stopped' && tensorflow.isTraining(run) && Date.now() - running.stoppedAt < MAX_BATCH_MS) {
      tensorflow.stopTraining();
      setTimer(() => this.fail(running, failure), GRACE_MS);
      return;
    }
    if (failure === 'stopped' && running.engineIs !== 'restored') {
      if (running.engineIs === 'as left') {
        this.restoreEngine(running, failure);
      }
      return;
    }
    if (running.cell) {
      this.scope.keep(running.cell, run.cellId, this.unreachedNames(running));
    }
    running.finish({ status: 'error', ...(failure === 'stopped' ? describe(this.stopError()) : failure) });
    if (failure === 'stopped') {
      run.close();
    }
  }

  /** Restores tfjs's engine, then lets the cell fail. */
  private restoreEngine(running: Running, failure: Failure): void {
    running.engineIs = 'in restoration';
    tensorflow.restoreEngine(running.engine, this.sections, () => {
      running.engineIs = 'restored';
      this.fail(running, failure);
    });
  }

  /** The names whose declarations a failed cell did not reach: they keep their earlier values. */
  private unreachedNames({ before }: Running): Set<string> {
    const isUnreached = ([name, earlier]: [string, ValueRef | undefined]): boolean => {
      const now = bindingOf(nameInV8(name));
      return !now || (earlier !== undefined && earlier.is(now.value));
    };
    return new Set([...before].filter(isUnreached).map(([name]) => name));
  }
}

/**
 * Clears Node's stack of async ids, which keeps the ids of terminated code: async hooks that a later cell enables would find
 * them and end the process. Node clears it whenever it has handled an uncaught error.
 */
function clearAsyncIds(): void {
  setImmediateTimer(() => {
    throw interrupted; // which is not shown
  });
}

/** A reference to a value that does not keep it in memory. */
class ValueRef {
  private readonly value;

  constructor(value: unknown) {
    const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null);
    this.value = isObject ? new WeakRef(value) : { deref: () => value };
  }

  is(value: unknown): boolean {
    return Object.is(this.value.deref(), value);
  }
}

function megabytes(count: number): string {
  return count.toLocaleString('en-US');
}

/** Node's own timers: globals.ts replaces the global ones. */
const [setTimer, setImmediateTimer] = [setTimeout, setImmediate];
