// The tasks to write a function: cases with results computed by hand, and typical mistakes.
import type { FunctionTask } from './function-task';

const SIDE = 28;
const LARGEST_BYTE = 255;

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
const indexOfMax = (numbers: number[]): number => numbers.indexOf(Math.max(...numbers));
const indexOfMin = (numbers: number[]): number => numbers.indexOf(Math.min(...numbers));
const oneAt = (index: number, length: number, value = 1): number[] =>
  Array.from({ length }, (_, position) => (position === index ? value : 0));

export const PIXEL_INDEX: FunctionTask<[row: number, column: number], number> = {
  name: 'pixelIndex',
  cases: [
    [[0, 5], 5],
    [[1, 0], 28],
    [[5, 12], 152],
    [[27, 27], 783],
  ],
  mistakes: {
    columnsFirst: (row, column) => column * SIDE + row,
    countedFromOne: (row, column) => row * SIDE + column + 1,
    rowFromOne: (row, column) => (row - 1) * SIDE + column,
    lastIndex: (row, column) => row * (SIDE - 1) + column,
  },
};

export const SCALE: FunctionTask<[bytes: number[]], number[]> = {
  name: 'scale',
  cases: [
    [[[0, 51, 255]], [0, 0.2, 1]],
    [[[18, 126]], [0.070588, 0.494118]],
    [[[]], []],
  ],
  mistakes: {
    unscaled: (bytes) => bytes,
    by256: (bytes) => bytes.map((byte) => byte / 256),
    byOwnLargest: (bytes) => bytes.map((byte) => byte / Math.max(...bytes)),
    rounded: (bytes) => bytes.map((byte) => Math.round(byte / LARGEST_BYTE)),
    twice: (bytes) => bytes.map((byte) => byte / LARGEST_BYTE ** 2),
  },
};

