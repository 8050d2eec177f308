// Shows what child processes print to the outputs that they inherit, and lets Stop end those that a cell waits for. The
// kernel's own outputs, which they would inherit, lead to Jupyter's log, and Node cannot redirect them. The only file that
// changes `node:child_process`; it uses its public interface, and `ChildProcess.prototype.spawn`, to which all functions that
// do not wait give their `stdio`.
import childProcess from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Sections } from '../stop/sections';

type StreamName = 'stdout' | 'stderr';

const NAMES: Record<number, StreamName> = { 1: 'stdout', 2: 'stderr' };

/**
 * Finds the outputs that a child would inherit.
 *
 * @returns `stdio` with other files in their place, and their names by index; null if there are none.
 */
function redirected(
  stdio: unknown,
  fileFor: (name: StreamName) => unknown,
): { stdio: unknown[]; names: (StreamName | undefined)[] } | null {
  const files: unknown[] = typeof stdio === 'string' ? [stdio, stdio, stdio] : Array.isArray(stdio) ? stdio : [];
  const names = files.map((file, index) => {
    const descriptor = file === 'inherit' ? index : ((file as { fd?: unknown } | null)?.fd ?? file);
    return typeof descriptor === 'number' ? NAMES[descriptor] : undefined;
  });
  return names.some((name) => name)
    ? { stdio: files.map((file, index) => (names[index] ? fileFor(names[index]) : file)), names }
    : null;
}

export function showOutputOfChildren(sections: Sections): void {
  showOutputOfStarted();
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) {
    showOutputOfAwaited(name, sections);
  }
  syncBuiltinESMExports();
}

/** Of `spawn`, `execFile`, `exec` and `fork`: a pipe takes the place of the output. */
function showOutputOfStarted(): void {
  const { prototype } = childProcess.ChildProcess as unknown as {
    prototype: { spawn: (this: childProcess.ChildProcess, options: { stdio?: unknown }) => number };
  };
  const { spawn } = prototype;
  prototype.spawn = function (options) {
    const inherited = redirected(options.stdio, () => 'pipe');
    if (!inherited) {
      return spawn.call(this, options);
    }
    const { stdio, names } = inherited;
    const result = spawn.call(this, { ...options, stdio });
    names.forEach((name, index) => {
      if (name) {
        this.stdio[index]?.on('data', (chunk: Buffer) => process[name].write(chunk));
      }
    });
    // As in Node: what a child inherits, its parent does not read.
    Object.assign(this, { stdout: names[1] ? null : this.stdout, stderr: names[2] ? null : this.stderr });
    return result;
  };
}

/** Of a function that waits for the end: a file takes the place of the output. Stop ends the wait. */
function showOutputOfAwaited(name: 'spawnSync' | 'execFileSync' | 'execSync', sections: Sections): void {
  type Run = (...args: unknown[]) => unknown;
  const original = childProcess[name] as unknown as Run;
  const run: Run = (...args) => sections.awaitChild(() => original(...args));
  const shown: Run = (...args) => {
    const options = args.at(-1) as { stdio?: unknown } | null | undefined;
    const files: { name: StreamName; path: string; descriptor: number }[] = [];
    const inherited = redirected(options?.stdio, (output) => {
      const path = join(mkdtempSync(join(tmpdir(), 'output-')), output);
      files.push({ name: output, path, descriptor: openSync(path, 'a') });
      return files.at(-1)!.descriptor;
    });
    if (!inherited) {
      return run(...args);
    }
    try {
      return run(...args.slice(0, -1), { ...options, stdio: inherited.stdio });
    } finally {
      for (const { name: output, path, descriptor } of files) {
        closeSync(descriptor);
        process[output].write(readFileSync(path));
        rmSync(dirname(path), { recursive: true });
      }
    }
  };
  Object.assign(childProcess, { [name]: shown });
}
