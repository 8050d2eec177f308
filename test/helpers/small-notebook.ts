// The notebooks with fewer digits and epochs, so that a test can run them many times.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kernel, startKernel } from './kernel';
import { type CodeCell, readNotebook, root } from './notebook';
import { writeSmallData } from './small-data';

/** What the cell `parameters` of each notebook sets, in place of its own values. */
const PARAMETERS = {
  'mnist-dense': { epochs: '1' },
  'look-inside': {
    epochs: '1',
    numDigits: '400',
    digitCounts: '[100, 400]',
    seeds: '[1, 2]',
    betterDigits: '600',
    betterEpochs: '2',
  },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'small-notebook-'));
  mkdirSync(join(folder, 'notebooks'));
  writeSmallData(folder, 2000, 1000);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A notebook of the project with small settings: 2000 digits to train on, 1000 to test on, and 1 epoch. */
export class SmallNotebook {
  /** Its code cells. */
  readonly cells: CodeCell[];

  constructor(private name: keyof typeof PARAMETERS) {
    const { cells } = readNotebook(join(root, 'notebooks', `${name}.ipynb`));
    this.cells = cells.filter((cell): cell is CodeCell => cell.cell_type === 'code');
  }

  /** Starts a kernel in a folder of its own, so that what the notebook saves is lost afterwards. */
  startKernel(): Promise<Kernel> {
    return startKernel({ env: { MNIST_DIR: folder }, cwd: join(folder, 'notebooks') });
  }

  /** The code of a cell, with the small settings. */
  source({ id, source }: CodeCell): string {
    if (id !== 'parameters') {
      return source;
    }
    return Object.entries(PARAMETERS[this.name]).reduce((text, [name, value]) => {
      const line = new RegExp(`(?<=^const ${name} = ).*(?=;$)`, 'm');
      expect(text).toMatch(line);
      return text.replace(line, value);
    }, source);
  }

  /** Runs cells, each of which must succeed. */
  async runAll(kernel: Kernel, order = this.cells): Promise<void> {
    for (const cell of order) {
      const { status, traceback, stderr } = await kernel.run(this.source(cell));
      expect([cell.id, status, traceback?.join('\n'), stderr]).toEqual([cell.id, 'ok', undefined, '']);
    }
  }
}
