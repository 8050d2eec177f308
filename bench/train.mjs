// Our side of the benchmark: loads MNIST, trains the lecture's network, evaluates it, and prints seconds and memory as JSON.
import { createRequire } from 'node:module';

process.env.TF_CPP_MIN_LOG_LEVEL = '2'; // before TensorFlow is loaded
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-node');
const mnist = require('mnist-lib');
const { NativeOps } = require('mnist-lib/dist/tensorflow/native-ops.js');

const [epochs, batchSize] = process.argv.slice(2).map(Number);

const [data, loading] = await timed(() => mnist.loadMnist());
const [trainX, testX] = [data.trainImages, data.testImages].map((images) => mnist.normalize(mnist.flatten(images)));
const [trainY, testY] = [data.trainLabels, data.testLabels].map((labels) => mnist.oneHot(labels, 10));
mnist.setSeed(13);
const model = tf.sequential({
  layers: [
    tf.layers.dense({ inputShape: [784], units: 1000, activation: 'relu' }),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
});
model.compile({ loss: 'categoricalCrossentropy', optimizer: tf.train.adam(), metrics: ['accuracy'] });

const matrixProducts = prepareMatrixProducts(trainX.shape[0], testX.shape[0]);
let start = 0;
/** @type {number[][]} */
const [epochSeconds, floors] = [[], []];
await mnist.fit(model, trainX, trainY, {
  epochs,
  batchSize,
  validationData: [testX, testY],
  callbacks: {
    async onEpochBegin() {
      const [, seconds] = await timed(matrixProducts);
      floors.push(seconds);
      start = performance.now();
    },
    onEpochEnd: () => void epochSeconds.push((performance.now() - start) / 1000),
  },
});
const [accuracy, evaluating] = await timed(() => {
  const [, tensor] = [model.evaluate(testX, testY, { batchSize })].flat();
  return tensor.dataSync()[0];
});
const megabytes = process.resourceUsage().maxRSS / 1000;
console.log(JSON.stringify({ epochs: epochSeconds, floors, loading, evaluating, accuracy, megabytes }));

/**
 * A result and the seconds it took.
 *
 * @template T
 * @param {() => T} work
 * @returns {Promise<[result: Awaited<T>, seconds: number]>}
 */
async function timed(work) {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}

/**
 * Prepares the floor: the matrix products of an epoch, which no way of training can avoid. There are five per training
 * batch and two per validation batch.
 *
 * @param {number} trainCount number of training images.
 * @param {number} testCount number of validation images.
 */
function prepareMatrixProducts(trainCount, testCount) {
  const ops = new NativeOps();
  /** @type {(rows: number, columns: number) => import('@tensorflow/tfjs-node').Tensor} */
  const random = (rows, columns) => tf.randomUniform([rows, columns]);
  const tensors = [
    random(batchSize, 784),
    random(784, 1000),
    random(batchSize, 1000),
    random(1000, 10),
    random(batchSize, 10),
  ];
  const [x, kernel1, hidden, kernel2, logits] = tensors.map((tensor) => ops.fromTensor(tensor));
  /** @type {(a: typeof x, b: typeof x, transpose_a: boolean, transpose_b: boolean) => void} */
  const product = (a, b, transpose_a, transpose_b) =>
    ops.release(ops.run('MatMul', [a, b], { transpose_a, transpose_b }));
  const forward = () => {
    product(x, kernel1, false, false);
    product(hidden, kernel2, false, false);
  };
  const train = () => {
    forward();
    product(hidden, logits, true, false);
    product(logits, kernel2, false, true);
    product(x, hidden, true, false);
  };
  return () => {
    for (let batch = 0; batch < trainCount / batchSize; batch++) {
      train();
    }
    for (let batch = 0; batch < testCount / batchSize; batch++) {
      forward();
    }
  };
}
