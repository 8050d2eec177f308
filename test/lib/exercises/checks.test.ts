import { type Checks, type IdxArray, type Language, type Verdict, checks, normalize, sample, setSeed } from 'mnist-lib';
import { en } from 'mnist-lib/dist/exercises/messages/en';
import { ko } from 'mnist-lib/dist/exercises/messages/ko';
import * as tf from '@tensorflow/tfjs-node';

const check = checks('en');
type Name = Exclude<keyof Checks, 'history'>;

/** A check as JavaScript would call it, with any answer. */
const verdictOn = (name: Name, answer: unknown, language: Language = 'en'): Verdict =>
  (checks(language)[name] as (answer: unknown) => Verdict)(answer);

/** The same, without the tensors that the answers below leave. */
function tidied(...args: Parameters<typeof verdictOn>): Verdict {
  const verdicts: Verdict[] = [];
  tf.tidy(() => void verdicts.push(verdictOn(...args)));
  return verdicts[0];
}

const numbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
const argMax = (values: number[]): number => values.indexOf(Math.max(...values));

function network(output: tf.layers.Layer, loss?: string, hidden = 'relu'): tf.Sequential {
  const first = tf.layers.dense({ inputShape: [784], units: 8, activation: hidden as 'relu' });
  const model = tf.sequential({ layers: [first, output] });
  if (loss) {
    model.compile({ loss, optimizer: 'adam' });
  }
  return model;
}
const softmaxLayer = (): tf.layers.Layer => tf.layers.dense({ units: 10, activation: 'softmax' });
const flat = (images: IdxArray): tf.Tensor => normalize(images).reshape([images.shape[0], 784]);
const range = (count: number): number[] => [...Array(count).keys()];

/** Right answers, most of them by TensorFlow. */
const RIGHT: Record<Name, unknown> = {
  pixelIndex: (row: number, column: number) =>
    numbers(tf.range(0, 784).reshape([28, 28]).slice([row, column], [1, 1]))[0],
  scale: (bytes: number[]) => numbers(tf.tensor1d(bytes).div(255)),
  oneHot: (label: number, numClasses: number) => numbers(tf.oneHot([label], numClasses)),
  units: 125,
  parameterCount: ([inputs, ...sizes]: number[]) =>
    tf
      .sequential({
        layers: sizes.map((units, n) => tf.layers.dense({ units, ...(n === 0 && { inputShape: [inputs] }) })),
      })
      .countParams(),
  neuron: (x: number[], w: number[], b: number) => numbers(tf.relu(tf.dot(x, w).add(b)))[0],
  softmax: (logits: number[]) => numbers(tf.softmax(logits)),
  crossEntropy: (p: number[], label: number) =>
    numbers(tf.metrics.categoricalCrossentropy(tf.oneHot([label], p.length), tf.tensor2d([p])))[0],
  gradientStep: (w: number[], gradient: number[], rate: number) => numbers(tf.sub(w, tf.mul(rate, gradient))),
  accuracy: (rows: number[][], labels: number[]) =>
    numbers(tf.metrics.categoricalAccuracy(tf.oneHot(labels, rows[0].length), tf.tensor2d(rows)).mean())[0],
  mostConfused: (matrix: number[][]) => {
    const size = matrix.length;
    const place = numbers(tf.sub(matrix, tf.eye(size).mul(1000)).flatten().argMax())[0];
    return [Math.floor(place / size), place % size];
  },
  classMeans: (pictures: number[][], labels: number[], numClasses: number) => {
    const rows = tf.oneHot(labels, numClasses).toFloat().transpose(); // [numClasses, count]
    return rows.matMul(tf.tensor2d(pictures)).div(rows.sum(1, true)).arraySync();
  },
  nearestMean: (means: number[][], picture: number[]) => numbers(tf.sub(means, [picture]).square().sum(1).argMin())[0],
  prepare: flat,
  buildClassifier: () => network(softmaxLayer(), 'categoricalCrossentropy'),
  shuffleTogether: (pictures: number[][], labels: number[]) => {
    const order = sample(pictures.length, pictures.length);
    return { pictures: order.map((n) => pictures[n]), labels: order.map((n) => labels[n]) };
  },
  split: (count: number, numTest: number) => ({ test: range(numTest), training: range(count).slice(numTest) }),
};

