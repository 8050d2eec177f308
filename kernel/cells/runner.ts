// Runs cells, one at a time, and stops them. Whatever may be terminated half-way is started in a turn of the event loop of
// its own and answers by a callback: V8 drops all waiting promises when it terminates code, so the kernel awaits none.
import { describe, type Description } from '../output/errors';
import { CompilationProblem, problemIn } from '../language/problem';
import { type MimeBundle, bundleOf } from '../output/result';
import { currentRun, firstPromiseOf, forgetCurrent, within } from '../output/context';
import type { Run } from '../output/run';
import { addSource } from '../output/sources';
import type { Scope } from '../language/scope';
import { Shared } from '../protocol/shared';
import * as tensorflow from '../stop/tensorflow';
import type { Sections } from '../stop/sections';
import { PREFIX_LINES, compile, nameInV8 } from './compile';
import { type Outcome, bindingOf, evaluate } from './evaluate';
import type { Modules } from './modules';

export type Result = { status: 'ok'; bundle: MimeBundle | null } | ({ status: 'error' } & Description);

/** What a stopped cell fails with. */
const interrupted = Object.assign(new Error('the cell was stopped.'), { name: 'Interrupted', stack: '' });

/** How long code may go on after Stop without returning to the event loop, before it is terminated. */
const PATIENCE_MS = 200;
/** The same where a library has taken Stop over, and where a stopped cell tidies up. */
const LONG_PATIENCE_MS = 3000;
/** How long a stopped cell may tidy up: awaits that end meanwhile throw, and `finally` blocks run. */
const GRACE_MS = 100;
/** How long it may wait for a batch of training to end. */
const LONGEST_BATCH_MS = 30_000;
/** Stop pressed again this long after a library has taken it over ends the cell itself. */
const INSIST_MS = 2000;

interface Running {
  run: Run;
  isEvaluated: boolean;
  /** What the names that the cell declares stood for before it ran. */
  before: Map<string, Remembered | undefined>;
  stops: number;
  terminations: number;
  engine: tensorflow.EngineState;
  isPutBack: boolean;
  /** When Stop was pressed. */
  stoppedAt: number;
  /** When a library was asked to stop. */
  askedAt: number | null;
  finish(result: Result): void;
}

export class Runner {
  private running: Running | null = null;
  /** Who wants to hear of Stop in place of the run that they belong to. */
  private readonly listeners = new Map<() => void, Run | undefined>();

  /** Those that have not ended, or never will. */
  private readonly evaluations = new Set<{ promise?: object }>();

  constructor(
    private readonly scope: Scope,
    private readonly modules: Modules,
    private readonly sections: Sections,
    private readonly numbers: Int32Array,
    private readonly folder: string,
  ) {}

