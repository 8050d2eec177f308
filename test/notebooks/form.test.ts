import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Cell,
  type CodeCell,
  type Notebook,
  readNotebook,
  root,
  shownText,
  streamText,
} from '../helpers/notebook';

const codeCellsOf = ({ cells }: Notebook): CodeCell[] =>
  cells.filter((cell): cell is CodeCell => cell.cell_type === 'code');

interface Expected {
  /** The ids of the code cells. */
  ids: string[];
  /** Numbers in the prose that no cell shows, and where they are from. */
  fromElsewhere: Map<string, string>;
  /** Files with measurements that the prose quotes. */
  tables?: string[];
}

const NOTEBOOKS: Record<string, Expected> = {
  'mnist-dense': {
    ids: [
      ...['imports', 'parameters', 'load-data', 'first-image', 'flatten', 'normalize', 'sample', 'sample-grid'],
      ...['one-hot', 'one-hot-figure', 'neuron', 'build', 'network-figure', 'summary', 'softmax', 'activations'],
      ...['diagram', 'cross-entropy', 'gradient-descent', 'compile', 'fit', 'history', 'evaluate', 'first-digit'],
      ...['first-probabilities', 'predict', 'test-labels', 'confusion', 'wrong', 'wrong-sample', 'wrong-grid'],
      ...['wrong-digit', 'wrong-probabilities', 'save', 'load'],
    ],
    fromElsewhere: new Map([
      ['0.0611', "the original lecture's test loss"],
      ['0.9855', "the original lecture's test accuracy"],
      ['0.9820', 'Keras on TensorFlow 2.21, 10 epochs, batch size 200'],
      ['0.9806', 'the lowest test accuracy of seven seeds: 1, 2, 3, 7, 13, 14 and 42'],
      ['12,810', 'the parameters of the convolutional network'],
      ['0.9851', 'its test accuracy after 8 epochs'],
      ['0.0590', 'the lowest validation loss in a run of 25 epochs'],
      ['0.0672', 'the validation loss after epoch 25 of that run'],
      ['0.0001', 'the training loss after epoch 25 of that run'],
      ['0.9840', 'the validation accuracy after epoch 25 of that run'],
      ['70,000', 'pictures in MNIST: 60,000 + 10,000'],
    ]),
  },
  'look-inside': {
    ids: [
      ...['imports', 'parameters', 'load-data', 'build', 'load', 'evaluate', 'draw-digit'],
      ...['explore-confusion', 'class-report', 'confident-mistakes', 'calibration'],
      ...['strongest-neurons', 'hidden-activations', 'similarity', 'lit-neurons', 'input-gradient', 'morph'],
      'activation-map',
      ...['mean-digits', 'nearest-mean', 'settings', 'network-of', 'training-data', 'train', 'compare', 'linear'],
      ...['units', 'sigmoid', 'learning-rates', 'noise', 'digits', 'seeds'],
      ...['better-data', 'better-shifts', 'better-network', 'better-fit', 'better-rows'],
    ],
    fromElsewhere: new Map([
      ['188', 'the megabytes of 60,000 × 784 numbers of 4 bytes'],
      ['2017', 'the year of the paper on calibration'],
    ]),
    tables: [join('bench', 'better.md')],
  },
};

