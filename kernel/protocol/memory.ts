// The memory that this process may use: https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory is short when a group uses more than this share of its limit. */
export const MAX_SHARE = 0.9;

/** A control group with a limit of memory, which holds for all its processes together. */
export interface LimitedGroup {
  /** In bytes. */
  limit: number;
  /** The memory that the group uses, in bytes, without files, which Linux can drop. */
  used(): number;
}

/** The files of a control group in which Linux 1 and 2 tell its memory. */
const FILES = [
  { limit: 'memory.max', usage: 'memory.current', prefix: '' },
  { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', prefix: 'total_' },
];

/** The group of this process, or the nearest above it, that has a limit; null if there is none, as on most machines. */
export function limitedGroup(): LimitedGroup | null {
  const found = ownGroup();
  if (!found) {
    return null;
  }
  for (let { group } = found; group.startsWith(found.mount); group = dirname(group)) {
    for (const { limit: limitFile, usage, prefix } of FILES) {
      const limit = existsSync(join(group, limitFile)) ? Number(readFileSync(join(group, limitFile), 'utf8')) : NaN;
      // Without a limit, version 2 has the word "max" and version 1 a number near 2 ** 63.
      if (limit < Number.MAX_SAFE_INTEGER) {
        return { limit, used: () => usedBytes(group, usage, prefix) };
      }
    }
  }
  return null;
}

function usedBytes(group: string, usage: string, prefix: string): number {
  const stat = readFileSync(join(group, 'memory.stat'), 'utf8');
  const files = stat.matchAll(new RegExp(`^${prefix}(?:in)?active_file (\\d+)$`, 'gm'));
  const sizes = [...files].map(([, size]) => Number(size));
  return sizes.reduce((rest, size) => rest - size, Number(readFileSync(join(group, usage), 'utf8')));
}

/** The folder of this process's control group for memory, and the folder at the top, which a container may see only in part. */
function ownGroup(): { mount: string; group: string } | null {
  if (!existsSync('/proc/self/cgroup')) {
    return null; // not Linux
  }
  const groups = readFileSync('/proc/self/cgroup', 'utf8').split('\n');
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before, after] = line.split(' - ').map((part) => part.split(' '));
    const isVersion2 = after?.[0] === 'cgroup2' && existsSync(join(before[4], 'cgroup.controllers'));
    const isVersion1 = after?.[0] === 'cgroup' && after[2].split(',').includes('memory');
    const controllers = isVersion2 ? readFileSync(join(before[4], 'cgroup.controllers'), 'utf8') : '';
    if (isVersion1 || /\bmemory\b/.test(controllers)) {
      const own = groups.find((each) => (isVersion1 ? /^\d+:(.*,)?memory[,:]/ : /^0::/).test(each));
      const path = own?.replace(/^\d+:[^:]*:/, '') ?? '/';
      return { mount: before[4], group: join(before[4], relative(before[3], path)) };
    }
  }
  return null;
}

/** Collects garbage if memory is short, so that only memory in use counts. */
export function collectGarbageIfShort(): void {
  const group = limitedGroup();
  if (group && group.used() > MAX_SHARE * group.limit) {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
  }
}
