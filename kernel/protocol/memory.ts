// The memory that this process may use: https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory is short when a group uses more than this share of its limit. */
export const MAX_SHARE = 0.8;

/** A control group with a limit of memory, which holds for all its processes together. */
export interface LimitedGroup {
  /** In bytes. */
  limit: number;
  /** The memory that the group uses, in bytes, without files, which Linux can drop. */
  used(): number;
}

/** The group of this process, or the nearest above it, that has a limit; null if there is none, as on most machines. */
export function limitedGroup(): LimitedGroup | null {
  if (!hierarchy) {
    return null;
  }
  const { mount, root, own, files } = hierarchy;
  const [, path] = own.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
  for (let group = join(mount, relative(root, path)); group.startsWith(mount); group = dirname(group)) {
    const file = join(group, files.limit); // the group at the top of version 2 has none
    const limit = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN;
    // Without a limit, version 2 has the word "max" and version 1 a number near 2 ** 63.
    if (limit < Number.MAX_SAFE_INTEGER) {
      return { limit, used: () => usedBytes(group, files) };
    }
  }
  return null;
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
  const group = limitedGroup();
  if (group && group.used() > MAX_SHARE * group.limit) {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  }
}
