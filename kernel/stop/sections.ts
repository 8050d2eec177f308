import { NOT_TO_BE_TERMINATED, Shared } from '../protocol/shared';

/**
 * Says to the thread of the sockets what may be terminated: everything but sections, which must run to their end. The
 * thread terminates what stays in the same stretch of work for a while after Stop.
 */
export class Sections {
  private stretches = 0;
  private depth = 0;
  private isTakenOver = false;

  constructor(private readonly numbers: Int32Array<SharedArrayBuffer>) {
    this.update();
  }

  /** How often Stop was pressed, also before the event loop has turned. */
  get stops(): number {
    return Atomics.load(this.numbers, Shared.stops);
  }

  /** Whether Stop was pressed and the event loop has not turned since. */
  get isStopWaiting(): boolean {
    return this.stops !== Atomics.load(this.numbers, Shared.stopsTaken) && !this.isTakenOver;
  }

  /** Runs a short step that must not be terminated half-way, within the same stretch of work. */
  step<T>(work: () => T): T {
    const { numbers } = this;
    const stretch = Atomics.exchange(numbers, Shared.stretch, NOT_TO_BE_TERMINATED);
    try {
      return work();
    } finally {
      Atomics.store(numbers, Shared.stretch, stretch);
    }
  }

  /** Runs synchronous work that must not be terminated half-way. */
  run<T>(work: () => T): T {
    const leave = this.enter();
    try {
      return work();
    } finally {
      leave();
    }
  }

  /** Begins a section, which the function that is returned ends. */
  enter(): () => void {
    this.depth++;
    this.update();
    let isOver = false;
    return () => {
      if (!isOver) {
        isOver = true;
        this.depth--;
        this.update();
      }
    };
  }

  /** Somebody has taken Stop over: a cell that listens to SIGINT in the kernel's place. */
  takeOver(isTakenOver: boolean): void {
    this.isTakenOver = isTakenOver;
    this.update();
  }

  /** Begins another stretch of work: the event loop has turned. */
  update(): void {
    Atomics.store(
      this.numbers,
      Shared.stretch,
      this.depth > 0 || this.isTakenOver ? NOT_TO_BE_TERMINATED : ++this.stretches,
    );
  }
}
