// Groups of processes with a limit of memory, made by classroom/limits.py as the hub does it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './notebook';
import { python } from './python';

/** A class beside others on this machine. */
const SETTINGS = `import sys
sys.path.insert(0, ${JSON.stringify(join(root, 'classroom'))})
import limits
limits.CLASS = 'mnist-class-test-${process.pid}'
limits.refuse_if_short = lambda student: None`;
const REMOVE = `for folder in {folder for _version, folder in limits.found().values()}:
  for group in folder.glob('*/'):
    group.rmdir()
  folder.rmdir()`;

/**
 * Runs lines of Python that use limits.py.
 *
 * @returns what they print.
 */
function withLimits(...lines: string[]): string {
  const script = [SETTINGS, ...lines].join('\n');
  return execFileSync(python, ['-B', '-c', script], { encoding: 'utf8' }).trim();
}

/** Why memory cannot be limited here; empty if it can. */
const reason =
  process.getuid?.() === 0
    ? withLimits('print(limits.find()[1].get("memory", ""))', REMOVE)
    : 'only root can limit memory';

/** Like `describe`, but skipped, with the reason in the title, where memory cannot be limited. */
export const describeIfLimited = (title: string, tests: () => void): void =>
  reason ? describe.skip(`${title} (skipped: ${reason})`, tests) : describe(title, tests);

/** The groups of a class and of its students. */
export class LimitedClass {
  /** @param megabytes the limit of all students together. */
  constructor(private readonly megabytes = 1_000_000) {}

  /** Makes the group of a student, with a limit in MB, and moves a process into it. Its later children are in it, too. */
  add(student: string, megabytes: number, pid: number): void {
    const folder = withLimits(
      `limits.class_limit = lambda: ${this.megabytes} * limits.MB`,
      `limits.STUDENT_LIMIT = ${megabytes} * limits.MB`,
      `limits.prepare('${student}')`,
      `print(limits.found()['memory'][1])`,
    );
    writeFileSync(join(folder, student, 'cgroup.procs'), String(pid));
  }

  /** Removes the groups, once their processes have ended. */
  remove(): void {
    withLimits(REMOVE);
  }
}
