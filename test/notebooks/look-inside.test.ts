// The notebook after the lecture. That it has the right form and runs in any order is tested with the lecture.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkout } from '../helpers/checkout';
import type { Kernel } from '../helpers/kernel';
import { type CodeCell, readNotebook, root, shownText, streamText } from '../helpers/notebook';
import { SmallNotebook } from '../helpers/small-notebook';

jest.setTimeout(600_000);

function codeCells(path: string): Map<string, CodeCell> {
  return new Map(readNotebook(path).cells.flatMap((cell) => (cell.cell_type === 'code' ? [[cell.id, cell]] : [])));
}

/** The accuracies that an experiment printed, by setting; if it was repeated, those of the first seed. */
function accuracies(cell: CodeCell): Record<string, number> {
  const lines = [...streamText(cell).matchAll(/^(.+): (0\.\d{4})/gm)];
  return Object.fromEntries(lines.map(([, name, accuracy]) => [name, Number(accuracy)]));
}

// scikit-learn 1.9.1: NearestCentroid().fit(trainX / 255, trainY).score(testX / 255, testY)
const NEAREST_CENTROID = '0.8203';
// scikit-learn 1.9.1: LogisticRegression(max_iter=100), with the same digits
const LOGISTIC_REGRESSION = 0.9257;

describe('the experiments as committed', () => {
  const cells = codeCells(join(root, 'notebooks', 'look-inside.ipynb'));
  const of = (id: string): Record<string, number> => accuracies(cells.get(id)!);

  test('load the network of the lecture', () => {
    const lecture = codeCells(join(root, 'notebooks', 'mnist-dense.ipynb'));
    const accuracy = /^Test accuracy: .*$/m;
    expect(streamText(cells.get('load')!)).toBe('loaded from file://../out/dense-network\n');
    expect(accuracy.exec(streamText(cells.get('evaluate')!))).toEqual(
      expect.arrayContaining([...accuracy.exec(streamText(lecture.get('evaluate')!))!]),
    );
  });

  test('find as many digits nearest to the right mean as scikit-learn', () => {
    expect(streamText(cells.get('nearest-mean')!)).toBe(`Nearest mean: ${NEAREST_CENTROID}\n`);
  });

  test('show that linear layers come near to the best linear classifier, and not beyond', () => {
    const { 'no hidden layer': none, '1000 linear': linear, '1000 ReLU': relu } = of('linear');
    for (const accuracy of [none, linear]) {
      expect(accuracy).toBeGreaterThan(LOGISTIC_REGRESSION - 0.025);
      expect(accuracy).toBeLessThan(LOGISTIC_REGRESSION);
    }
    expect(relu).toBeGreaterThan(0.96);
  });

  test('show what the text says about the order of the settings', () => {
    const ascending = (values: number[]): void => expect(values).toEqual([...values].sort((a, b) => a - b));
    ascending(Object.values(of('units')));
    ascending(Object.values(of('digits')));
    ascending(Object.values(of('seeds')));
    ascending(Object.values(of('noise')).reverse());
    const rates = of('learning-rates');
    expect(Math.max(...Object.values(rates))).toBe(rates['0.001']);
    const deep = of('sigmoid');
    expect(deep['8 × sigmoid']).toBeLessThan(0.5);
    expect(deep['8 × relu']).toBeGreaterThan(0.9);
  });
});

describe('npm run lecture -- --notebook look-inside, on a machine where the lecture has not been run', () => {
  let checkout: Checkout;
  let printed: string;
  let cells: Map<string, CodeCell>;
  beforeAll(() => {
    checkout = new Checkout().takeOver();
    checkout.replace('notebooks/look-inside.ipynb', (json) => json.replace('betterEpochs = 20', 'betterEpochs = 1'));
    const { status, stdout, stderr } = checkout.run('lecture', {}, ['--notebook', 'look-inside', '--epochs', '1']);
    expect([status, stderr]).toEqual([0, '']);
    printed = stdout;
    cells = codeCells(join(checkout.root, 'out', 'look-inside.ipynb'));
  });
  afterAll(() => checkout.delete());

  test('trains the network for a short time, and says so', () => {
    expect(streamText(cells.get('load')!)).toMatch(
      /^There is no saved model in \S+dense-network .*\. Here is a short training in its place\.\n$/,
    );
    expect(shownText(cells.get('load')!)).toMatch(/^epoch 1 of 2: [^]*\nTrained for 2 epochs\.$/);
    const [, accuracy] = /^Test accuracy: (0\.\d{4})\n$/.exec(streamText(cells.get('evaluate')!))!;
    expect(Number(accuracy)).toBeGreaterThan(0.96);
    expect(printed.trimEnd().split('\n').at(-1)).toBe(`Test accuracy: ${accuracy}`);
  });

  test('runs every cell without an error and without a word on stderr', () => {
    for (const [id, cell] of cells) {
      expect([id, streamText(cell, 'stderr')]).toEqual([id, '']);
      expect([id, cell.outputs.map(({ output_type }) => output_type)]).not.toEqual([
        id,
        expect.arrayContaining(['error']),
      ]);
    }
    expect(streamText(cells.get('nearest-mean')!)).toBe(`Nearest mean: ${NEAREST_CENTROID}\n`);
  });

  test('writes the page', () => {
    const page = readFileSync(join(checkout.root, 'out', 'look-inside.html'), 'utf8');
    expect(page).toContain(`Nearest mean: ${NEAREST_CENTROID}`);
  });
});

describe('in a kernel', () => {
  const lecture = new SmallNotebook('mnist-dense');
  const notebook = new SmallNotebook('look-inside');
  const cellOf = (id: string): CodeCell => notebook.cells.find((cell) => cell.id === id)!;
  const upTo = (id: string): CodeCell[] => notebook.cells.slice(0, notebook.cells.indexOf(cellOf(id)) + 1);
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await lecture.startKernel();
    await lecture.runAll(kernel);
  });
  afterAll(() => kernel.stop());

  test('the network is the one that the lecture has saved', async () => {
    const { stdout: saved } = await kernel.run('console.log(predictedLabels.join());');
    await kernel.restart();
    await notebook.runAll(kernel, upTo('evaluate'));
    const { stdout: loaded } = await kernel.run('console.log(predictedLabels.join());');
    expect(loaded).toBe(saved);
  });

  test('a saved network with other layers is not used, and the cell says why', async () => {
    await kernel.run(`const other = tf.sequential({ layers: [tf.layers.dense({ units: 10, inputShape: [784] })] });
      await mnist.saveModel(other, folder);`);
    const { status, stdout } = await kernel.run(cellOf('load').source);
    expect([status, stdout]).toEqual([
      'ok',
      expect.stringMatching(/has another architecture: .* Here is a short training/),
    ]);
  });

  test('Stop ends the experiment that runs, not only one of its trainings', async () => {
    const shown = ({ id, source }: CodeCell): string => (id === 'train' ? source.replace('verbose: 0', '') : source);
    await notebook.runAll(
      kernel,
      upTo('compare').map((cell) => ({ ...cell, source: shown(cell) })),
    );
    const run = kernel.start(`await compare([{ name: 'long', digits: 1 }, { name: 'never' }]);`);
    await run.until(/^epoch 1 of 400: /m);
    await kernel.interrupt();
    await run.ended;
    expect([run.status, run.evalue]).toEqual(['error', expect.stringMatching(/^Stopped by an interrupt /)]);
    expect(run.stdout).not.toContain('never');
  });
});
