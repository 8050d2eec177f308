import { readFileSync, readdirSync } from 'node:fs';
import { uptime } from 'node:os';

interface Process {
  pid: number;
  parent: number;
  /** In clock ticks since the machine was started. */
  startedAt: number;
}

/** Linux's unit of `startedAt`, on all its platforms. */
const TICKS_PER_SECOND = 100;

/** The time now, as `startedAt` counts it. It fits into shared memory, and is never 0. */
export function ticks(): number {
  return Math.floor(uptime() * TICKS_PER_SECOND) | 0 || 1;
}

/**
 * Sends SIGINT, as Ctrl-C in a terminal does, to the child process that the main thread waits for, and to the processes that
 * this child has started. While the main thread waits, it starts no other child: it is the newest one. Only Linux has /proc.
 *
 * @param since the time, by `ticks`, when the main thread began to start the child.
 * @returns whether the child was found; false if it has not started yet, or has ended.
 */
export function interruptAwaitedChild(since: number): boolean {
  const isNew = ({ startedAt }: Process): boolean => ((startedAt - since) | 0) >= 0;
  const child = childrenOf(process.pid)
    .filter(isNew)
    .sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid)
    .at(-1);
  if (child) {
    interrupt(child);
  }
  return child !== undefined;
}

/** Interrupts a process and what it has started. It is paused meanwhile: a shell could start its next command otherwise. */
function interrupt({ pid }: Process): void {
  signal(pid, 'SIGSTOP');
  childrenOf(pid).forEach(interrupt);
  signal(pid, 'SIGINT');
  signal(pid, 'SIGCONT');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

function childrenOf(pid: number): Process[] {
  return processes().filter(({ parent }) => parent === pid);
}

/** All processes, by /proc/PID/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function processes(): Process[] {
  if (process.platform !== 'linux') {
    return [];
  }
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third field on: the second is a name
      return [{ pid: Number(pid), parent: Number(fields[1]), startedAt: Number(fields[19]) }];
    } catch {
      return []; // it has ended
    }
  });
}
