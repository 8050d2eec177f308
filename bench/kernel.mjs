// The kernel beside tslab's own and ipykernel: its start, its memory, small cells, and long output.
import { join } from 'node:path';
import { nodeModules } from '../scripts/paths.mjs';
import { expectLinux, measureByScript } from './processes.mjs';
import { section, spread, table } from './report.mjs';

/**
 * Times the kernels in turn, and returns a section of results.md.
 *
 * @param {number} rounds how often each kernel is started.
 */
export function measureKernel(rounds) {
  expectLinux('--kernel');
  console.log('the kernels in turn ...');
  const tslab = join(nodeModules, 'tslab', 'bin', 'tslab');
  // By kernel and case, in seconds or MB.
  const results = /** @type {Record<string, Record<string, number[]>>} */ (
    measureByScript('kernel.py', String(rounds), tslab, process.execPath)
  );
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
