// Shows what child processes print to the outputs that they inherit. The kernel's own outputs, which they would get, lead to
// Jupyter's log, and Node cannot redirect them. The only file that changes `node:child_process`; it uses its public interface,
// and `ChildProcess.prototype.spawn`, to which all functions that do not wait give their `stdio`.
import childProcess from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type StreamName = 'stdout' | 'stderr';

const NAMES: Record<number, StreamName> = { 1: 'stdout', 2: 'stderr' };

/** For each of a child's files, the output of this process that it inherits. */
function inheritedOutputs(stdio: unknown): (StreamName | undefined)[] {
  const list: unknown[] = typeof stdio === 'string' ? [stdio, stdio, stdio] : Array.isArray(stdio) ? stdio : [];
  return list.map((each, index) => {
    const descriptor = each === 'inherit' ? index : ((each as { fd?: unknown } | null)?.fd ?? each);
    return typeof descriptor === 'number' ? NAMES[descriptor] : undefined;
  });
}

/** `stdio` with other files in place of the outputs that are inherited. */
function replaced(
  stdio: unknown,
  outputs: (StreamName | undefined)[],
  files: (name: StreamName) => unknown,
): unknown[] {
  return outputs.map((name, index) => (name ? files(name) : typeof stdio === 'string' ? stdio : (stdio as [])[index]));
}

export function showOutputOfChildren(): void {
  showOutputOfStarted();
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) {
    showOutputOfAwaited(name);
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
    const outputs = inheritedOutputs(options.stdio);
    if (!outputs.some((name) => name)) {
      return spawn.call(this, options);
    }
    const result = spawn.call(this, { ...options, stdio: replaced(options.stdio, outputs, () => 'pipe') });
    outputs.forEach((name, index) => {
      if (name) {
        this.stdio[index]?.on('data', (chunk: Buffer) => process[name].write(chunk));
      }
    });
    // As in Node: what a child inherits, its parent does not read.
    Object.assign(this, { stdout: outputs[1] ? null : this.stdout, stderr: outputs[2] ? null : this.stderr });
    return result;
  };
}

/** Of a function that waits for the end: a file takes the place of the output. */
function showOutputOfAwaited(name: 'spawnSync' | 'execFileSync' | 'execSync'): void {
  type Run = (...args: unknown[]) => unknown;
  const run = childProcess[name] as unknown as Run;
  const shown: Run = (...args) => {
    const options = args.at(-1) as { stdio?: unknown } | null | undefined;
    const outputs = inheritedOutputs(options?.stdio);
    if (!outputs.some((output) => output)) {
      return run(...args);
    }
    const folder = mkdtempSync(join(tmpdir(), 'output-'));
    const descriptors = {
      stdout: openSync(join(folder, 'stdout'), 'a'),
      stderr: openSync(join(folder, 'stderr'), 'a'),
    };
    try {
      const stdio = replaced(options!.stdio, outputs, (output) => descriptors[output]);
      return run(...args.slice(0, -1), { ...options, stdio });
    } finally {
      for (const output of ['stdout', 'stderr'] as const) {
        closeSync(descriptors[output]);
        process[output].write(readFileSync(join(folder, output)));
      }
      rmSync(folder, { recursive: true });
    }
  };
  Object.assign(childProcess, { [name]: shown });
}
