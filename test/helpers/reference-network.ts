/*
 * The lecture's network and its training in 64-bit floating point and without any library, as a reference for faster
 * implementations. Backpropagation by M. Nielsen, Neural Networks and Deep Learning, chapter 2; Adam by D. P. Kingma and
 * J. Ba, 2015, algorithm 1, with epsilon added where tfjs adds it.
 */
export interface Weights {
  kernel1: number[][]; // [inputs, hidden]
  bias1: number[];
  kernel2: number[][]; // [hidden, numClasses]
  bias2: number[];
}

const [LEARNING_RATE, BETA1, BETA2, EPSILON] = [0.001, 0.9, 0.999, 1e-7];

/** The mean cross-entropy of a batch. */
export function meanLoss(weights: Weights, x: number[][], y: number[][]): number {
  const losses = x.map((row, index) => -Math.log(forward(weights, row).probabilities[y[index].indexOf(1)]));
  return losses.reduce((sum, loss) => sum + loss, 0) / x.length;
}

function forward(
  { kernel1, bias1, kernel2, bias2 }: Weights,
  row: number[],
): { hidden: number[]; probabilities: number[] } {
  const hidden = bias1.map((bias, unit) =>
    Math.max(
      0,
      row.reduce((sum, value, index) => sum + value * kernel1[index][unit], bias),
    ),
  );
  const logits = bias2.map((bias, unit) =>
    hidden.reduce((sum, value, index) => sum + value * kernel2[index][unit], bias),
  );
  const exponentials = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return { hidden, probabilities: exponentials.map((value) => value / sum) };
}

/** The gradient of the mean loss with respect to each weight. */
export function gradients(weights: Weights, x: number[][], y: number[][]): Weights {
  const total = mapWeights(() => 0, weights);
  x.forEach((row, index) => {
    const { hidden, probabilities } = forward(weights, row);
    const dLogits = probabilities.map((probability, unit) => (probability - y[index][unit]) / x.length);
    const dHidden = hidden.map((value, unit) =>
      value > 0 ? dLogits.reduce((sum, d, output) => sum + d * weights.kernel2[unit][output], 0) : 0,
    );
    dLogits.forEach((d, unit) => {
      total.bias2[unit] += d;
      hidden.forEach((value, input) => (total.kernel2[input][unit] += value * d));
    });
    dHidden.forEach((d, unit) => {
      total.bias1[unit] += d;
      row.forEach((value, input) => (total.kernel1[input][unit] += value * d));
    });
  });
  return total;
}

/** Trains on the batches, one after another. Returns the loss before each step and the weights at the end. */
export function train(
  weights: Weights,
  batches: { x: number[][]; y: number[][] }[],
): { losses: number[]; weights: Weights } {
  let [first, second] = [mapWeights(() => 0, weights), mapWeights(() => 0, weights)];
  const losses = batches.map(({ x, y }, index) => {
    const loss = meanLoss(weights, x, y);
    const gradient = gradients(weights, x, y);
    first = mapWeights((m, g) => BETA1 * m + (1 - BETA1) * g, first, gradient);
    second = mapWeights((v, g) => BETA2 * v + (1 - BETA2) * g * g, second, gradient);
    const [correction1, correction2] = [1 - BETA1 ** (index + 1), 1 - BETA2 ** (index + 1)];
    weights = mapWeights(
      (weight, m, v) => weight - (LEARNING_RATE * m) / correction1 / (Math.sqrt(v / correction2) + EPSILON),
      weights,
      first,
      second,
    );
    return loss;
  });
  return { losses, weights };
}

function mapWeights(change: (...values: number[]) => number, ...all: Weights[]): Weights {
  const vector = (rows: number[][]): number[] => rows[0].map((_, index) => change(...rows.map((row) => row[index])));
  const matrix = (tables: number[][][]): number[][] =>
    tables[0].map((_, row) => vector(tables.map((table) => table[row])));
  return {
    kernel1: matrix(all.map(({ kernel1 }) => kernel1)),
    bias1: vector(all.map(({ bias1 }) => bias1)),
    kernel2: matrix(all.map(({ kernel2 }) => kernel2)),
    bias2: vector(all.map(({ bias2 }) => bias2)),
  };
}
