// Our side of the speed comparison: loads MNIST, trains the lecture's network, evaluates it, and prints seconds and
// memory as JSON: train.mjs EPOCHS BATCH_SIZE
import { buildModel, mnist, prepare, tf } from './ours.mjs';

const [epochs, batchSize] = process.argv.slice(2).map(Number);

const [data, loading] = await timed(() => mnist.loadMnist());
const { trainX, trainY, testX, testY } = prepare(data);
const model = buildModel();

/** The operations that multiply matrices, and the names of their attributes for transposed factors. */
const PRODUCTS = { MatMul: ['transpose_a', 'transpose_b'], BatchMatMulV2: ['adj_x', 'adj_y'] };
const floors = Object.entries(PRODUCTS).map(([operation, transposes]) => ({
  operation,
  /** @type {number[]} */
  seconds: [],
  run: prepareMatrixProducts(operation, transposes, trainX.shape[0], testX.shape[0]),
}));
let start = 0;
/** @type {number[]} */
const epochSeconds = [];
await mnist.fit(model, trainX, trainY, {
  epochs,
  batchSize,
  validationData: [testX, testY],
  callbacks: {
    async onEpochBegin(/** @type {number} */ epoch) {
      // None before the first epoch, which is not counted.
      for (const { run, seconds } of epoch > 0 ? floors : []) {
        seconds.push((await timed(run))[1]);
      }
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
const floorSeconds = Object.fromEntries(floors.map(({ operation, seconds }) => [operation, seconds]));
console.log(JSON.stringify({ epochs: epochSeconds, floors: floorSeconds, loading, evaluating, accuracy, megabytes }));

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
 * @param {string} operation
 * @param {string[]} transposes the names of the attributes that transpose the first and the second factor.
 * @param {number} trainCount number of training images.
 * @param {number} testCount number of validation images.
 */
function prepareMatrixProducts(operation, transposes, trainCount, testCount) {
  const backend = tf.backend();
  const { binding } = backend;
  const factors = [
    [batchSize, 784],
    [784, 1000],
    [batchSize, 1000],
    [1000, 10],
    [batchSize, 10],
  ].map((shape) => tf.randomUniform(shape));
  const [x, kernel1, hidden, kernel2, logits] = backend.getInputTensorIds(factors);
  const flags = (/** @type {boolean[]} */ ...values) => [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    ...values.map((value, index) => ({ name: transposes[index], type: binding.TF_ATTR_BOOL, value })),
  ];
  /** @type {(a: number, b: number, transposeA: boolean, transposeB: boolean) => void} */
  const product = (a, b, transposeA, transposeB) => {
    const [{ id }] = binding.executeOp(operation, flags(transposeA, transposeB), [a, b], 1);
    binding.deleteTensor(id);
  };
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
