import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, startKernel } from './kernel';
import { type CodeCell, readNotebook } from './notebook';
import { writeSmallData } from './small-data';

/** The code cells of the lecture. */
export const cells = readNotebook().cells.filter((cell): cell is CodeCell => cell.cell_type === 'code');

/** The code of a cell, with one epoch of training. */
export const source = ({ id, source: text }: CodeCell): string =>
  id === 'parameters' ? text.replace(/epochs = \d+/, 'epochs = 1') : text;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'small-lecture-'));
  writeSmallData(folder, 2000, 1000);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Starts a kernel whose MNIST has 2000 digits to train on and 1000 to test on. */
export function startSmallKernel(): Promise<Kernel> {
  return startKernel({ env: { MNIST_DIR: folder } });
}

/** Runs cells, each of which must succeed. */
export async function runAll(kernel: Kernel, order: CodeCell[] = cells): Promise<void> {
  for (const cell of order) {
    const { status, traceback, stderr } = await kernel.run(source(cell));
    expect([cell.id, status, traceback?.join('\n'), stderr]).toEqual([cell.id, 'ok', undefined, '']);
  }
}
