// Checks of the exercises (notebooks/exercises): each says whether an answer is right, or gives one hint.
import type * as tf from '@tensorflow/tfjs-node';
import type { IdxArray } from '../data/idx';
import { type FunctionTask, checkFunction } from './function-task';
import * as tasks from './function-tasks';
import { type Messages, en } from './messages/en';
import { ko } from './messages/ko';
import { checkClassifier, checkHistory, checkPrepare, checkUnits } from './network-checks';
import { type Examples, checkShuffle, checkSplit } from './set-checks';
import type { Verdict } from './verdict';

const LANGUAGES = { en, ko };
const LIST = new Intl.ListFormat('en', { type: 'disjunction' });

/** A language in which checks answer. */
export type Language = keyof typeof LANGUAGES;

/**
 * The checks of the exercises. Each takes a student's answer and returns a verdict, which is shown below the cell.
 * Whatever the answer does, it becomes a hint: a check throws no error. Functions get copies of what they are called with.
 */
export interface Checks {
  /** Where the pixel at `row` and `column` of a picture, both 0-27, is in the flattened picture. */
  pixelIndex(pixelIndex: (row: number, column: number) => number): Verdict;
  /** Makes numbers between 0 and 1 of bytes 0-255. */
  scale(scale: (bytes: number[]) => number[]): Verdict;
  /** A list of `numClasses` numbers: 1 at the index of the label, 0 elsewhere. */
  oneHot(oneHot: (label: number, numClasses: number) => number[]): Verdict;
  /** The largest number of hidden neurons with which a network of 784 inputs and 10 outputs has at most 100,000 parameters. */
  units(units: number): Verdict;
  /** The number of parameters of dense layers; `sizes` are the number of inputs and the units of each layer. */
  parameterCount(parameterCount: (sizes: number[]) => number): Verdict;
  /** The output of a neuron with ReLU, one weight per input. */
  neuron(neuron: (inputs: number[], weights: number[], bias: number) => number): Verdict;
  /** The probabilities that belong to logits, large ones as well. */
  softmax(softmax: (logits: number[]) => number[]): Verdict;
  /** The loss of one digit: −log of the probability of its label. */
  crossEntropy(crossEntropy: (probabilities: number[], label: number) => number): Verdict;
  /** The weights after a step of gradient descent; the gradient has one derivative per weight. */
  gradientStep(gradientStep: (weights: number[], gradient: number[], learningRate: number) => number[]): Verdict;
  /** Whether training reached the validation accuracy `goal`, between 0 and 1. */
  history(history: tf.History, goal: number): Verdict;
  /** The fraction of digits whose label has the largest probability; one row of probabilities per label. */
  accuracy(accuracy: (probabilities: number[][], labels: number[]) => number): Verdict;
  /** The label and the wrong prediction with the largest count; in the matrix, the row is the label. */
  mostConfused(mostConfused: (matrix: number[][]) => [label: number, predicted: number]): Verdict;
  /** The mean picture of each class; pictures are lists of pixels. */
  classMeans(classMeans: (pictures: number[][], labels: number[], numClasses: number) => number[][]): Verdict;
  /** The index of the mean with the smallest sum of squared differences to the picture. */
  nearestMean(nearestMean: (means: number[][], picture: number[]) => number): Verdict;
  /** The input of a network, [count, 784], 0-1, of pictures [count, 28, 28], bytes. Disposes of the tensor. */
  prepare(prepare: (images: IdxArray) => tf.Tensor): Verdict;
  /** A new compiled network from 784 pixels to ten probabilities, with a loss that fits. Disposes of the network. */
  buildClassifier(buildClassifier: () => tf.LayersModel): Verdict;
  /** Pictures and labels in a new random order, the same for both. */
  shuffleTogether(shuffleTogether: (pictures: number[][], labels: number[]) => Examples): Verdict;
  /** The indices 0 to count - 1, `numTest` of them for testing, all others for training. */
  split(split: (count: number, numTest: number) => { training: number[]; test: number[] }): Verdict;
}

/**
 * Returns the checks of the exercises in a language.
 *
 * @param language `en` or `ko`.
 * @throws RangeError if there is no such language.
 * @example const check = checks('en'); check.softmax(softmax)
 */
export function checks(language: Language): Checks {
  if (!Object.hasOwn(LANGUAGES, language)) {
    throw new RangeError(
      `checks has no language ${String(language)} (expected ${LIST.format(Object.keys(LANGUAGES))})`,
    );
  }
  const messages: Messages = LANGUAGES[language];
  const functionCheck =
    <Args extends unknown[], Result>(task: FunctionTask<Args, Result>) =>
    (answer: (...args: Args) => Result): Verdict =>
      checkFunction(messages, task, answer);
  return {
    pixelIndex: functionCheck(tasks.PIXEL_INDEX),
    scale: functionCheck(tasks.SCALE),
    oneHot: functionCheck(tasks.ONE_HOT),
    units: (units) => checkUnits(messages, units),
    parameterCount: functionCheck(tasks.PARAMETER_COUNT),
    neuron: functionCheck(tasks.NEURON),
    softmax: functionCheck(tasks.SOFTMAX),
    crossEntropy: functionCheck(tasks.CROSS_ENTROPY),
    gradientStep: functionCheck(tasks.GRADIENT_STEP),
    history: (history, goal) => checkHistory(messages, history, goal),
    accuracy: functionCheck(tasks.ACCURACY),
    mostConfused: functionCheck(tasks.MOST_CONFUSED),
    classMeans: functionCheck(tasks.CLASS_MEANS),
    nearestMean: functionCheck(tasks.NEAREST_MEAN),
    prepare: (prepare) => checkPrepare(messages, prepare),
    buildClassifier: (buildClassifier) => checkClassifier(messages, buildClassifier),
    shuffleTogether: (shuffleTogether) => checkShuffle(messages, shuffleTogether),
    split: (split) => checkSplit(messages, split),
  };
}
