import { readFileSync, readdirSync } from 'node:fs';

interface Process {
  pid: number;
  parent: number;
  /** In clock ticks since the machine was started. */
  startedAt: number;
}

/**
 * Sends SIGINT, as Ctrl-C in a terminal does, to the child process that the main thread waits for, and to the processes that
 * this child has started. While the main thread waits, it starts no other child: it is the newest one. Only Linux has /proc.
 */
export function interruptAwaitedChild(): void {
  const all = processes();
  const childrenOf = (pid: number): Process[] => all.filter(({ parent }) => parent === pid);
  const interrupt = ({ pid }: Process): void => {
    childrenOf(pid).forEach(interrupt);
    try {
      process.kill(pid, 'SIGINT');
    } catch {
      // It has ended.
    }
  };
  childrenOf(process.pid)
    .sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid)
    .slice(-1)
    .forEach(interrupt);
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
