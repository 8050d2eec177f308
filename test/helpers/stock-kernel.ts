import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './notebook';

/**
 * Installs tslab's own kernel by `tslab install`, under the name `stock-tslab`: the project's kernel is called `tslab`.
 *
 * If a file of a package changes while a cell runs, tslab fails with "Unexpected pending rebuildTimer", even if only the
 * file's number of links changes. Other tests link the packages, so TypeScript is told to compare the files' times.
 *
 * @param folder the folder to install into.
 * @returns the environment in which Jupyter finds the kernel.
 */
export function installStockKernel(folder: string): { JUPYTER_PATH: string; TSC_WATCHFILE: string } {
  const tslab = join(root, 'node_modules', 'tslab', 'bin', 'tslab');
  const bin = join(root, '.venv', 'bin');
  const installed = spawnSync(
    process.execPath,
    [tslab, 'install', '--python', join(bin, 'python'), '--prefix', folder, '--binary', tslab],
    { encoding: 'utf8', env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } },
  );
  if (installed.status !== 0) {
    throw new Error(`tslab install failed: ${installed.stderr}`);
  }
  const kernels = join(folder, 'share', 'jupyter', 'kernels');
  renameSync(join(kernels, 'tslab'), join(kernels, 'stock-tslab'));
  return { JUPYTER_PATH: join(folder, 'share', 'jupyter'), TSC_WATCHFILE: 'DynamicPriorityPolling' };
}