  /** Runs a cell to its end. */
  execute(run: Run, done: (result: Result) => void): void {
    const running: Running = {
      run,
      isEvaluated: false,
      before: new Map(),
      stops: this.numbers[Shared.stops],
      terminations: this.numbers[Shared.terminations],
      engine: tensorflow.engineState(),
      isPutBack: false,
      stoppedAt: Date.now(),
      askedAt: null,
      finish: (result) => {
        if (this.running === running) {
          this.running = null;
          this.noteEnding();
          done(result);
        }
      },
    };
    this.running = running;
    this.setPatience();
    try {
      this.evaluate(running);
    } catch (error) {
      this.fail(running, error);
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
   * called before each operation of tfjs. Training hears of Stop itself, after a batch.
   */
  readonly checkOnce = (): void => {
    const { running } = this;
    const isPressed = running?.isEvaluated && !running.run.isStopped && this.sections.isStopWaiting;
    if (
      isPressed &&
      currentRun() === running.run &&
      !this.hearsItself(running) &&
      !tensorflow.isTraining(running.run)
    ) {
      this.beginEnd(running);
      throw interrupted;
    }
  };

  /** Has Stop call a listener in place of ending the running cell. */
  onStop(listener: () => void): () => void {
    const run = currentRun();
    if (run?.isStopped) {
      listener(); // too late to hear of it
    }
    this.listeners.set(listener, run);
    this.setPatience();
    return () => {
      this.listeners.delete(listener);
      this.setPatience();
    };
  }

  /**
   * A library that hears of Stop itself, such as training, calls back code that must not be terminated at once; nor must
   * what tidies up.
   */
  private setPatience(): void {
    const isLong = this.running?.run.isStopped || this.hearsItself(this.running);
    Atomics.store(this.numbers, Shared.patience, isLong ? LONG_PATIENCE_MS : PATIENCE_MS);
  }

  private hearsItself(running: Running | null): boolean {
    return running !== null && [...this.listeners.values()].includes(running.run);
  }

  /** Stop was pressed. */
  interrupt(): void {
    const { running } = this;
    const hears = this.hearsItself(running);
    [...this.listeners.keys()].forEach((listener) => listener());
    tensorflow.stopTraining();
    if (!running || running.run.isStopped) {
      return;
    }
    if (hears && (running.askedAt === null || Date.now() - running.askedAt < INSIST_MS)) {
      running.askedAt ??= Date.now();
      return;
    }
    this.beginEnd(running);
    if (running.isEvaluated) {
      setTimer(() => this.fail(running, interrupted), GRACE_MS);
    }
  }

  /** The running cell ends from now on. */
  private beginEnd(running: Running): void {
    running.run.isStopped = true;
    running.stoppedAt = Date.now();
    this.noteEnding();
    this.setPatience();
  }

  /** Says to the thread of the sockets whether a stopped cell still has to end. */
  noteEnding(): void {
    Atomics.store(this.numbers, Shared.ending, this.running?.run.isStopped ? 1 : 0);
  }

  /** Evaluates expressions for whoever asked for them with the cell. */
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
    const cell = this.sections.run(() => this.compile(run));
    if (cell instanceof CompilationProblem) {
      running.finish({ status: 'error', ...describe(cell) });
      return;
    }
    setImmediateTimer(() => {
      if (run.isStopped || this.numbers[Shared.stops] !== running.stops) {
        this.fail(running, interrupted);
        return;
      }
      for (const { name, isHoisted } of cell.variables) {
        const binding = bindingOf(nameInV8(name)) ?? (isHoisted ? { value: undefined } : undefined);
        running.before.set(name, binding && new Remembered(binding.value));
      }
      running.isEvaluated = true;
      this.evaluateIn(run, cell.code, run.scriptName, (outcome) => this.settle(running, outcome, cell.hasValue));
    });
  }

  /**
   * Keeps the promise of what is evaluated until it is settled: when V8 collects it, V8 reports that in the middle of
   * garbage collection, which ends the process on Node 22.
   */
  private evaluateIn(run: Run, code: string, name: string, done: (outcome: Outcome) => void): void {
    const evaluation: { promise?: object } = {};
    this.evaluations.add(evaluation);
    evaluation.promise = firstPromiseOf(() =>
      within(run, () =>
        evaluate(code, name, (outcome) => {
          this.evaluations.delete(evaluation);
          done(outcome);
        }),
      ),
    );
  }

  private compile(
    run: Run,
  ): CompilationProblem | { code: string; hasValue: boolean; variables: ReturnType<Scope['declaredVariables']> } {
    const cell = this.scope.program(run.code);
    const { program, file } = cell;
    const isDeclared = (name: string): boolean => this.scope.has(name);
    const problem = problemIn(program, { file, name: run.name, folder: this.folder, isDeclared });
    if (problem) {
      return problem;
    }
    const { code, map, hasValue } = compile(
      program,
      file,
      (name) => isDeclared(name) && bindingOf(nameInV8(name)) !== undefined,
    );
    addSource(run.scriptName, { name: run.name, source: run.code, map, linesBefore: PREFIX_LINES });
    return { code, hasValue, variables: this.scope.declaredVariables(cell) };
  }

  private settle(running: Running, outcome: Outcome, hasValue: boolean): void {
    const { run } = running;
    if (this.running !== running) {
      return;
    }
    if (outcome === 'terminated' || run.isStopped) {
      run.isStopped = true;
      running.stoppedAt = Date.now();
      this.fail(running, interrupted);
    } else if ('error' in outcome) {
      this.fail(running, outcome.error);
    } else {
      this.scope.keep(run.code, run.cellId, new Set());
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

  private fail(running: Running, error: unknown): void {
    const { run } = running;
    if (this.running !== running) {
      return;
    }
    this.sections.update();
    if (this.numbers[Shared.terminations] !== running.terminations) {
      running.terminations = this.numbers[Shared.terminations];
      forgetCurrent();
      this.modules.forgetHalfLoaded();
      this.putBack(running, error);
      return;
    }
    if (error === interrupted && tensorflow.isTraining(run) && Date.now() - running.stoppedAt < LONGEST_BATCH_MS) {
      tensorflow.stopTraining();
      setTimer(() => this.fail(running, error), GRACE_MS);
      return;
    }
    if (error === interrupted && !running.isPutBack) {
      this.putBack(running, error);
      return;
    }
    if (running.isEvaluated) {
      this.scope.keep(run.code, run.cellId, this.missedNames(running));
    }
    running.finish({ status: 'error', ...describe(error) });
    if (error === interrupted) {
      run.cutOff();
    }
  }

  /** Puts tfjs's engine back before the cell fails. */
  private putBack(running: Running, error: unknown): void {
    running.isPutBack = true;
    tensorflow.restoreEngine(running.engine, () => this.fail(running, error));
  }

  /** The names that a cell declares, but did not come to before it failed: they stand for what they did before. */
  private missedNames({ before }: Running): Set<string> {
    const isMissed = ([name, earlier]: [string, Remembered | undefined]): boolean => {
      const now = bindingOf(nameInV8(name));
      return !now || (earlier !== undefined && earlier.is(now.value));
    };
    return new Set([...before].filter(isMissed).map(([name]) => name));
  }
}

/** A value, which remembering it does not keep in memory. */
class Remembered {
  private readonly value;

  constructor(value: unknown) {
    const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null);
    this.value = isObject ? new WeakRef(value) : { deref: () => value };
  }

  is(value: unknown): boolean {
    return Object.is(this.value.deref(), value);
  }
}

/** Node's own, which cells do not see: globals.ts gives them others. */
const [setTimer, setImmediateTimer] = [setTimeout, setImmediate];
