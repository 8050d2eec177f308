// The memory of kernels that run the lecture at the same time, as in a class.
import { basename } from 'node:path';
import { notebook as lecture } from '../scripts/paths.mjs';
import { prepareWorkFolder } from '../scripts/work.mjs';
import { expectLinux, measureByScript } from './processes.mjs';
import { median, section, table } from './report.mjs';

/** @typedef {{ cell: string, resident: number, own: number }} Reading medians over the kernels, in MB */

const KERNELS = 3;
const KINDS = /** @type {const} */ (['resident', 'own']);
/** What changes less than this, in MB, gets no row. */
const NEGLIGIBLE = 10;
/**
 * The lecture's aims.
 *
 * @type {Record<string, string>}
 */
const AIMS = { imports: 'own at most 300', last: 'own at most 600', peak: 'resident at most 850' };

/**
 * Runs a notebook with one epoch, first in one kernel and then in several, and returns a section of results.md.
 *
 * @param {string} notebook its path, by default that of the lecture.
 */
export function measureMemory(notebook = lecture) {
  expectLinux('--memory');
  prepareWorkFolder();
  console.log('the notebook in one kernel ...');
  const alone = run(notebook, 1);
  console.log(`the notebook in ${KERNELS} kernels at once ...`);
  const { readings } = run(notebook, KERNELS);
  const last = readings.length - 2; // one more follows, some seconds after the last cell
  const aim = (/** @type {string} */ row) => (notebook === lecture && AIMS[row]) || '';
  /** @type {Reading[]} */
  const shown = [];
  for (const [index, reading] of readings.entries()) {
    const before = shown.at(-1);
    const change = before ? Math.max(...KINDS.map((kind) => Math.abs(reading[kind] - before[kind]))) : Infinity;
    if (change >= NEGLIGIBLE || index >= last || aim(reading.cell)) {
      shown.push(reading);
    }
  }
  const options = notebook === lecture ? '--memory' : `--memory --notebook ${basename(notebook)}`;
  return section('Memory', `npm run bench -- ${options}`, [
    `The memory of a kernel in MB, as the median of ${KERNELS} kernels that run the cells at the same time, with one ` +
      'epoch. Resident memory includes what the kernels share, mainly the libraries; own memory is what each further ' +
      `kernel costs. A cell that changes both by less than ${NEGLIGIBLE} MB has no row. The last row is the peak of a single kernel.`,
    '',
    ...table([
      ['after', 'resident', 'own', 'aim'],
      ...shown.map((reading, index) => {
        const isLast = index === shown.length - 2;
        const [resident, own] = KINDS.map((kind) => reading[kind].toFixed(0));
        return [
          isLast ? `${reading.cell}, the last cell` : reading.cell,
          resident,
          own,
          aim(isLast ? 'last' : reading.cell),
        ];
      }),
      ['peak of one kernel alone', alone.peak.toFixed(0), '', aim('peak')],
    ]),
  ]);
}

/**
 * @param {string} notebook
 * @param {number} kernels
 * @returns {{ readings: Reading[], peak: number }} peak: the median of the kernels' largest resident memory, in MB.
 */
function run(notebook, kernels) {
  const { cells, peaks } =
    /** @type {{ cells: { cell: string, resident: number[], own: number[] }[], peaks: number[] }} */ (
      measureByScript('memory.py', notebook, String(kernels))
    );
  const readings = cells.map(({ cell, resident, own }) => ({ cell, resident: median(resident), own: median(own) }));
  return { readings, peak: median(peaks) };
}