export const ONE_HOT: FunctionTask<[label: number, numClasses: number], number[]> = {
  name: 'oneHot',
  cases: [
    [
      [5, 10],
      [0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    ],
    [
      [0, 10],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    [
      [1, 3],
      [0, 1, 0],
    ],
  ],
  mistakes: {
    oneTooEarly: (label, numClasses) => oneAt(label - 1, numClasses),
    alwaysTen: (label) => oneAt(label, 10),
    labelAsValue: (label, numClasses) => oneAt(label, numClasses, label),
    onlyZeros: (_label, numClasses) => oneAt(-1, numClasses),
  },
};

export const PARAMETER_COUNT: FunctionTask<[sizes: number[]], number> = {
  name: 'parameterCount',
  cases: [
    [[[784, 10]], 7850],
    [[[784, 1000, 10]], 795_010],
    [[[3, 5, 4, 2]], 54],
  ],
  mistakes: {
    noBiases: (sizes) => sum(sizes.slice(1).map((units, layer) => sizes[layer] * units)),
    biasOfInputs: (sizes) => sum(sizes.slice(1).map((units, layer) => sizes[layer] * units + sizes[layer])),
    oneBiasPerLayer: (sizes) => sum(sizes.slice(1).map((units, layer) => sizes[layer] * units + 1)),
    firstLayerOnly: ([inputs, units]) => inputs * units + units,
  },
};

const product = (inputs: number[], weights: number[]): number =>
  sum(inputs.map((input, index) => input * weights[index]));

export const NEURON: FunctionTask<[inputs: number[], weights: number[], bias: number], number> = {
  name: 'neuron',
  cases: [
    [[[1, 2], [3, 4], 5], 16],
    [[[1, 2], [3, -4], 1], 0],
    [[[0.5, 1, 2], [2, -1, 0.25], 0], 0.5],
  ],
  mistakes: {
    noBias: (inputs, weights) => Math.max(0, product(inputs, weights)),
    biasPerInput: (inputs, weights, bias) => Math.max(0, product(inputs, weights) + inputs.length * bias),
    noActivation: (inputs, weights, bias) => product(inputs, weights) + bias,
    sumsMultiplied: (inputs, weights, bias) => Math.max(0, sum(inputs) * sum(weights) + bias),
  },
};

const divided = (numbers: number[], divisor: number): number[] => numbers.map((number) => number / divisor);

export const SOFTMAX: FunctionTask<[logits: number[]], number[]> = {
  name: 'softmax',
  cases: [
    [[[1, 2, 3]], [0.090031, 0.244728, 0.665241]],
    [[[0, 0]], [0.5, 0.5]],
    [[[-1, 0, 1]], [0.090031, 0.244728, 0.665241]],
    [[[1000, 1001, 1002]], [0.090031, 0.244728, 0.665241]],
    [[[-1000, -1001]], [0.731059, 0.268941]],
  ],
  mistakes: {
    noExponential: (logits) => divided(logits, sum(logits)),
    notDivided: (logits) => logits.map(Math.exp),
    overLargest: (logits) => logits.map((logit) => Math.exp(logit - Math.max(...logits))),
    eachAlone: (logits) => logits.map((logit) => 1 / (1 + Math.exp(-logit))),
    overflow: (logits) => divided(logits.map(Math.exp), sum(logits.map(Math.exp))),
  },
};

export const CROSS_ENTROPY: FunctionTask<[probabilities: number[], label: number], number> = {
  name: 'crossEntropy',
  cases: [
    [[[0.1, 0.2, 0.7], 2], 0.356675],
    [[[0.1, 0.2, 0.7], 0], 2.302585],
    [[[0.5, 0.5], 1], 0.693147],
  ],
  mistakes: {
    noMinus: (probabilities, label) => Math.log(probabilities[label]),
    base10: (probabilities, label) => -Math.log10(probabilities[label]),
    base2: (probabilities, label) => -Math.log2(probabilities[label]),
    allProbabilities: (probabilities) => -sum(probabilities.map(Math.log)),
    largestProbability: (probabilities) => -Math.log(Math.max(...probabilities)),
    labelFromOne: (probabilities, label) => -Math.log(probabilities[label - 1]),
    noLogarithm: (probabilities, label) => 1 - probabilities[label],
  },
};

export const GRADIENT_STEP: FunctionTask<[weights: number[], gradient: number[], learningRate: number], number[]> = {
  name: 'gradientStep',
  cases: [
    [
      [[1, -2], [0.5, -0.5], 0.1],
      [0.95, -1.95],
    ],
    [
      [[2, 4, 6], [1, 0, -1], 0.5],
      [1.5, 4, 6.5],
    ],
  ],
  mistakes: {
    uphill: (weights, gradient, rate) => weights.map((weight, index) => weight + rate * gradient[index]),
    noLearningRate: (weights, gradient) => weights.map((weight, index) => weight - gradient[index]),
    onlyTheStep: (_weights, gradient, rate) => gradient.map((derivative) => -rate * derivative),
    weightsScaled: (weights, gradient, rate) => weights.map((weight, index) => rate * weight - gradient[index]),
  },
};

const fractionRight = (labels: number[], isRight: (label: number, index: number) => boolean): number =>
  labels.filter(isRight).length / labels.length;

export const ACCURACY: FunctionTask<[probabilities: number[][], labels: number[]], number> = {
  name: 'accuracy',
  cases: [
    [
      [
        [
          [0.1, 0.3, 0.6],
          [0.6, 0.3, 0.1],
          [0.1, 0.2, 0.7],
          [0.3, 0.4, 0.3],
        ],
        [2, 0, 1, 1],
      ],
      0.75,
    ],
    [
      [
        [
          [0.1, 0.9],
          [0.8, 0.2],
        ],
        [1, 1],
      ],
      0.5,
    ],
    [[[[1, 0]], [0]], 1],
  ],
  mistakes: {
    notDividedByCount: (rows, labels) => labels.filter((label, index) => indexOfMax(rows[index]) === label).length,
    percent: (rows, labels) => 100 * fractionRight(labels, (label, index) => indexOfMax(rows[index]) === label),
    errorRate: (rows, labels) => fractionRight(labels, (label, index) => indexOfMax(rows[index]) !== label),
    aboveHalf: (rows, labels) => fractionRight(labels, (label, index) => rows[index][label] > 0.5),
    smallest: (rows, labels) => fractionRight(labels, (label, index) => indexOfMin(rows[index]) === label),
    meanProbability: (rows, labels) => sum(labels.map((label, index) => rows[index][label])) / labels.length,
  },
};

/** The position of the largest count for which `isMeant` holds. */
const largestCount = (matrix: number[][], isMeant: (row: number, column: number) => boolean): [number, number] => {
  const cells = matrix.flatMap((counts, row) => counts.map((count, column) => ({ row, column, count })));
  const [{ row, column }] = cells.filter((cell) => isMeant(cell.row, cell.column)).sort((a, b) => b.count - a.count);
  return [row, column];
};
const isMistake = (row: number, column: number): boolean => row !== column;

export const MOST_CONFUSED: FunctionTask<[matrix: number[][]], [label: number, predicted: number]> = {
  name: 'mostConfused',
  cases: [
    [
      [
        [
          [9, 0, 5],
          [4, 8, 1],
          [0, 2, 7],
        ],
      ],
      [0, 2],
    ],
    [
      [
        [
          [5, 1],
          [2, 7],
        ],
      ],
      [1, 0],
    ],
  ],
  mistakes: {
    diagonal: (matrix) => largestCount(matrix, () => true),
    columnBeforeRow: (matrix) => largestCount(matrix, isMistake).reverse(),
    theCount: (matrix) => {
      const [row, column] = largestCount(matrix, isMistake);
      return matrix[row][column];
    },
  },
};

/** Sums the pictures of each class, and divides each sum by what `divisor` says. */
const sumsByClass = (
  pictures: number[][],
  labels: number[],
  numClasses: number,
  divisor: (count: number) => number,
): number[][] =>
  Array.from({ length: numClasses }, (_, digit) => {
    const own = pictures.filter((_picture, index) => labels[index] === digit);
    return pictures[0].map((_pixel, pixel) => sum(own.map((picture) => picture[pixel])) / divisor(own.length));
  });

export const CLASS_MEANS: FunctionTask<[pictures: number[][], labels: number[], numClasses: number], number[][]> = {
  name: 'classMeans',
  cases: [
    [
      [
        [
          [0, 4],
          [2, 8],
          [6, 6],
        ],
        [0, 0, 1],
        2,
      ],
      [
        [1, 6],
        [6, 6],
      ],
    ],
    [
      [
        [
          [1, 1, 1],
          [3, 5, 7],
          [5, 5, 1],
          [2, 2, 2],
        ],
        [2, 0, 2, 1],
        3,
      ],
      [
        [3, 5, 7],
        [2, 2, 2],
        [3, 3, 1],
      ],
    ],
  ],
  mistakes: {
    sums: (pictures, labels, numClasses) => sumsByClass(pictures, labels, numClasses, () => 1),
    overAllPictures: (pictures, labels, numClasses) => sumsByClass(pictures, labels, numClasses, () => pictures.length),
    labelsIgnored: (pictures, _labels, numClasses) => {
      const [mean] = sumsByClass(pictures, new Array<number>(pictures.length).fill(0), 1, (count) => count);
      return new Array<number[]>(numClasses).fill(mean);
    },
    onePixel: (pictures, labels, numClasses) =>
      sumsByClass(pictures, labels, numClasses, (count) => count).map((mean) => sum(mean) / mean.length),
  },
};

const distances = (means: number[][], picture: number[], power: (difference: number) => number): number[] =>
  means.map((mean) => sum(mean.map((value, pixel) => power(value - picture[pixel]))));
const square = (difference: number): number => difference ** 2;

export const NEAREST_MEAN: FunctionTask<[means: number[][], picture: number[]], number> = {
  name: 'nearestMean',
  cases: [
    [
      [
        [
          [0, 0],
          [10, 10],
          [20, 0],
        ],
        [2, 3],
      ],
      0,
    ],
    [
      [
        [
          [0, 10],
          [5, 4],
        ],
        [5, 5],
      ],
      1,
    ],
    [
      [
        [
          [0, 0, 0],
          [4, 0, 0],
          [1, 1, 9],
        ],
        [3, 1, 1],
      ],
      1,
    ],
  ],
  mistakes: {
    farthest: (means, picture) => indexOfMax(distances(means, picture, square)),
    theDistance: (means, picture) => Math.min(...distances(means, picture, square)),
    theRoot: (means, picture) => Math.sqrt(Math.min(...distances(means, picture, square))),
    signsCancel: (means, picture) => indexOfMin(distances(means, picture, (difference) => difference)),
  },
};
