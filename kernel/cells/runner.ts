// Runs cells, one at a time, and stops them. Whatever may be terminated half-way is started in a turn of the event loop of
// its own and answers by a callback: V8 drops all waiting promises when it terminates code, so the kernel awaits none.
import * as ts from 'typescript';
import { describe, positionIn, type Description } from '../output/errors';
import { CompilationProblem, problemIn } from '../language/problem';
import { type MimeBundle, bundleOf } from '../output/result';
import { currentRun, firstPromiseOf, forgetCurrent, within } from '../output/context';
import type { Run } from '../output/run';
import { addSource } from '../output/sources';
import type { Scope } from '../language/scope';
import { Shared } from '../protocol/shared';
import * as tensorflow from '../stop/tensorflow';
import type { Sections } from '../stop/sections';
import { PREFIX_LINES, compile } from './compile';
import { type Outcome, evaluate, isInitialized } from './evaluate';
import type { Modules } from './modules';

export type Result = { status: 'ok'; bundle: MimeBundle | null } | ({ status: 'error' } & Description);

/** What a stopped cell fails with. */
const interrupted = Object.assign(new Error('the cell was stopped.'), { name: 'Interrupted', stack: '' });

/** How long code may go on after Stop without returning to the event loop, before it is terminated. */
const PATIENCE_MS = 200;
/** The same where a library has taken Stop over. */
const LISTENERS_PATIENCE_MS = 3000;
/** How long a stopped cell may tidy up: awaits that end meanwhile throw, and `finally` blocks run. */
const GRACE_MS = 100;
/** How long it may wait for a batch of training to end. */
const LONGEST_BATCH_MS = 30_000;
/** Stop pressed again this long after a library has taken it over ends the cell itself. */
const INSIST_MS = 2000;

interface Running {
  run: Run;
  isEvaluated: boolean;
  stops: number;
  terminations: number;
  engine: tensorflow.EngineState;
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
      stops: this.numbers[Shared.stops],
      terminations: this.numbers[Shared.terminations],
      engine: tensorflow.engineState(),
      stoppedAt: Date.now(),
      askedAt: null,
      finish: (result) => {
        if (this.running === running) {
          this.running = null;
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

  /** Throws where the running code belongs to a cell that was stopped. */
  readonly check = (): void => {
    if (currentRun()?.isStopped) {
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

  /** A library that hears of Stop itself, such as training, calls back code that must not be terminated at once. */
  private setPatience(): void {
    Atomics.store(this.numbers, Shared.patience, this.hearsItself(this.running) ? LISTENERS_PATIENCE_MS : PATIENCE_MS);
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
    running.run.isStopped = true;
    if (running.isEvaluated) {
      running.stoppedAt = Date.now();
      setTimer(() => this.fail(running, interrupted), GRACE_MS);
    }
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

  private compile(run: Run): CompilationProblem | { code: string; hasValue: boolean } {
    const { program, file } = this.scope.program(run.code);
    const isDeclared = (name: string): boolean => this.scope.has(name);
    const problem = problemIn(program, { file, name: run.name, folder: this.folder, isDeclared });
    if (problem) {
      return problem;
    }
    const { code, map, hasValue } = compile(program, file, (name) => isDeclared(name) && isInitialized(name));
    addSource(run.scriptName, { name: run.name, source: run.code, map, linesBefore: PREFIX_LINES });
    return { code, hasValue };
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
    if (this.numbers[Shared.terminations] !== running.terminations) {
      running.terminations = this.numbers[Shared.terminations];
      forgetCurrent();
      this.modules.forgetHalfLoaded();
      tensorflow.restoreEngine(running.engine, () => this.fail(running, error));
      return;
    }
    if (error === interrupted && tensorflow.isTraining(run) && Date.now() - running.stoppedAt < LONGEST_BATCH_MS) {
      tensorflow.stopTraining();
      setTimer(() => this.fail(running, error), GRACE_MS);
      return;
    }
    if (running.isEvaluated) {
      this.scope.keep(run.code, run.cellId, this.missedNames(run, error));
    }
    running.finish({ status: 'error', ...describe(error) });
    if (error === interrupted) {
      run.cutOff();
    }
  }

  /** The names that a cell declares, but did not come to before it failed. */
  private missedNames(run: Run, error: unknown): Set<string> {
    const cell = this.scope.program(run.code);
    const position = positionIn(run.name, error);
    const failedAt = position && cell.file.getPositionOfLineAndCharacter(position.line - 1, position.column - 1);
    const isReached = ([name, { declarations = [] }]: [string, ts.Symbol]): boolean =>
      declarations.every((declaration) => {
        if (ts.isFunctionDeclaration(declaration) || ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) {
          return true;
        }
        return failedAt === undefined ? !this.scope.has(name) && isInitialized(name) : declaration.end <= failedAt;
      });
    const missed = [...this.scope.declared(cell)].filter((entry) => !isReached(entry));
    return new Set(missed.map(([name]) => name));
  }
}

/** Node's own, which cells do not see: globals.ts gives them others. */
const [setTimer, setImmediateTimer] = [setTimeout, setImmediate];
