import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A command that runs in the background of a test, in a process group of its own. */
export class Started {
  /** Its output so far, stdout and stderr. */
  output = '';
  /** Its exit code, once it has ended and all its output has arrived; null if a signal ended it. */
  readonly ended: Promise<number | null>;
  private readonly child: ChildProcess;
  private hasEnded = false;

  constructor(command: string, args: string[], options: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'>) {
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

  /** Waits until its output matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    await this.until(() => pattern.test(this.output), `says ${pattern}`);
    return pattern.exec(this.output)!;
  }

  /** Waits until a condition holds. Fails if the command ends before. */
  async until(condition: () => boolean, description = String(condition)): Promise<void> {
    while (!condition()) {
      if (this.hasEnded) {
        await this.ended;
        if (condition()) {
          return;
        }
        throw new Error(`The command ended before this held: ${description}\n${this.output}`);
      }
      await sleep(20);
    }
  }

  /** Sends a signal to this process only. */
  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Closes its standard input. */
  release(): void {
    this.child.stdin!.end();
  }

  /** Kills its whole process group, as a power cut would. */
  async killAll(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // It has already ended.
    }
    await this.ended;
  }
}
