import * as tf from '@tensorflow/tfjs-node';

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
export function checkTraining(
  model: tf.LayersModel,
  x: unknown,
  y: unknown,
  { epochs = 1, initialEpoch = 0, batchSize, validationData, validationSplit }: tf.ModelFitArgs,
): void {
  if (!model.optimizer) {
    throw new RangeError('the model is not compiled yet: call model.compile({ loss, optimizer }) first');
  }
  if (model.inputs.length > 1 || model.outputs.length > 1) {
    throw new RangeError('the model has several inputs or outputs (expected one of each): train it with model.fit');
  }
  checkWhole('epochs', epochs, 1);
  checkWhole('initialEpoch', initialEpoch, 0);
  if (initialEpoch >= epochs) {
    throw new RangeError(
      `initialEpoch is ${initialEpoch} and epochs ${epochs}: nothing is left to train (expected it below epochs)`,
    );
  }
  if (batchSize !== undefined) {
    checkWhole('batchSize', batchSize, 1);
  }
  if (validationSplit !== undefined && !(validationSplit >= 0 && validationSplit < 1)) {
    throw new RangeError(`validationSplit is ${validationSplit} (expected a fraction, at least 0 and below 1)`);
  }
  checkData(model, 'x', x, 'y', y);
  if (validationData) {
    const [validationX, validationY] = validationData as unknown[];
    checkData(model, 'validationData[0]', validationX, 'validationData[1]', validationY);
  }
}

function checkWhole(name: string, value: number, smallest: number): void {
  if (!Number.isInteger(value) || value < smallest) {
    throw new RangeError(`${name} is ${value} (expected a whole number, ${smallest} or more)`);
  }
}

function checkData(model: tf.LayersModel, xName: string, x: unknown, yName: string, y: unknown): void {
  checkTensor(xName, x, model.inputs[0].shape);
  // tfjs checks sparse targets itself.
  checkTensor(yName, y, model.loss === 'categoricalCrossentropy' ? model.outputs[0].shape : null);
  if (x.shape[0] !== y.shape[0]) {
    throw new RangeError(`${xName} holds ${x.shape[0]} examples and ${yName} ${y.shape[0]} (expected the same number)`);
  }
  checkFinite(xName, x);
  checkFinite(yName, y);
  if (model.loss === 'categoricalCrossentropy') {
    checkOneHot(yName, y);
  }
}

function checkTensor(name: string, value: unknown, expected: (number | null)[] | null): asserts value is tf.Tensor {
  if (!(value instanceof tf.Tensor)) {
    throw new RangeError(`${name} is ${Array.isArray(value) ? 'a list' : typeof value} (expected a tensor)`);
  }
  const { isDisposed, shape } = value as tf.Tensor;
  if (isDisposed) {
    throw new RangeError(`${name} was disposed of: run the cell that makes it again`);
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
  if (Number.isFinite(sumOf(values))) {
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
    const sums = tf.sum(rows, -1);
    const distances = tf.abs(tf.sub(sums, 1));
    const worst = tf.argMax(distances.flatten()).dataSync()[0];
    const smallest = tf.min(rows).dataSync()[0];
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