/** Typical wrong answers, and what their hint says. */
const WRONG: Record<Name, [mistake: string, answer: unknown, hint: RegExp][]> = {
  pixelIndex: [
    [
      'goes by columns',
      (r: number, c: number) => c * 28 + r,
      /^pixelIndex\(0, 5\) returned 140 \(expected 5\).*columns/,
    ],
    ['counts pixels from 1', (r: number, c: number) => r * 28 + c + 1, /returned 6.*first pixel has the index 0/],
    ['counts rows from 1', (r: number, c: number) => (r - 1) * 28 + c, /returned -23.*Rows are counted from 0/],
    ['takes 27 for the length', (r: number, c: number) => r * 27 + c, /\(1, 0\) returned 27 .*how many are that/],
    [
      'is something else',
      (r: number, c: number) => r * 28 + c / 2,
      /^pixelIndex\(0, 5\) returned 2.5 \(expected 5\)\.$/,
    ],
  ],
  scale: [
    ['scales nothing', (bytes: number[]) => bytes.map((byte) => byte), /returned \[0, 51, 255\].*still bytes/],
    ['divides by 256', (bytes: number[]) => bytes.map((byte) => byte / 256), /0\.9961\].*exactly 1/],
    ['divides by the largest', (bytes: number[]) => bytes.map((b) => b / Math.max(...bytes)), /depends on the picture/],
    ['rounds', (bytes: number[]) => bytes.map((byte) => Math.round(byte / 255)), /Grey is lost/],
    ['divides twice', (bytes: number[]) => bytes.map((byte) => byte / 255 / 255), /how often/],
  ],
  oneHot: [
    ['counts from 1', (n: number, size: number) => numbers(tf.oneHot([n - 1], size)), /counted from 0/],
    ['always has ten', (n: number) => numbers(tf.oneHot([n], 10)), /^oneHot\(1, 3\).*not always 10/],
    ['writes the label', (n: number, size: number) => range(size).map((i) => (i === n ? n : 0)), /not how large/],
    ['has no 1', (_n: number, size: number) => Array<number>(size).fill(0), /No position is hot/],
    ['has another length', (n: number, size: number) => numbers(tf.oneHot([n], size + 1)), /another length/],
  ],
  units: [
    ['is too large', 1000, /^units = 1000 makes a network of 795,010 parameters \(.*100,000\)\. That is too many/],
    ['is too large by one', 126, /100,180 parameters.*too many/],
    ['is too small', 124, /98,590 parameters.*room for more/],
    ['is no whole number', 125.5, /^units is 125\.5 \(expected a whole number/],
    ['is text', '125', /^units is "125"/],
    ['is NaN', NaN, /^units is NaN/],
    ['is missing', undefined, /^units is undefined/],
  ],
  parameterCount: [
    [
      'forgets biases',
      ([a, ...more]: number[]) => sum(more.map((n, i) => n * [a, ...more][i])),
      /7840 .*one more number/,
    ],
    ['has a bias per input', ([a, b]: number[]) => a * b + a, /8624 .*not to each of its inputs/],
    ['has a bias per layer', ([a, b]: number[]) => a * b + 1, /7841 .*bias of its own/],
    ['stops after a layer', ([a, b]: number[]) => a * b + b, /\[784, 1000, 10\]\) returned 785000 .*after the first/],
  ],
  neuron: [
    ['forgets the bias', (x: number[], w: number[]) => Math.max(0, sum(x.map((v, i) => v * w[i]))), /11 .*no effect/],
    [
      'adds it often',
      (x: number[], w: number[], b: number) => sum(x.map((v, i) => v * w[i] + b)),
      /21 .*more than once/,
    ],
    ['has no ReLU', (x: number[], w: number[], b: number) => b + sum(x.map((v, i) => v * w[i])), /-4 .*ReLU/],
    ['multiplies sums', (x: number[], w: number[], b: number) => Math.max(0, sum(x) * sum(w) + b), /multiply first/],
  ],
  softmax: [
    ['divides by the sum', (z: number[]) => z.map((v) => v / sum(z)), /\[0\.1667, 0\.3333, 0\.5\].*which function/],
    ['does not divide', (z: number[]) => z.map(Math.exp), /\[2\.718, 7\.389, 20\.09\].*add up to 1/],
    ['divides by the largest', (z: number[]) => z.map((v) => Math.exp(v - Math.max(...z))), /The largest one gets 1/],
    ['is a sigmoid', (z: number[]) => numbers(tf.sigmoid(z)), /by a sigmoid/],
    [
      'overflows',
      (z: number[]) => z.map((v) => Math.exp(v) / sum(z.map(Math.exp))),
      /\(\[1000, 1001, 1002\]\).*subtracted/,
    ],
    [
      'is rounded',
      (z: number[]) => numbers(tf.softmax(z)).map((p) => Math.round(100 * p) / 100),
      /0\.09, 0\.24, 0\.67/,
    ],
  ],
  crossEntropy: [
    ['has no minus', (p: number[], n: number) => Math.log(p[n]), /-0\.3567 .*negative/],
    ['has base 10', (p: number[], n: number) => -Math.log10(p[n]), /base 10/],
    ['has base 2', (p: number[], n: number) => -Math.log2(p[n]), /base 2/],
    ['takes all', (p: number[]) => -sum(p.map(Math.log)), /Only one/],
    ['takes the largest', (p: number[]) => -Math.log(Math.max(...p)), /, 0\) returned 0\.3567 .*need not be/],
    ['counts from 1', (p: number[], n: number) => -Math.log(p[n - 1]), /counted from 0/],
    ['has no logarithm', (p: number[], n: number) => 1 - p[n], /0\.3 .*is a logarithm/],
  ],
  gradientStep: [
    ['goes uphill', (w: number[], g: number[], r: number) => w.map((v, i) => v + r * g[i]), /grows in the direction/],
    ['ignores the rate', (w: number[], g: number[]) => w.map((v, i) => v - g[i]), /no effect/],
    ['is only the step', (_w: number[], g: number[], r: number) => g.map((v) => -r * v), /where does one arrive/],
    [
      'scales weights',
      (w: number[], g: number[], r: number) => w.map((v, i) => r * v - g[i]),
      /multiplies the gradient/,
    ],
    [
      'changes the weights in place',
      (w: number[], g: number[], r: number) => {
        g.forEach((v, i) => (w[i] -= r * v));
        return w;
      },
      /changed what it was given, \[1, -2\], into \[0\.95, -1\.95\]\..*make a new list/,
    ],
  ],
  accuracy: [
    ['counts', (p: number[][], n: number[]) => n.filter((v, i) => argMax(p[i]) === v).length, /returned 3 .*fraction/],
    [
      'is a percentage',
      (p: number[][], n: number[]) => (100 * n.filter((v, i) => argMax(p[i]) === v).length) / n.length,
      /returned 75 .*between 0 and 1/,
    ],
    [
      'is the error',
      (p: number[][], n: number[]) => n.filter((v, i) => argMax(p[i]) !== v).length / n.length,
      /wrong answers/,
    ],
    [
      'wants more than half',
      (p: number[][], n: number[]) => n.filter((v, i) => p[i][v] > 0.5).length / n.length,
      /one half/,
    ],
    [
      'takes the smallest',
      (p: number[][], n: number[]) => n.filter((v, i) => argMax(p[i].map((q) => -q)) === v).length / n.length,
      /not with the smallest/,
    ],
    ['is the mean of p', (p: number[][], n: number[]) => sum(n.map((v, i) => p[i][v])) / n.length, /right or wrong/],
  ],
  mostConfused: [
    [
      'takes the diagonal',
      (m: number[][]) => [argMax(m.map((row, i) => row[i])), argMax(m.map((row, i) => row[i]))],
      /diagonal/,
    ],
    ['swaps row and column', (m: number[][]) => (m.length === 3 ? [2, 0] : [0, 1]), /The row is the label/],
    ['returns the count', (m: number[][]) => (m.length === 3 ? 5 : 2), /returned 5 .*how often/],
  ],
  classMeans: [
    [
      'gives sums',
      (_p: number[][], n: number[]) =>
        n.length === 3
          ? [
              [2, 12],
              [6, 6],
            ]
          : [],
      /These are the sums/,
    ],
    [
      'divides by all',
      (_p: number[][], n: number[]) =>
        n.length === 3
          ? [
              [2 / 3, 4],
              [2, 2],
            ]
          : [],
      /not of all/,
    ],
    [
      'ignores labels',
      (p: number[][], _n: number[], k: number) => Array<number[]>(k).fill(numbers(tf.mean(p, 0))),
      /same mean/,
    ],
    ['has one number', (_p: number[][], n: number[]) => (n.length === 3 ? [3.5, 6] : []), /each pixel/],
  ],
  nearestMean: [
    [
      'takes the farthest',
      (m: number[][], p: number[]) => numbers(tf.sub(m, [p]).square().sum(1).argMax())[0],
      /differs most/,
    ],
    [
      'returns the distance',
      (m: number[][], p: number[]) => numbers(tf.sub(m, [p]).square().sum(1).min())[0],
      /13 .*to which/,
    ],
    [
      'returns the root',
      (m: number[][], p: number[]) => numbers(tf.sub(m, [p]).square().sum(1).min().sqrt())[0],
      /3\.606 .*to which/,
    ],
    ['lets signs cancel', (m: number[][], p: number[]) => numbers(tf.sub(m, [p]).sum(1).argMin())[0], /cancel/],
  ],
  prepare: [
    ['normalizes twice', (images: IdxArray) => flat(images).div(255), /byte 51 \(expected 0\.2\)\. .*how often/],
    ['does not normalize', (images: IdxArray) => flat(images).mul(255), /made 51 of a pixel.*still bytes/],
    ['does not flatten', normalize, /shape \[2, 28, 28\] \(expected \[2, 784\]\)/],
    ['flattens all', (images: IdxArray) => normalize(images).flatten(), /shape \[1568\]/],
    ['returns a list', (images: IdxArray) => [...images.data], /^prepare\(images\) returned \[0, 51, .*a tensor/],
    ['changes the bytes', (images: IdxArray) => (images.data.fill(7), flat(images)), /changed what it was given/],
    [
      'is not written',
      () => {
        throw new Error('not written yet');
      },
      /^prepare\(images\) threw an error: not written yet$/,
    ],
  ],
  buildClassifier: [
    [
      'lacks softmax',
      () => network(tf.layers.dense({ units: 10 }), 'categoricalCrossentropy'),
      /add up to .*activation of the last/,
    ],
    [
      'has sigmoids',
      () => network(tf.layers.dense({ units: 10, activation: 'sigmoid' }), 'binaryCrossentropy'),
      /add up to/,
    ],
    [
      'has another loss',
      () => network(softmaxLayer(), 'meanSquaredError'),
      /the loss of the network is 0\..*made for other outputs/,
    ],
    ['is binary', () => network(softmaxLayer(), 'binaryCrossentropy'), /made for other outputs/],
    [
      'takes labels as numbers',
      () => network(softmaxLayer(), 'sparseCategoricalCrossentropy'),
      /^buildClassifier\(\) threw an error/,
    ],
    [
      'has a linear hidden layer',
      () => network(softmaxLayer(), 'categoricalCrossentropy', 'linear'),
      /has a linear activation/,
    ],
    ['is not compiled', () => network(softmaxLayer()), /not compiled/],
    [
      'has nine outputs',
      () => network(tf.layers.dense({ units: 9, activation: 'softmax' }), 'meanSquaredError'),
      /\[batch, 9\] \(expected/,
    ],
    ['is a layer', softmaxLayer, /returned Dense \(expected a model/],
  ],
  shuffleTogether: [
    [
      'leaves the labels',
      (pictures: number[][], labels: number[]) => ({ pictures: [...pictures].reverse(), labels }),
      /picture 19 has the label 0 \(expected 9, as before\)/,
    ],
    [
      'shuffles each alone',
      (p: number[][], n: number[]) => ({
        pictures: sample(20, 20).map((i) => p[i]),
        labels: sample(20, 20).map((i) => n[i]),
      }),
      /need the same order/,
    ],
    [
      'shuffles nothing',
      (pictures: number[][], labels: number[]) => ({ pictures, labels }),
      /in the order in which they came/,
    ],
    [
      'draws with replacement',
      (p: number[][], n: number[]) => ({ pictures: p.map(() => p[3]), labels: n.map(() => 3) }),
      /occur once/,
    ],
    [
      'loses some',
      (p: number[][], n: number[]) => ({ pictures: p.slice(1), labels: n.slice(1) }),
      /returned 19 elements in pictures \(expected 20\)/,
    ],
    [
      'works in place',
      (pictures: number[][], labels: number[]) => ({ pictures: pictures.reverse(), labels: labels.reverse() }),
      /make a new list/,
    ],
    ['has no labels', (pictures: number[][]) => ({ pictures }), /returned undefined elements in labels/],
  ],
  split: [
    [
      'trains on all',
      (count: number, n: number) => ({ training: range(count), test: range(n) }),
      /digit 0 into training and into test/,
    ],
    [
      'overlaps by one',
      (count: number, n: number) => ({ training: range(count).slice(n - 1), test: range(n) }),
      /digit 4 into training and into test/,
    ],
    [
      'loses one',
      (count: number, n: number) => ({ training: range(count).slice(n + 1), test: range(n) }),
      /digit 5 into neither/,
    ],
    [
      'has another size',
      (count: number, n: number) => ({ training: range(count).slice(n + 1), test: range(n + 1) }),
      /returned 6 elements in test \(expected 5\)/,
    ],
    [
      'has a digit twice',
      (count: number, n: number) => ({ training: [...range(count).slice(n), 7], test: range(n) }),
      /returned 16 elements in training \(expected 15\)/,
    ],
    ['returns a list', (count: number) => range(count), /elements in test/],
  ],
};

const names = Object.keys(RIGHT) as Name[];
const wrong = names.flatMap((name) =>
  WRONG[name].map(([mistake, answer, hint]) => [name, mistake, answer, hint] as const),
);

describe('a check of the exercises, in both languages,', () => {
  test.each(names)('finds the right answer of %s right', (name) => {
    const { isRight, message } = tidied(name, RIGHT[name]);
    expect([message, isRight]).toEqual([`${name} gives what is expected.`, true]);
    expect(tidied(name, RIGHT[name], 'ko').message).toBe(`${name}: 기대한 결과가 나옵니다.`);
  });

  test.each(wrong)('of %s gives the hint that is meant for an answer that %s', (name, _mistake, answer, hint) => {
    const { isRight, message } = tidied(name, answer);
    expect(isRight).toBe(false);
    expect(message).toMatch(hint);
    const korean = tidied(name, answer, 'ko');
    expect(korean.isRight).toBe(false);
    expect(korean.message).toMatch(/[가-힣]/);
  });

  test('knows at least three typical mistakes of each task', () => {
    expect(names.filter((name) => WRONG[name].length < 3)).toEqual([]);
  });

  test('has a remark in each language, written in it and used by a task', () => {
    for (const [remark, text] of Object.entries(ko.remarks)) {
      expect([remark, text]).toEqual([remark, expect.stringMatching(/[가-힣].*[.?]$/)]);
    }
    expect(Object.keys(ko.remarks)).toEqual(Object.keys(en.remarks));
    const used = [...wrong.map(([name, , answer]) => tidied(name, answer).message)].join('\n');
    const general = ['nothing', 'promise', 'notANumber', 'notAList', 'notFinite', 'length', 'lossGrew', 'slow'];
    const unused = Object.entries(en.remarks).filter(([key, text]) => !general.includes(key) && !used.includes(text));
    expect(unused).toEqual([]);
  });
});

describe('a check of the exercises throws nothing, whatever a student writes:', () => {
  const functions = names.filter((name) => typeof RIGHT[name] === 'function');
  const throwing = new Proxy([], {
    get() {
      throw new Error('a trap');
    },
  });
  const endless = (): unknown => endless();
  const thrown = (value: unknown) => () => {
    throw value;
  };
  test.each<[string, unknown, RegExp]>([
    ['no function', 5, /is 5 \(expected a function\)/],
    ['nothing', undefined, /is undefined \(expected a function\)/],
    ['a function that returns nothing', () => {}, /returned undefined/],
    ['null', () => null, /returned null/],
    ['NaN', () => NaN, /returned NaN/],
    ['Infinity', () => Infinity, /returned Infinity/],
    ['a list of NaN', () => [NaN, NaN, NaN], /\[NaN, NaN, NaN\]|undefined elements/],
    ['text', () => '5', /returned "5"/],
    ['a bigint', () => 5n, /returned 5n/],
    ['a symbol', () => Symbol('s'), /returned Symbol\(s\)/],
    ['a function', () => Math.max, /returned function max/],
    ['an endless list', () => new Array<number>(2 ** 32 - 1), /undefined, .*\.\.\.|undefined elements/],
    ['an error', thrown(new Error('oh')), /threw an error: oh$/],
    ['a thrown null', thrown(null), /threw an error: null$/],
    ['a thrown object that cannot be read', thrown(throwing), /threw an error: \?$/],
    ['a list that cannot be read', () => throwing, /threw an error: a trap$/],
    ['endless recursion', endless, /threw an error: Maximum call stack size exceeded$/],
    ['an async function', () => Promise.resolve(1), /returned Promise/],
    ['an async function that fails', () => Promise.reject(new Error('later')), /returned Promise/],
  ])('%s', (_title, answer, hint) => {
    for (const name of functions) {
      const { isRight, message } = verdictOn(name, answer);
      expect([name, isRight, message]).toEqual([name, false, expect.stringMatching(hint)]);
      expect(verdictOn(name, answer, 'ko').message).toMatch(/[가-힣]/);
    }
  });

  test('what is missing, a promise, a wrong type, NaN and a wrong length get a remark of their own', () => {
    expect(verdictOn('softmax', () => {}).message).toMatch(/end with return\?$/);
    expect(verdictOn('softmax', () => Promise.resolve([])).message).toMatch(/must not be async\.$/);
    expect(verdictOn('softmax', () => 1).message).toMatch(/should be a list/);
    expect(verdictOn('neuron', () => [1]).message).toMatch(/should be a number\.$/);
    expect(verdictOn('softmax', () => [0.1, NaN, 0.7]).message).toMatch(
      /^softmax\(\[1, 2, 3\]\) returned \[0\.1, NaN.*dividing by 0/,
    );
    expect(verdictOn('softmax', () => [1]).message).toMatch(/another length\.$/);
  });
});

describe('check.history(history, goal)', () => {
  const history = (loss: number[], val_acc?: number[]) => ({ history: { loss, ...(val_acc && { val_acc }) } });
  test.each([
    ['is high enough', history([2, 0.5], [0.5, 0.8]), /^history gives/],
    [
      'is too low, and the loss grew',
      history([2, 8], [0.1, 0.1]),
      /^val_acc is 0\.1 after epoch 2 \(.*0\.8\)\. The loss does not fall/,
    ],
    ['is too low, and the loss is NaN', history([2, NaN], [0.1, NaN]), /val_acc is NaN .*does not fall/],
    ['is too low, and the loss fell', history([2, 1.5], [0.1, 0.3]), /falls, but slowly/],
    ['is missing, without validation data', history([2, 1.5]), /^The history is \{ history: .*validation data/],
    ['is missing, with the history', undefined, /^The history is undefined/],
  ])('says what is off if the accuracy %s', (_title, answer, expected) => {
    expect(check.history(answer as unknown as tf.History, 0.8).message).toMatch(expected);
  });
});

describe('a verdict', () => {
  const display = Symbol.for('Jupyter.display');
  const shown = (verdict: Verdict) => (verdict as unknown as Record<symbol, () => Record<string, string>>)[display]();

  test('is shown as a card and as text, with a word and a mark beside the colour', () => {
    const right = shown(verdictOn('units', 125));
    expect(right['text/plain']).toBe('✔ Right. units gives what is expected.');
    expect(right['text/html']).toMatch(/^<div style="[^"]*#009E73[^"]*"><strong>✔ Right<\/strong><br>units gives/);
    const hint = shown(verdictOn('units', '<b>', 'ko'));
    expect(hint['text/plain']).toMatch(/^✘ 아직 아닙니다\. units의 값: "<b>"/);
    expect(hint['text/html']).toContain('&lt;b&gt;');
    expect(hint['text/html']).not.toContain('<b>');
  });

  test('throws its hint for automatic grading, and returns itself if the answer is right', () => {
    const right = verdictOn('units', 125);
    expect(right.orThrow()).toBe(right);
    expect(() => verdictOn('units', 124).orThrow()).toThrow(/room for more/);
  });

  test('leaves random numbers and tensors as they were', () => {
    const next = (): number[] => [Math.random(), Math.random()];
    setSeed(13);
    const expected = next();
    for (const name of ['shuffleTogether', 'buildClassifier'] as const) {
      setSeed(13);
      verdictOn(name, RIGHT[name]);
      expect(next()).toEqual(expected);
    }
    const before = tf.memory().numTensors;
    for (const answer of [RIGHT.buildClassifier, ...WRONG.buildClassifier.map(([, build]) => build)]) {
      verdictOn('buildClassifier', answer);
    }
    verdictOn('prepare', flat);
    verdictOn('prepare', WRONG.prepare[0][1]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('checks(language) names the languages that it has', () => {
  expect(() => checks('fr' as Language)).toThrow(new RangeError('checks has no language fr (expected en or ko)'));
});
