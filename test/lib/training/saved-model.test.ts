import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import {
  SavedModelError,
  checkpoint,
  fit,
  loadCheckpoint,
  loadModel,
  randomShift,
  saveModel,
  setSeed,
} from 'mnist-lib';
import { root } from '../../helpers/notebook';
import { compiled, smallMnist, smallNetwork } from '../../helpers/small-mnist';

let folder: string;
let url: string;
let data: { x: tf.Tensor2D; y: tf.Tensor2D };
beforeAll(() => {
  data = smallMnist(500);
});
afterAll(() => {
  tf.dispose(data);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'saved-model-'));
  url = `file://${folder}`;
  setSeed(13);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const train = (model: tf.LayersModel, options: tf.ModelFitArgs = {}) =>
  fit(model, data.x, data.y, { batchSize: 50, verbose: 0, ...options });
const network = () => compiled(smallNetwork());
/** The smallest and the largest number of each weight. */
const extremes = (model: tf.LayersModel): number[][] =>
  model.getWeights().map((weight) => [weight.min().dataSync()[0], weight.max().dataSync()[0]]);
const weightsFile = () =>
  join(
    folder,
    readdirSync(folder).find((name) => name.startsWith('weights-'))!,
  );

describe('saveModel(model, url) and loadModel(url, like)', () => {
  test('restore a trained model with its weights and optimizer, and leak no tensor', async () => {
    const model = network();
    await train(model);
    const before = tf.memory().numTensors;
    await saveModel(model, url);
    expect(tf.memory().numTensors).toBe(before);
    const restored = await loadModel(url, model);
    expect(restored.getWeights().map((weight) => weight.dataSync())).toEqual(
      model.getWeights().map((weight) => weight.dataSync()),
    );
    // Trained further, both learn the same: Adam's moments and its number of steps were restored, too.
    const [first, second] = [await train(model, { shuffle: false }), await train(restored, { shuffle: false })];
    expect(second.history.loss).toEqual(first.history.loss);
    restored.dispose();
    expect(tf.memory().numTensors).toBe(before); // its optimizer was disposed of, too
    model.dispose();
  });

  test("write tfjs's own format, which tf.loadLayersModel reads", async () => {
    const model = network();
    await saveModel(model, url);
    const read = await tf.loadLayersModel(`file://${join(folder, 'model.json')}`);
    expect((read.predict(data.x) as tf.Tensor).dataSync()).toEqual((model.predict(data.x) as tf.Tensor).dataSync());
  });

  test('read a model that tfjs itself saved', async () => {
    const model = network();
    await model.save(url);
    const read = await loadModel(url);
    expect(read.getWeights()[0].dataSync()).toEqual(model.getWeights()[0].dataSync());
  });

  test('leave only the new model in the folder', async () => {
    const model = network();
    await saveModel(model, url);
    await train(model);
    await saveModel(model, url);
    expect(readdirSync(folder)).toHaveLength(2);
    expect((await loadModel(url)).getWeights()[0].dataSync()).toEqual(model.getWeights()[0].dataSync());
  });

  test.each<[string, () => void, RegExp]>([
    [
      'a folder that is missing',
      () => rmSync(folder, { recursive: true }),
      /^There is no saved model in .* \(expected model\.json there\)\. Save a model there with saveModel\.$/,
    ],
    ['an empty folder', () => rmSync(join(folder, 'model.json')), /^There is no saved model in/],
    [
      'a model.json cut short',
      () => truncateSync(join(folder, 'model.json'), 300),
      /model\.json is cut short, or not a model of TensorFlow\.js/,
    ],
    [
      'another JSON file',
      () => writeFileSync(join(folder, 'model.json'), '{"a": 1}'),
      /or not a model of TensorFlow\.js \(expected layers and weights/,
    ],
    [
      'weights that are missing',
      () => rmSync(weightsFile()),
      /is incomplete: weights-[\w-]+\.bin is missing\. Save a model there/,
    ],
    [
      'weights cut short',
      () => truncateSync(weightsFile(), 1000),
      /is damaged: weights-[\w-]+\.bin was cut short or changed/,
    ],
    [
      'a flipped bit',
      () => {
        const bytes = readFileSync(weightsFile());
        bytes[99] ^= 1;
        writeFileSync(weightsFile(), bytes);
      },
      /is damaged/,
    ],
  ])('refuse %s', async (_what, damage, message) => {
    const model = network();
    await saveModel(model, url);
    damage();
    const before = tf.memory().numTensors;
    await expect(loadModel(url)).rejects.toThrow(message);
    await expect(loadModel(url)).rejects.toThrow(SavedModelError);
    expect(tf.memory().numTensors).toBe(before);
    await saveModel(model, url);
    await expect(loadModel(url)).resolves.toBeDefined();
  });

  test('refuse a model of another architecture, and say how the two differ', async () => {
    const hidden = (units: number) => tf.layers.dense({ name: 'hidden', inputShape: [784], units, activation: 'relu' });
    const output = () => tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' });
    await saveModel(tf.sequential({ layers: [hidden(100), output()] }), url);
    const model = tf.sequential({ layers: [hidden(1000), output()] });
    const before = tf.memory().numTensors;
    await expect(loadModel(url, model)).rejects.toThrow(
      /has another architecture: \[batch, 784\] -> hidden \(Dense, relu\) \[batch, 100\] .* \(expected .* hidden \(Dense, relu\) \[batch, 1000\]/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each(['localstorage://model', 'model', 'file://'])('refuse %s, which names no folder', async (badUrl) => {
    await expect(saveModel(network(), badUrl)).rejects.toThrow(/expected file:\/\/ and a folder/);
    await expect(loadModel(badUrl)).rejects.toThrow(/expected file:\/\/ and a folder/);
  });

  test('leave one complete model at any moment if two processes save into the same folder', async () => {
    const whole = network();
    await saveModel(whole, url);
    whole.dispose();
    const script = `
      const tf = require('@tensorflow/tfjs-node');
      const { saveModel } = require('mnist-lib');
      const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [784], units: 300 })] });
      (async () => {
        for (let round = 0; round < 60; round++) {
          const value = Number(process.argv[2]) * (round % 3);
          model.setWeights([tf.fill([784, 300], value), tf.fill([300], value)]);
          await saveModel(model, process.argv[1]);
        }
      })();
    `;
    const ends = ['1', '-1'].map(async (sign) => {
      const child = spawn(process.execPath, ['-e', script, url, sign], { cwd: join(root, 'lib') });
      let stderr = '';
      child.stderr.on('data', (text) => (stderr += String(text)));
      await once(child, 'close');
      return stderr.split('\n').filter((line) => /Error/.test(line));
    });
    let areSaving = true;
    const errors = Promise.all(ends).finally(() => (areSaving = false));
    const layers = new Set<number>();
    while (areSaving) {
      const model = await loadModel(url);
      layers.add(model.layers.length);
      const [kernel, bias] = extremes(model);
      if (model.layers.length === 1) {
        expect(kernel).toEqual(bias);
      }
      model.dispose();
      await tf.nextFrame();
    }
    expect(await errors).toEqual([[], []]);
    expect([...layers].sort()).toEqual([1, 2]);
    const model = await loadModel(url);
    const [kernel, bias] = extremes(model);
    expect(kernel).toEqual(bias);
    model.dispose();
  });

  test('report that tfjs cannot save the model', async () => {
    class Own extends tf.SGDOptimizer {
      override getWeights(): Promise<never> {
        return Promise.reject(new Error('getWeights() is not implemented for this optimizer yet.'));
      }
    }
    const model = compiled(smallNetwork(), new Own(0.1));
    const before = tf.memory().numTensors;
    await expect(saveModel(model, url)).rejects.toThrow(SavedModelError);
    await expect(saveModel(model, url)).rejects.toThrow(/^The model could not be saved in .*: getWeights\(\) is not/);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test('report that the folder cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(saveModel(network(), `${url}/file`)).rejects.toThrow(/^The model could not be saved in .*file: /);
  });
});

describe('checkpoint(url, options) and loadCheckpoint(url)', () => {
  test.each<[string, () => tf.Sequential]>([
    ['', network],
    [
      ', with dropout and random shifts',
      () => {
        const hidden = tf.layers.dense({ units: 32, activation: 'relu' });
        const shift = randomShift({ pixels: 1, inputShape: [784] });
        const [first, second] = [tf.layers.dropout({ rate: 0.3 }), tf.layers.dropout({ rate: 0.3, seed: 5 })];
        return compiled(smallNetwork([shift, first, hidden, second]));
      },
    ],
  ])('resume training with the results of an uninterrupted training%s', async (_what, build) => {
    const whole = build();
    setSeed(7);
    const { history: expected } = await train(whole, { epochs: 4, validationSplit: 0.2 });

    setSeed(13);
    const model = build();
    setSeed(7);
    const { history: first } = await train(model, { epochs: 2, validationSplit: 0.2, callbacks: checkpoint(url) });
    model.dispose();
    setSeed(99); // another process would not have the random state
    const resumed = await loadCheckpoint(url);
    expect(resumed.initialEpoch).toBe(2);
    const { history: second, epoch } = await train(resumed.model, { epochs: 4, initialEpoch: 2, validationSplit: 0.2 });
    expect(epoch).toEqual([2, 3]);
    for (const name of ['loss', 'acc', 'val_loss', 'val_acc']) {
      expect([...first[name], ...second[name]]).toEqual(expected[name]);
    }
    expect(resumed.model.getWeights().map((weight) => weight.dataSync())).toEqual(
      whole.getWeights().map((weight) => weight.dataSync()),
    );
  });

  test('save only after the best epoch so far, if a quantity is monitored', async () => {
    const saved: number[] = [];
    const losses = [3, 2, 2.5, 1];
    const watcher = checkpoint(url, { monitor: 'val_loss' });
    watcher.setModel(network());
    for (const [epoch, val_loss] of losses.entries()) {
      await watcher.onEpochEnd(epoch, { val_loss });
      saved.push((await loadCheckpoint(url)).initialEpoch);
    }
    expect(saved).toEqual([1, 2, 2, 4]);
    const accuracy = checkpoint(url, { monitor: 'acc' });
    accuracy.setModel(network());
    await accuracy.onEpochEnd(0, { acc: 0.9 });
    await accuracy.onEpochEnd(1, { acc: 0.8 });
    expect((await loadCheckpoint(url)).initialEpoch).toBe(1);
    await expect(accuracy.onEpochEnd(2, { loss: 1 })).rejects.toThrow(
      'checkpoint cannot watch acc (expected one of loss)',
    );
  });

  test('refuse a saved model that is not a checkpoint', async () => {
    await saveModel(network(), url);
    await expect(loadCheckpoint(url)).rejects.toThrow(/is not a checkpoint/);
  });

  test('leave a complete checkpoint, whenever the process is killed', async () => {
    const script = `
      const tf = require('@tensorflow/tfjs-node');
      const { checkpoint } = require('mnist-lib');
      const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [784], units: 300 })] });
      const saver = checkpoint(process.argv[1]);
      saver.setModel(model);
      (async () => {
        for (let epoch = 0; ; epoch++) {
          model.setWeights([tf.fill([784, 300], epoch + 1), tf.fill([300], epoch + 1)]);
          await saver.onEpochEnd(epoch);
          if (epoch === 0) { console.log('saved'); }
        }
      })();
    `;
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, ['-e', script, url], { cwd: join(root, 'lib') });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, round * 7));
      child.kill('SIGKILL');
      await once(child, 'close');
      const { model, initialEpoch } = await loadCheckpoint(url);
      const [kernel, bias] = extremes(model);
      expect([kernel, bias]).toEqual([
        [initialEpoch, initialEpoch],
        [initialEpoch, initialEpoch],
      ]);
      model.dispose();
    }
  });
});
