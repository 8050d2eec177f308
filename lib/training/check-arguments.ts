import * as tf from '@tensorflow/tfjs-node';
import { hasBytes } from '../tensorflow/normalized';
import { splitExamples } from './split';

/** What `fit` does with each option of `model.fit`: null if it takes the option, else why it does not. */
const FIT_OPTIONS: Record<keyof tf.ModelFitArgs, string | null> = {
  batchSize: null,
  epochs: null,
  initialEpoch: null,
  verbose: null,
  callbacks: null,
  validationSplit: null,
  validationData: null,
  shuffle: null,
  classWeight: null,
  yieldEvery: null,
  sampleWeight: 'tfjs has no weights for single examples; classWeight sets one for each class',
  stepsPerEpoch: 'tfjs has no steps for tensors; an epoch takes all examples, batchSize of them per step',
  validationSteps: 'tfjs has no steps for tensors; validation takes all examples',
};

const LIST = new Intl.ListFormat('en', { type: 'disjunction' });
const DTYPES = ['float32', 'int32', 'bool'];
const ROW_SUM_TOLERANCE = 1e-4; // how far float32 probabilities may be from adding up to 1

/**
 * Checks the arguments of `fit` before training starts.
 *
 * @param model the model to train.
 * @param x its inputs, as in `fit`.
 * @param y its targets, as in `fit`.
 * @param options those of `fit`.
 * @throws RangeError with a message that names the argument and says what was expected.
 * @example checkTraining(model, trainX, trainY, { epochs: 10, batchSize: 200 });
 */
export function checkTraining(model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor, options: tf.ModelFitArgs): void {
  checkOptions('fit', options, FIT_OPTIONS);
  const { epochs = 1, initialEpoch = 0, batchSize, shuffle = true, validationData, validationSplit } = options;
  checkCompiled(model);
  checkSingle(model, 'train it with model.fit');
  checkWhole('epochs', epochs, 1);
  checkWhole('initialEpoch', initialEpoch, 0);
  if (initialEpoch >= epochs) {
    throw new RangeError(
      `initialEpoch is ${initialEpoch} and epochs ${epochs}: nothing is left to train (expected it below epochs)`,
    );
  }
  checkBatchSize(batchSize);
  if (typeof shuffle !== 'boolean') {
    throw new RangeError(`shuffle is ${String(shuffle)} (expected true or false)`);
  }
  if (validationSplit !== undefined && !(validationSplit >= 0 && validationSplit < 1)) {
    throw new RangeError(`validationSplit is ${validationSplit} (expected a fraction, at least 0 and below 1)`);
  }
  checkExamples(model, 'x', x, 'y', y);
  if (options.classWeight) {
    checkClassWeight(options.classWeight, model.outputNames[0], y);
  }
  if (validationData) {
    const [validationX, validationY, ...others] = validationData as unknown[];
    if (others.length > 0) {
      throw new RangeError(
        `validationData has ${others.length + 2} elements (expected [x, y]: tfjs has no weights for single examples)`,
      );
    }
    checkExamples(model, 'validationData[0]', validationX, 'validationData[1]', validationY);
  }
  if (splitExamples(x, y, options).training.last === 0) {
    throw new RangeError(
      `validationSplit is ${validationSplit} and x holds ${x.shape[0]} examples: none is left to train on`,
    );
  }
}

/**
 * Checks that options have names that a function knows.
 *
 * @param caller the function's name.
 * @param options what it was given.
 * @param known what it does with each option: null if it takes the option, else why it does not.
 * @throws RangeError that names the option, and one with a similar name if there is one.
 * @example checkOptions('predict', { batchSize: 200 }, { batchSize: null });
 */
export function checkOptions(caller: string, options: object, known: Record<string, string | null>): void {
  const names = Object.keys(known).filter((name) => known[name] === null);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(known, name)) {
      const similar = names.find((other) => isSimilar(name, other));
      const hint = similar ? `did you mean ${similar}?` : `expected ${LIST.format(names)}`;
      throw new RangeError(`${caller} has no option ${name} (${hint})`);
    }
    if (known[name] !== null && value != null) {
      throw new RangeError(`${caller} does not take ${name}: ${known[name]}`);
    }
  }
}

/** Whether two names differ in upper case, underscores and endings only: batch_size and batchSize, epoch and epochs. */
function isSimilar(a: string, b: string): boolean {
  const [letters, others] = [a, b].map((name) => name.toLowerCase().replace(/[^a-z]/g, ''));
  return letters !== '' && (others.startsWith(letters) || letters.startsWith(others));
}

/** Checks that a model has been compiled. */
export function checkCompiled(model: tf.LayersModel): void {
  if (!model.optimizer) {
    throw new RangeError('the model is not compiled yet: call model.compile({ loss, optimizer }) first');
  }
}

/** Checks that a model has one input and one output; `instead` says what to do with any other. */
export function checkSingle({ inputs, outputs }: tf.LayersModel, instead: string): void {
  if (inputs.length !== 1 || outputs.length !== 1) {
    throw new RangeError(
      `the numbers of the model's inputs and outputs are ${inputs.length} and ${outputs.length} (expected one of each): ${instead}`,
    );
  }
}

