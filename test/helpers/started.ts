import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A command that goes on beside the test, in a process group of its own. */
export class Started {
  /** What it has printed so far, on stdout and stderr. */
  output = '';
  /** Its exit code, once it has ended and all its output has come; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private hasEnded = false;

  constructor(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv }) {
    this.child = spawn(command, args, { ...options, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (chunk) => (this.output += String(chunk)));
    this.child.stderr!.on('data', (chunk) => (this.output += String(chunk)));
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', resolve);
    });
    this.child.on('exit', () => (this.hasEnded = true));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Waits until it has printed this. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    await this.until(() => pattern.test(this.output), `says ${pattern}`);
    return pattern.exec(this.output)!;
  }

  /** Waits until something has become true through it. */
  async until(isSo: () => boolean, what = String(isSo)): Promise<void> {
    while (!isSo()) {
      if (this.hasEnded) {
        await this.ended;
        if (isSo()) {
          return;
        }
        throw new Error(`It ended before this was so: ${what}\n${this.output}`);
      }
      await sleep(20);
    }
  }

  /** Sends a signal to this one process. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends its standard input. */
  release(): void {
    this.child.stdin!.end();
  }

  /** Ends it with all that it started in its group, as a power cut would. */
  async killAll(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // It has already ended.
    }
    await this.ended;
  }
}
