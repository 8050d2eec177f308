// The memory that this process may use: https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory is short when a group uses more than this share of its limit. */
const MAX_SHARE = 0.8;

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

/** A group that is short of memory, and what it used when that was seen, in bytes. */
export interface Shortage {
  group: LimitedGroup;
  used: number;
}

/** Whether half of what was left is used since: code that goes on may not be waited for. */
export function isFilling({ group, used }: Shortage): boolean {
  return group.used() > (group.limit + used) / 2;
}

/**
 * Watches the memory while a cell runs. The function that it returns is called often, and returns a shortage for which the
 * cell has to be stopped: a group is short, and the cell has taken more than the rest. So a cell that needs little goes on,
 * and can free memory. If all students together are short, those are stopped who take the most.
 */
export function watch(groups: LimitedGroup[]): () => Shortage | undefined {
  let least = Infinity;
  return () => {
    const readings = groups.map((group) => ({ group, used: group.used() }));
    // What the cell has taken can be seen in the nearest group: in the others, students come and go.
    const nearest = readings[0]?.used ?? 0;
    least = Math.min(least, nearest);
    return readings.find(({ group, used }) => isShort(group, used) && nearest - least > group.limit - used);
  };
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
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  }
}
