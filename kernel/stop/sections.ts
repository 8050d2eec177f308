import { Shared, TERMINATING, UNINTERRUPTIBLE } from '../protocol/shared';
import { callApart } from './apart';
import { ticks } from './awaited-child';

/**
 * Tells the socket thread which code must not be terminated: critical sections run to their end. After Stop, the thread
 * terminates code whose execution id stays the same for too long.
 */
export class Sections {
  private executions = 0;
  private depth = 0;
  private isStopTakenOver = false;

  constructor(private readonly shared: Int32Array<SharedArrayBuffer>) {
    this.update();
  }

  /** Whether Stop was pressed and has not arrived in the main thread yet. */
  get isStopUnhandled(): boolean {
    return Atomics.load(this.shared, Shared.stops) !== Atomics.load(this.shared, Shared.handledStops);
  }

  /** The same, if the kernel handles Stop, and not the cell. */
  get isStopPending(): boolean {
    return this.isStopUnhandled && !this.isStopTakenOver;
  }

  /** Whether the running code must not be terminated. */
  get isCritical(): boolean {
    return Atomics.load(this.shared, Shared.executionId) === UNINTERRUPTIBLE;
  }

  /** Runs a short step that must not be terminated half-way. Steps do not extend the time that code may run after Stop. */
  step<T>(work: () => T): T {
    const execution = this.exchange(UNINTERRUPTIBLE);
    try {
      return work();
    } finally {
      this.exchange(execution);
    }
  }

  /** Runs synchronous work that must not be terminated half-way. */
  run<T>(work: () => T): T {
    this.depth++;
    this.update();
    try {
      return work();
    } finally {
      this.depth--;
      this.update();
    }
  }

  /**
   * Calls code of a cell in a turn of the event loop: termination ends this code only, and not the code that calls it. A
   * termination that comes late, because the code was in a long native call, is waited for, so that it does not hit the kernel.
   *
   * @returns what the code returns; undefined if it was terminated.
   * @throws what the code throws.
   */
  apart<T>(work: () => T): T | undefined {
    return callApart(() => {
      try {
        return work();
      } finally {
        this.update();
      }
    });
  }

  /** Runs work that waits for a child process: Stop ends that process. */
  awaitChild<T>(work: () => T): T {
    Atomics.store(this.shared, Shared.awaitsChildSince, ticks());
    try {
      return work();
    } finally {
      Atomics.store(this.shared, Shared.awaitsChildSince, 0);
    }
  }

  /** Sets whether a cell handles Stop itself: it listens to SIGINT in place of the kernel. */
  setStopTakenOver(isStopTakenOver: boolean): void {
    this.isStopTakenOver = isStopTakenOver;
    this.update();
  }

  /** Sets a new execution id, so that the time that code may run after Stop starts again. */
  private update(): void {
    this.exchange(this.depth > 0 || this.isStopTakenOver ? UNINTERRUPTIBLE : ++this.executions);
  }

  /** Sets the execution id, and returns the one before. While the socket thread terminates code, it waits here for its end. */
  private exchange(execution: number): number {
    for (;;) {
      const before = Atomics.load(this.shared, Shared.executionId);
      if (
        before !== TERMINATING &&
        Atomics.compareExchange(this.shared, Shared.executionId, before, execution) === before
      ) {
        return before;
      }
    }
  }
}