describe.each(Object.entries(NOTEBOOKS))('%s as committed', (name, { ids, fromElsewhere, tables = [] }) => {
  const notebook = readNotebook(join(root, 'notebooks', `${name}.ipynb`));
  const { cells } = notebook;
  const codeCells = codeCellsOf(notebook);

  test('has its cells, in this order', () => {
    expect(codeCells.map((cell) => cell.id)).toEqual(ids);
  });

  test('is written for the kernel that the project installs', () => {
    expect(notebook.metadata.kernelspec.name).toBe('tslab');
    expect(codeCells.find((cell) => cell.metadata.tags?.includes('parameters'))?.id).toBe('parameters');
  });

  test('has prose before each code cell and after each figure', () => {
    cells.forEach((cell, index) => {
      if (cell.cell_type === 'code' && cell.id !== 'parameters') {
        expect([cell.id, cells[index - 1]?.cell_type]).toEqual([cell.id, 'markdown']);
      }
      if (cell.cell_type === 'code' && cell.outputs.some((output) => output.output_type === 'display_data')) {
        expect([cell.id, cells[index + 1]?.cell_type]).toEqual([cell.id, 'markdown']);
      }
    });
  });

  test.each(codeCells.map((cell) => [cell.id, cell] as const))('keeps the cell %s short', (_id, { source }) => {
    const lines = source.split('\n');
    expect(lines.length).toBeLessThanOrEqual(14);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  test('is executed, without traces of the machine that ran it', () => {
    for (const cell of codeCells) {
      expect(cell.execution_count).toBeNull();
      expect(cell.metadata).not.toHaveProperty('execution');
      expect(cell.outputs.map((output) => output.output_type)).not.toContain('error');
      expect(streamText(cell, 'stderr')).toBe('');
    }
    const outputs = JSON.stringify(codeCells.map((cell) => cell.outputs));
    expect(outputs).not.toMatch(/\/(root|home|Users|tmp|work|var|opt)\//);
    expect(outputs).not.toMatch(/\d (ms|seconds|s)\b|\d:\d\d:\d\d/);
  });

  const shown = [
    ...codeCells.flatMap((cell) => [cell.source, ...cell.outputs.map((output) => JSON.stringify(output))]),
    ...tables.map((table) => readFileSync(join(root, table), 'utf8')),
  ].join('\n');
  const plain = shown.replace(/(?<=\d)[,_](?=\d{3})/g, '');

  const quoted = (cell: Cell): string[] => cell.source.match(/\d[\d,]*\.?\d+/g) ?? [];
  const numbers = cells
    .filter((cell) => cell.cell_type === 'markdown')
    .flatMap((cell) => quoted(cell).map((number) => [cell.id, number] as const))
    .filter(([, number]) => number.replace(/^0\.|[.,]/g, '').length >= 3 && !fromElsewhere.has(number));

  test.each(numbers)('quotes in %s the number %s, which is in the code or the outputs', (_id, number) => {
    expect(plain).toMatch(new RegExp(`(?<![\\d.])${number.replace(/,/g, '').replace('.', '\\.')}(?!\\d)`));
  });
});

describe('the numbers in the prose of the lecture', () => {
  const lecture = readNotebook();
  const codeCells = codeCellsOf(lecture);
  const epochLines = shownText(codeCells.find((cell) => cell.id === 'fit')!)
    .split('\n')
    .filter((line) => line.startsWith('epoch'));

  test('the parameters add up to the number in the summary', () => {
    expect(784 * 1000 + 1000).toBe(785_000);
    expect(1000 * 10 + 10).toBe(10_010);
    expect(streamText(codeCells.find((cell) => cell.id === 'summary')!)).toContain(`Total params: ${785_000 + 10_010}`);
  });

  test('the history has the values that the prose quotes', () => {
    expect(epochLines).toHaveLength(10);
    const values = (name: string) =>
      epochLines.map((line) => Number(new RegExp(`\\b${name} ([\\d.]+)`).exec(line)![1]));
    const prose = lecture.cells.find((cell) => cell.id === 'read-history')!.source.replace(/\s+/g, ' ');
    const [loss, acc] = [values('loss'), values('acc')];
    const [valLoss, valAcc] = [values('val_loss'), values('val_acc')];
    const lowest = Math.min(...valLoss);
    expect(prose).toContain(`from ${loss[0].toFixed(4)} to ${loss.at(-1)!.toFixed(4)}`);
    expect(prose).toContain(`lowest after epoch ${valLoss.indexOf(lowest) + 1}, with ${lowest.toFixed(4)}`);
    expect(prose).toContain(
      `right for ${acc.at(-1)!.toFixed(4)} of the training digits, but at its end for only ${valAcc.at(-1)!.toFixed(4)}`,
    );
    expect([...loss].sort((a, b) => b - a)).toEqual(loss); // 'falls in every epoch'
  });
});
