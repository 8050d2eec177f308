import type { Kernel } from '../helpers/kernel';
import { type CodeCell, readNotebook } from '../helpers/notebook';
import { SmallNotebook } from '../helpers/small-notebook';

jest.setTimeout(300_000);

const lecture = new SmallNotebook('mnist-dense');
const { cells } = lecture;
const proposals = readNotebook().cells.find(({ id }) => id === 'learned')!.source;

/** The code in the proposal that begins with these words. */
function codeOf(beginning: string): string[] {
  const proposal = proposals.split(/^- /m).find((text) => text.startsWith(beginning))!;
  return [...proposal.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
}

const [, sigmoid, linear] = codeOf('Another activation');
const [withoutNormalization] = codeOf('Without normalization');
const [validation] = codeOf('Honest validation');
const [adam, sgd] = codeOf('Another learning rate');
const network = codeOf('The standard choice');

/** The cell that is changed, what is replaced in it, and by what. */
type Change = [id: string, replaced: string | RegExp, by: string];

const denormalized: Change = [
  'normalize',
  /^const trainX.*\n.*$/m,
  [withoutNormalization, withoutNormalization.replaceAll('train', 'test')].join('\n'),
];
const experiments: [title: string, ...Change][] = [
  ['fewer neurons', 'build', 'units: 1000', 'units: 100'],
  ['sigmoid', 'build', "'relu'", sigmoid],
  ['linear', 'build', "'relu'", linear],
  ['honest validation', 'fit', /validationData: .*\]/, validation],
  ['a large learning rate', 'compile', 'tf.train.adam()', adam],
  ['plain gradient descent', 'compile', 'tf.train.adam()', sgd],
  ['another seed', 'imports', 'seed = 13', 'seed = 14'],
  ['a convolutional network', 'build', /tf\.layers\.dense\(\{ name: 'hidden'.*\}\)/, network.join(',\n  ')],
];

/** The changed cell and all below. */
function changed(id: string, replaced: string | RegExp, by: string): CodeCell[] {
  const index = cells.findIndex((cell) => cell.id === id);
  const before = lecture.source(cells[index]);
  const after = before.replace(replaced, () => by);
  expect(after).not.toBe(before);
  return [{ ...cells[index], source: after }, ...cells.slice(index + 1)];
}

describe("'What to try next': the changed cell and all below work:", () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await lecture.startKernel();
    await lecture.runAll(kernel);
  });
  afterAll(() => kernel.stop());

  const firstLoss = async (): Promise<number> =>
    Number((await kernel.run('console.log(history.history.loss[0]);')).stdout);

  test('without normalization, whose first epoch is worse', async () => {
    const normalized = await firstLoss();
    await lecture.runAll(kernel, changed(...denormalized));
    expect(await firstLoss()).toBeGreaterThan(2 * normalized);
    await lecture.runAll(kernel);
  });

  test.each(experiments)('%s', async (_title, ...change) => {
    await lecture.runAll(kernel, changed(...change));
  });
});
