// The memory that this process may use: https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Memory is short when a group uses more than this share of its limit. A cell can take 2 MB per millisecond, and on a busy
 * machine it may be 100 ms until this process gets to look: of the limit of a class, the rest lasts for 300 ms.
 */
const MAX_SHARE = 0.7;
/** While a student's memory is short, a cell may take this share of what is left of it. */
const CELL_SHARE = 0.125;
/** In bytes: what any cell may take, so that it can free memory. TypeScript takes up to 9 MB to check a short cell. */
const SMALL = 10e6;
/** Code is terminated at once if, at its present rate, it would use up the rest in this time. */
const MIN_LASTING_MS = 200;
/** The time over which the speed is measured: in a shorter one, a batch of training looks like much more than it is. */
const SPEED_MS = 100;

/** A control group with a limit of memory, which holds for all its processes together. */
export interface LimitedGroup {
  /** In bytes. */
  limit: number;
  /** The memory that the group uses, in bytes, without files, which Linux can drop. */
  used(): number;
}

/**
 * The groups that have a limit: the one of this process and those above it, from the nearest on. In a class, these are the
 * student's and the class's; on most machines, there are none.
 */
export function limitedGroups(): LimitedGroup[] {
  if (!hierarchy) {
    return [];
  }
  const { mount, root, own, files } = hierarchy;
  const [, path] = own.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
  const groups = [];
  for (let group = join(mount, relative(root, path)); group.startsWith(mount); group = dirname(group)) {
    const folder = group;
    const file = join(folder, files.limit); // the group at the top of version 2 has none
    const limit = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN;
    // Without a limit, version 2 has the word "max" and version 1 a number near 2 ** 63.
    if (limit < Number.MAX_SAFE_INTEGER) {
      groups.push({ limit, used: () => usedBytes(folder, files) });
    }
  }
  return groups;
}

/** A group that is short of memory, for which the running cell has to be stopped. */
export interface Shortage {
  group: LimitedGroup;
  /** In bytes. */
  used: number;
  /** Whether the code must be terminated at once. */
  isUrgent: boolean;
}

/**
 * Watches the memory while a cell runs. The cell has to be stopped if the student's memory is short, and the cell has taken
 * more than an eighth of what is left. So a cell that needs little goes on, and can free memory, and a cell that is run again
 * and again after it was stopped is stopped each time. If all students together are short, the cells that have taken
 * more than all that is left are stopped.
 */
export class MemoryWatch {
  /**
   * Whether the cell may have to be stopped soon, by the last check, so that the next check has to be soon, too. If only the class
   * is short, this holds for a cell that has taken much: frequent checks by all kernels of a class cost processor time.
   */
  mayStopSoon = false;
  private readonly readings: { time: number; used: number[] }[] = [];
  /** The least that the nearest group has used. In the others, students come and go. */
  private least = Infinity;

  constructor(private readonly groups: LimitedGroup[]) {}

  /** Reads the memory of all groups. Returns the shortage for which the cell has to be stopped, if there is one. */
  check(): Shortage | undefined {
    const { groups, readings } = this;
    const now = { time: performance.now(), used: groups.map((group) => group.used()) };
    readings.push(now);
    while (readings.length > 2 && now.time - readings[0].time > SPEED_MS) {
      readings.shift();
    }
    this.least = Math.min(this.least, now.used[0]);
    const taken = now.used[0] - this.least;
    const short = groups
      .map((group, index) => ({ group, index, used: now.used[index], left: group.limit - now.used[index] }))
      .filter(({ group, used }) => isShort(group, used));
    this.mayStopSoon = short.some(({ index, left }) => index === 0 || taken > left / 2);
    const found = short.find(({ index, left }) => taken > (index > 0 ? left : Math.max(SMALL, CELL_SHARE * left)));
    if (!found) {
      return undefined;
    }
    const { group, index, used, left } = found;
    const [before] = readings;
    const speed = (used - before.used[index]) / (now.time - before.time); // per millisecond
    const wasShort = isShort(groups[0], this.least);
    return { group, used, isUrgent: wasShort || speed * MIN_LASTING_MS > left };
  }
}

function isShort({ limit }: LimitedGroup, used: number): boolean {
  return used > MAX_SHARE * limit;
}

interface Hierarchy {
  /** The folder of the group at the top that can be seen, and its path as /proc/self/cgroup has it. */
  mount: string;
  root: string;
  /** Finds the path of this process's group in /proc/self/cgroup. */
  own: RegExp;
  files: { limit: string; usage: string; inactive: string; active: string };
}

/** The control groups for memory; null where there are none. */
const hierarchy = findHierarchy();

function findHierarchy(): Hierarchy | null {
  if (process.platform !== 'linux') {
    return null;
  }
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , , root, mount] = line.split(' ');
    const [kind, , options] = line.split(' - ').at(-1)!.split(' ');
    const controllers = join(mount ?? '', 'cgroup.controllers');
    if (kind === 'cgroup2' && /\bmemory\b/.test(existsSync(controllers) ? readFileSync(controllers, 'utf8') : '')) {
      const files = { limit: 'memory.max', usage: 'memory.current', inactive: 'inactive_file', active: 'active_file' };
      return { mount, root, own: /^0::(.*)$/m, files };
    }
    if (kind === 'cgroup' && options.split(',').includes('memory')) {
      const [limit, usage] = ['memory.limit_in_bytes', 'memory.usage_in_bytes'];
      const files = { limit, usage, inactive: 'total_inactive_file', active: 'total_active_file' };
      return { mount, root, own: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m, files };
    }
  }
  return null;
}

function usedBytes(group: string, { usage, inactive, active }: Hierarchy['files']): number {
  const stat = readFileSync(join(group, 'memory.stat'), 'utf8');
  const size = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return Number(readFileSync(join(group, usage), 'utf8')) - size(inactive) - size(active);
}

/** Collects garbage if memory is short, so that only memory in use counts. */
export function collectGarbageIfShort(): void {
  if (limitedGroups().some((group) => isShort(group, group.used()))) {
    collectGarbage();
  }
}

/** Lets V8 collect garbage at once. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
