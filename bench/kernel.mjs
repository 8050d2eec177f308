// The kernel beside tslab's own and ipykernel: its start, its memory, small cells, and long output.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment } from '../scripts/environment.mjs';
import { nodeModules, python, root } from '../scripts/paths.mjs';
import { section, spread, table } from './report.mjs';

/**
 * Times the kernels in turn, and returns a section of results.md.
 *
 * @param {number} rounds how often each kernel is started.
 */
export function measureKernel(rounds) {
  if (process.platform !== 'linux') {
    console.error('npm run bench -- --kernel reads /proc, which only Linux has: run it on Linux.');
    process.exit(1);
  }
  console.log('the kernels in turn ...');
  const tslab = join(nodeModules, 'tslab', 'bin', 'tslab');
  const { status, stdout } = spawnSync(
    python,
    [join(root, 'bench', 'kernel.py'), String(rounds), tslab, process.execPath],
    { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (status !== 0) {
    process.exit(1); // kernel.py has said why
  }
  /** @type {Record<string, Record<string, number[]>>} by kernel and case, in seconds or MB */
  const results = JSON.parse(stdout);
  const [[, own]] = Object.entries(results);
  return section('Kernel', `npm run bench -- --kernel --rounds ${rounds}`, [
    'The median, with the smallest and the largest number, of kernels that were started in turn, with the same cells in ' +
      'TypeScript and in Python. Times are in ms, from the request until `idle`; memory (PSS) is in MB. tslab’s own kernel ' +
      'loses lines of long output.',
    '',
    ...table([
      ['', ...Object.keys(results)],
      ...Object.keys(own).map((name) => [
        name,
        ...Object.values(results).map((cases) =>
          spread(
            (cases[name] ?? []).map((value) => (name.startsWith('memory') ? value : value * 1000)),
            0,
          ),
        ),
      ]),
    ]),
  ]);
}
