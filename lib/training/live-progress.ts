import { isInKernel, newDisplay } from '../display/display';
import { type TrainingProgress, epochLine, progressLine, trainingProgress } from './progress-figure';

const MS_BETWEEN_UPDATES = 250; // often enough to look smooth, rarely enough to cost next to no time

/** Shows how training goes: a figure in a notebook, a progress bar in a terminal, a line per epoch elsewhere. */
export class LiveProgress {
  private readonly started = performance.now();
  private readonly show = isInKernel() ? this.inNotebook() : this.inTerminal();
  private shownAt = 0;

  constructor(private readonly progress: TrainingProgress) {}

  /** Shows the current state, at most four times a second unless forced. */
  update(force = false): void {
    const now = performance.now();
    if (force || now - this.shownAt >= MS_BETWEEN_UPDATES) {
      this.show(this.secondsLeft(now));
      this.shownAt = now;
    }
  }

  /** Shows the final state. */
  end(): void {
    this.show(null);
  }

  private secondsLeft(now: number): number {
    const { epochs, initialEpoch, batches, epoch, batch } = this.progress;
    const done = (epoch - initialEpoch) * batches + batch;
    const all = (epochs - initialEpoch) * batches;
    return (((now - this.started) / done) * (all - done)) / 1000;
  }

  private inNotebook(): (secondsLeft: number | null) => void {
    const display = newDisplay();
    return (secondsLeft) => display.update(trainingProgress(this.progress, secondsLeft));
  }

  private inTerminal(): (secondsLeft: number | null) => void {
    const { stdout } = process;
    let printed = 0;
    return (secondsLeft) => {
      const clear = stdout.isTTY ? '\r\x1b[K' : '';
      while (printed < this.progress.finished.length) {
        stdout.write(`${clear}${epochLine(this.progress, printed++)}\n`);
      }
      if (secondsLeft === null) {
        stdout.write(this.progress.stopped ? `${clear}${this.progress.stopped}\n` : clear);
      } else if (stdout.isTTY) {
        stdout.write(`${clear}${progressLine(this.progress, secondsLeft)}`);
      }
    };
  }
}
