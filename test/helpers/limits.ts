// Groups of processes with a limit of memory, made by classroom/limits.py as the hub does it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './notebook';

/** Runs code in Python that uses limits.py. @returns what it prints. */
function limits(code: string): string {
  const script = `import sys; sys.path.insert(0, ${JSON.stringify(join(root, 'classroom'))}); import limits; ${code}`;
  return execFileSync(join(root, '.venv', 'bin', 'python'), ['-B', '-c', script], { encoding: 'utf8' }).trim();
}

/** Why memory cannot be limited here; empty if it can. */
const reason =
  process.getuid?.() === 0 ? limits('print(limits.find()[1].get("memory", ""))') : 'only root can limit memory';

/** Like `describe`, but skipped, with the reason in the title, where memory cannot be limited. */
export const describeIfLimited = (title: string, tests: () => void): void =>
  reason ? describe.skip(`${title} (skipped: ${reason})`, tests) : describe(title, tests);

/** A student's group. */
export class LimitedGroup {
  private readonly name = `test-${process.pid}`;

  constructor(megabytes: number) {
    limits(`limits.STUDENT_LIMIT = ${megabytes} * limits.MB; limits.prepare(${JSON.stringify(this.name)})`);
  }

  /** Moves a process into the group. What it starts from then on is in the group, too. */
  add(pid: number): void {
    const folder = limits('print(limits.found()["memory"][1])');
    writeFileSync(join(folder, this.name, 'cgroup.procs'), String(pid));
  }

  /** Removes the group, once its processes have ended. */
  remove(): void {
    limits(`limits.remove(${JSON.stringify(this.name)})`);
  }
}
