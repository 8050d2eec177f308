// Our side of the benchmark: loads MNIST, trains the lecture's network, evaluates; prints seconds and memory as JSON.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { lib } from '../scripts/paths.mjs';

process.env.TF_CPP_MIN_LOG_LEVEL = '2';
const require = createRequire(join(lib, 'index.js'));
const tf = require('@tensorflow/tfjs-node');
const mnist = require(join(lib, 'dist', 'index.js'));
const { NativeOps } = require(join(lib, 'dist', 'tensorflow', 'native-ops.js'));

const [epochs, batchSize] = process.argv.slice(2).map(Number);
const seconds = async (work) => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};
let data;
const loading = await seconds(() => {
  data = mnist.loadMnist();
});
const [trainX, testX] = [data.trainImages, data.testImages].map((images) =>
  tf.tidy(() => mnist.normalize(mnist.flatten(images))),
);
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
let start;
const [epochSeconds, floors] = [[], []];
await mnist.fit(model, trainX, trainY, {
  epochs,
  batchSize,
  validationData: [testX, testY],
  callbacks: {
    async onEpochBegin() {
      floors.push(await seconds(matrixProducts));
      start = performance.now();
    },
    onEpochEnd: () => void epochSeconds.push((performance.now() - start) / 1000),
  },
});
let accuracy;
const evaluating = await seconds(() => {
  accuracy = model.evaluate(testX, testY, { batchSize })[1].dataSync()[0];
});
const megabytes = process.resourceUsage().maxRSS / 1000;
console.log(JSON.stringify({ epochs: epochSeconds, floors, loading, evaluating, accuracy, megabytes }));

/** The floor: what no way of training can do without. Five products a training batch, two a validation batch. */
function prepareMatrixProducts(trainCount, testCount) {
  const ops = new NativeOps();
  const random = (rows, columns) => tf.randomUniform([rows, columns]);
  const tensors = [
    random(batchSize, 784),
    random(784, 1000),
    random(batchSize, 1000),
    random(1000, 10),
    random(batchSize, 10),
  ];
  const [x, kernel1, hidden, kernel2, logits] = tensors.map((tensor) => ops.fromTensor(tensor));
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