/** Checks a batch size, if there is one. */
export function checkBatchSize(batchSize: number | undefined): void {
  if (batchSize !== undefined) {
    checkWhole('batchSize', batchSize, 1);
  }
}

function checkWhole(name: string, value: number, smallest: number): void {
  if (!Number.isInteger(value) || value < smallest) {
    throw new RangeError(`${name} is ${value} (expected a whole number, ${smallest} or more)`);
  }
}

/** Checks that there is a weight for each class in y, as tfjs demands. */
function checkClassWeight(
  classWeight: NonNullable<tf.ModelFitArgs['classWeight']>,
  outputName: string,
  y: tf.Tensor,
): void {
  if (y.rank > 2) {
    throw new RangeError(
      `y has the shape [${y.shape.join(', ')}] (expected [count] or [count, numClasses] for classWeight)`,
    );
  }
  // As in tfjs: a single output's weights may also be in a list, or in an object under the output's name.
  const [weights = {}] = Array.isArray(classWeight) ? classWeight : [classWeight];
  const ofOutput = (weights as tf.ClassWeightMap)[outputName] ?? weights;
  const classes = tf.tidy(() => (y.rank === 2 && y.shape[1]! > 1 ? y.argMax(1) : y).dataSync());
  for (const label of new Set(classes)) {
    if (!Number.isFinite(ofOutput[label])) {
      throw new RangeError(
        `classWeight of the class ${label} is ${ofOutput[label]} (expected a number for each class that is in y)`,
      );
    }
  }
}

/** Checks inputs and targets, also against each other. */
export function checkExamples(model: tf.LayersModel, xName: string, x: unknown, yName: string, y: unknown): void {
  checkInputs(model, xName, x);
  // tfjs checks sparse targets itself.
  checkTensor(yName, y, model.loss === 'categoricalCrossentropy' ? model.outputs[0].shape : null);
  if (x.shape[0] !== y.shape[0]) {
    throw new RangeError(`${xName} holds ${x.shape[0]} examples and ${yName} ${y.shape[0]} (expected the same number)`);
  }
  checkFinite(yName, y);
  if (model.loss === 'categoricalCrossentropy') {
    checkOneHot(yName, y);
  }
}

/** Checks a model's inputs: a tensor of the right shape, with numbers in it. */
export function checkInputs(model: tf.LayersModel, name: string, x: unknown): asserts x is tf.Tensor {
  checkTensor(name, x, model.inputs[0].shape);
  checkFinite(name, x);
}

function checkTensor(name: string, value: unknown, expected: (number | null)[] | null): asserts value is tf.Tensor {
  if (!(value instanceof tf.Tensor)) {
    throw new RangeError(`${name} is ${Array.isArray(value) ? 'a list' : typeof value} (expected a tensor)`);
  }
  const { isDisposed, shape, dtype } = value as tf.Tensor;
  if (isDisposed) {
    throw new RangeError(`${name} was disposed of: run the cell that makes it again`);
  }
  if (!DTYPES.includes(dtype)) {
    throw new RangeError(`${name} has the dtype ${dtype} (expected ${LIST.format(DTYPES)})`);
  }
  const pattern = expected?.map((size) => size ?? 'count');
  if (pattern && (shape.length !== pattern.length || shape.some((size, axis) => axis > 0 && size !== pattern[axis]))) {
    throw new RangeError(
      `${name} has the shape [${shape.join(', ')}] (expected [${pattern.join(', ')}], the shape that the model has)`,
    );
  }
  if (shape[0] === 0) {
    throw new RangeError(`${name} is empty (expected at least one example)`);
  }
}

/** Checks the sum first, without a copy of the data, and looks at each element only if the sum is not finite. */
function checkFinite(name: string, values: tf.Tensor): void {
  const sumOf = (tensor: tf.Tensor): number => tf.tidy(() => tf.sum(tensor).dataSync()[0]);
  if (hasBytes(values) || Number.isFinite(sumOf(values))) {
    return;
  }
  const index = values.dataSync().findIndex((value) => !Number.isFinite(value));
  if (index >= 0) {
    const example = Math.floor(index / (values.size / values.shape[0]));
    throw new RangeError(
      `${name} has a value that is not a number in example ${example} (expected finite numbers, no NaN)`,
    );
  }
}

function checkOneHot(name: string, rows: tf.Tensor): void {
  tf.tidy(() => {
    const numbers = rows.toFloat(); // TensorFlow has no minimum of booleans
    const sums = tf.sum(numbers, -1);
    const distances = tf.abs(tf.sub(sums, 1));
    const worst = tf.argMax(distances.flatten()).dataSync()[0];
    const smallest = tf.min(numbers).dataSync()[0];
    if (distances.flatten().dataSync()[worst] > ROW_SUM_TOLERANCE || smallest < 0) {
      const row =
        smallest < 0
          ? `has the value ${smallest}`
          : `has a row, number ${worst}, whose sum is ${sums.flatten().dataSync()[worst]}`;
      throw new RangeError(
        `${name} ${row} (expected one-hot rows: a 1 at the class, 0 elsewhere; oneHot makes them from labels)`,
      );
    }
  });
}
