import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The processes that a process has started, directly or indirectly (Linux). */
export function descendants(pid: number): number[] {
  const children = allPids().filter((other) => stat(other)?.parent === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Whether one of a process's threads still runs. A zombie does not, but the first thread may be one before the others. */
export function isAlive(pid: number): boolean {
  return namesIn(`/proc/${pid}/task`).some((thread) => (stat(`${pid}/task/${thread}`)?.state ?? 'Z') !== 'Z');
}

export function commandOf(pid: number): string {
  return existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
}

/** 127.0.0.1 in /proc/net/tcp */
export const LOOPBACK = '0100007F';

/** The TCP addresses at which a process listens, in the form of /proc/net/tcp: `0100007F:22B8`. */
export function listeningAddresses(pid: number): string[] {
  const table = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1),
  );
  const LISTEN = '0A';
  const listening = table.map((line) => line.trim().split(/\s+/)).filter((fields) => fields[3] === LISTEN);
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1]),
  );
  return listening.filter((fields) => inodes.has(fields[9])).map((fields) => fields[1]);
}

function allPids(): number[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the process has ended since
  }
}

/** The state and the parent of a process or, as `PID/task/THREAD`, of a thread. */
function stat(pid: number | string): { state: string; parent: number } | null {
  try {
    // The form is: pid (command) state parent ... The command may contain any character.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed since
  }
}
