import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './notebook';

const folder = join(root, 'test', 'nodes');

/** The versions of Node in test/nodes. They are for Linux on x64; there are none on other platforms. */
export const otherNodes =
  process.platform === 'linux' && process.arch === 'x64'
    ? Object.keys(
        (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies: object }).dependencies,
      )
    : [];

/**
 * Installs the project's kernelspec for another Node.
 *
 * @param node one of `otherNodes`, which are installed when first needed.
 * @param prefix the folder to install it into.
 * @returns the environment in which Jupyter finds it, by the name `node`.
 */
export function installKernelFor(node: string, prefix: string): { JUPYTER_PATH: string } {
  const binary = join(folder, 'node_modules', node, 'bin', 'node');
  if (!existsSync(binary)) {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'pipe' });
  }
  const own = join(root, '.venv', 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json');
  const spec = JSON.parse(readFileSync(own, 'utf8')) as { argv: string[] };
  const kernels = join(prefix, 'share', 'jupyter');
  mkdirSync(join(kernels, 'kernels', node), { recursive: true });
  writeFileSync(
    join(kernels, 'kernels', node, 'kernel.json'),
    JSON.stringify({ ...spec, argv: [binary, ...spec.argv.slice(1)] }),
  );
  return { JUPYTER_PATH: kernels };
}
