import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-node';
import { loadModel } from 'mnist-lib';
import { Checkout } from '../helpers/checkout';
import { startKernel } from '../helpers/kernel';
import { type CodeCell, type CodeOutput, joined, readNotebook, root, shownText } from '../helpers/notebook';

jest.setTimeout(300_000);

const { cells } = readNotebook();
const codeCells = cells.filter((cell): cell is CodeCell => cell.cell_type === 'code');
const fit = codeCells.findIndex(({ id }) => id === 'fit');
const text = (outputs: CodeOutput[]): string =>
  outputs.map((output) => joined((output.text ?? output.data!['text/plain']) as string | string[])).join('');

test('the line that the text names, in place of fit, gives every later cell the output of the saved run', async () => {
  const prose = cells.find(({ id }) => id === 'about-fit')!.source;
  const [line] = /(?<=`)const history = .*loadPretrained.*(?=`)/.exec(prose)!;
  // In a student's folder, with a copy of the notebook.
  const folder = mkdtempSync(join(tmpdir(), 'copied-lecture-'));
  mkdirSync(join(folder, 'notebooks'));
  const kernel = await startKernel({ cwd: join(folder, 'notebooks') });
  for (const [index, { id, source, outputs }] of codeCells.entries()) {
    const run = await kernel.run(index === fit ? line : source);
    expect([id, run.status, run.stderr]).toEqual([id, 'ok', '']);
    if (index > fit) {
      expect([id, text(run.outputs)]).toEqual([id, text(outputs)]);
    }
  }
  const { stdout } = await kernel.run('console.log(JSON.stringify(history.history));');
  const history = JSON.parse(stdout) as Record<string, number[]>;
  const lines = history.loss.map((_loss, epoch) => {
    const values = ['loss', 'acc', 'val_loss', 'val_acc'].map((name) => `${name} ${history[name][epoch].toFixed(4)}`);
    return `epoch ${epoch + 1} of 10: ${values.join(', ')}`;
  });
  expect(shownText(codeCells[fit])).toBe(`${lines.join('\n')}\nTrained for 10 epochs.`);
  await kernel.stop();
  rmSync(folder, { recursive: true });
});

describe('npm run pretrained', () => {
  let checkout: Checkout;
  beforeAll(() => {
    checkout = new Checkout().takeOver();
  });
  afterAll(() => checkout.delete());

  /** Whether loadPretrained loads the network there, or what it says. */
  function outcome(): string {
    const program = `
      const tf = require('@tensorflow/tfjs-node');
      const hidden = tf.layers.dense({ name: 'hidden', inputShape: [784], units: 1000, activation: 'relu' });
      const output = tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' });
      const model = tf.sequential({ layers: [hidden, output] });
      model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
      const { loadPretrained } = require('mnist-lib');
      loadPretrained(model).then(() => console.log('loaded'), ({ name, message }) => console.log(name + ': ' + message));
    `;
    const options = { cwd: checkout.root, encoding: 'utf8', env: checkout.environment } as const;
    return spawnSync(process.execPath, ['-e', program], options).stdout;
  }

  /** How far two lists of numbers are apart, in lengths of the first. */
  function distance(a: number[], b: number[]): number {
    const length = (numbers: number[]) => Math.sqrt(numbers.reduce((sum, number) => sum + number ** 2, 0));
    return length(a.map((number, index) => number - b[index])) / length(a);
  }

  /** The weights of a pretrained network, and its history. */
  async function load(folder: string): Promise<{ weights: number[][]; history: Record<string, number[]> }> {
    const model = await loadModel(`file://${join(folder, 'lib', 'pretrained')}`);
    const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
    const { history } = model.getUserDefinedMetadata() as Pick<tf.History, 'history'>;
    model.dispose();
    return { weights, history: history as Record<string, number[]> };
  }

  test('repairs a network that is damaged or missing, as the error says, and trains the one that is shipped', async () => {
    const shipped = join(checkout.root, 'lib', 'pretrained');
    const weightsFile = readdirSync(shipped).find((name) => name.endsWith('.bin'))!;
    truncateSync(join(shipped, weightsFile), 1_000_000);
    expect(outcome()).toMatch(
      /^SavedModelError: The model in .* is damaged: .*\. Make it again with `npm run pretrained`\.\n$/,
    );
    rmSync(shipped, { recursive: true });
    expect(outcome()).toMatch(
      /^SavedModelError: There is no saved model in .*\. Make it again with `npm run pretrained`\.\n$/,
    );

    const { status, stdout, stderr } = checkout.run('pretrained');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/ fit .*\n.* save-pretrained .*\nwrote .*pretrained\n$/);
    expect(outcome()).toBe('loaded\n');
    const [retrained, original] = await Promise.all([checkout.root, root].map(load));
    // Equal on the same machine. Where sums have another order (tried without oneDNN), the distance is 0.2 and the losses
    // differ by 0.0003; untrained weights of the same seed are 0.8 apart, and the same network trained with another seed 1.4.
    expect(retrained.weights.map((weight) => weight.length)).toEqual([784_000, 1000, 10_000, 10]);
    retrained.weights.forEach((weight, index) => {
      expect(distance(original.weights[index], weight)).toBeLessThan(0.4);
    });
    retrained.history.loss.forEach((loss, epoch) => {
      expect(Math.abs(loss - original.history.loss[epoch])).toBeLessThan(0.002);
    });
  });
});
