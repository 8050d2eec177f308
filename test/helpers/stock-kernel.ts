import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './notebook';

/**
 * Makes the kernel that `tslab install` makes, under the name `stock-tslab` (its own is the project's as well).
 *
 * @param folder where to make it.
 * @returns the environment in which Jupyter finds it.
 */
export function installStockKernel(folder: string): { JUPYTER_PATH: string } {
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
  return { JUPYTER_PATH: join(folder, 'share', 'jupyter') };
}
