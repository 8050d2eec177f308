// Trains the networks of the ablation, in a process of its own, and prints a result for each as JSON:
// ablation.mjs train SEED EPOCHS or ablation.mjs time ROUNDS
import { BATCH_SIZE, HELD_OUT_SHARE, NETWORKS, PATIENCE } from './better.mjs';
import { mnist, tf } from './ours.mjs';

/** @typedef {import('./better.mjs').Network} Network */

const { trainImages, trainLabels, testImages, testLabels } = mnist.loadMnist();
const heldOut = Math.floor(trainLabels.shape[0] * HELD_OUT_SHARE);
const sizes = [trainLabels.shape[0] - heldOut, heldOut];
const [x, heldOutX] = tf.split(mnist.normalize(mnist.flatten(trainImages)), sizes);
const [y, heldOutY] = tf.split(mnist.oneHot(trainLabels, 10), sizes);

const [task, ...numbers] = process.argv.slice(2);
const [first, second] = numbers.map(Number);
console.log(JSON.stringify(task === 'time' ? await time(first) : await train(first, second)));

/**
 * Trains each network until it gets no better on the digits that are held out, and asks it once for the test digits.
 *
 * @param {number} seed
 * @param {number} epochs at most.
 */
async function train(seed, epochs) {
  const testX = mnist.normalize(mnist.flatten(testImages));
  const testY = mnist.oneHot(testLabels, 10);
  const results = [];
  for (const network of NETWORKS) {
    const model = build(network, seed);
    const { history } = await mnist.fit(model, x, y, {
      epochs,
      batchSize: BATCH_SIZE,
      verbose: 0,
      validationData: [heldOutX, heldOutY],
      callbacks: [
        mnist.earlyStopping({ monitor: 'val_acc', patience: PATIENCE }), // restores the weights of the best epoch
        new tf.CustomCallback({
          onEpochEnd: (/** @type {number} */ epoch, /** @type {Record<string, number>} */ { val_acc }) =>
            console.error(`seed ${seed}, ${network.name}, epoch ${epoch + 1}: ${val_acc.toFixed(4)} of those held out`),
        }),
      ],
    });
    const best = Math.max(...history.val_acc);
    const epoch = history.val_acc.indexOf(best) + 1;
    results.push({ epoch, heldOut: best, test: mnist.evaluate(model, testX, testY).accuracy });
    model.dispose();
  }
  return results;
}

/**
 * Times epochs of each network, which take turns.
 *
 * @param {number} rounds
 * @returns {Promise<number[][]>} for each network its seconds per round.
 */
async function time(rounds) {
  const models = NETWORKS.map((network) => build(network, 1));
  const seconds = models.map(() => /** @type {number[]} */ ([]));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, model] of models.entries()) {
      const start = performance.now();
      await mnist.fit(model, x, y, { batchSize: BATCH_SIZE, verbose: 0, validationData: [heldOutX, heldOutY] });
      if (round > 0) {
        // The first is slower.
        seconds[index].push((performance.now() - start) / 1000);
      }
    }
  }
  return seconds;
}

/**
 * @param {Network} network
 * @param {number} seed
 */
function build({ pixels, rate }, seed) {
  mnist.setSeed(seed);
  const inputShape = [784];
  const model = tf.sequential({
    layers: [
      ...(pixels ? [mnist.randomShift({ pixels, inputShape })] : []),
      tf.layers.dense({ inputShape, units: 1000, activation: 'relu' }),
      ...(rate ? [tf.layers.dropout({ rate })] : []),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(), metrics: ['accuracy'] });
  return model;
}
