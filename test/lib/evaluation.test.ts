import {
  accuracy,
  classReport,
  confidentMistakes,
  confusionMatrix,
  evaluate,
  fit,
  predict,
  setSeed,
  toLabels,
  wrongPredictions,
} from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../helpers/expect-no-leak';
import { compiled, smallMnist, smallNetwork } from '../helpers/small-mnist';

/** A network that gives every example the probabilities 3/4 and 1/4: softmax of the logits ln 3 and 0. */
function constantNetwork(metrics?: string[]): tf.Sequential {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2, activation: 'softmax' })] });
  tf.tidy(() => model.setWeights([tf.zeros([3, 2]), tf.tensor1d([Math.log(3), 0])]));
  model.compile({ loss: 'categoricalCrossentropy', optimizer: 'sgd', metrics });
  return model;
}

/** A network with two outputs. */
function twoOutputs(): tf.LayersModel {
  const inputs = tf.input({ shape: [3] });
  const output = (): tf.SymbolicTensor => tf.layers.dense({ units: 2 }).apply(inputs) as tf.SymbolicTensor;
  return tf.model({ inputs, outputs: [output(), output()] });
}

describe('evaluate(model, x, y, options) and predict(model, x, options)', () => {
  let x: tf.Tensor2D;
  let y: tf.Tensor2D;
  beforeAll(() => {
    x = tf.ones([5, 3]);
    y = tf.tensor2d([1, 0, 1, 0, 0, 1, 1, 0, 0, 1], [5, 2]); // the classes 0, 0, 1, 0, 1
  });
  afterAll(() => {
    tf.dispose([x, y]);
  });

  test.each([undefined, 1, 2, 5, 100])(
    'give values computed by hand, with batches of %s, and leak nothing',
    (batchSize) => {
      expectNoLeak(() => {
        // The mean squared error comes before accuracy.
        const model = constantNetwork(['mse', 'accuracy']);
        const options = batchSize === undefined ? undefined : { batchSize };
        const loss = -(3 * Math.log(3 / 4) + 2 * Math.log(1 / 4)) / 5;
        expect(evaluate(model, x, y, options)).toEqual({ loss: expect.closeTo(loss, 5) as number, accuracy: 0.6 });
        const probabilities = predict(model, x, options);
        expect(probabilities.shape).toEqual([5, 2]);
        expect(probabilities.dtype).toBe('float32');
        probabilities.dataSync().forEach((value, index) => expect(value).toBeCloseTo(index % 2 ? 1 / 4 : 3 / 4, 6));
        probabilities.dispose();
        model.dispose();
      });
    },
  );

  test('give what tfjs gives for a trained network, and agree with accuracy', async () => {
    const digits = smallMnist(300);
    setSeed(13);
    const model = compiled(smallNetwork());
    await fit(model, digits.x, digits.y, { epochs: 2, verbose: 0 });
    const before = tf.memory().numTensors;
    const found = evaluate(model, digits.x, digits.y);
    const probabilities = predict(model, digits.x);
    const labels = [probabilities, digits.y].map(toLabels);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.tidy(() => {
      const [loss, acc] = (model.evaluate(digits.x, digits.y) as tf.Scalar[]).map((value) => value.dataSync()[0]);
      expect(found).toEqual({ loss: expect.closeTo(loss, 5) as number, accuracy: expect.closeTo(acc, 5) as number });
      expect(probabilities.dataSync()).toEqual((model.predict(digits.x) as tf.Tensor).dataSync());
    });
    expect(found.accuracy).toBeCloseTo(accuracy(labels[1], labels[0]), 5);
    expect(found.accuracy).toBeGreaterThan(0.5); // the network has learned something
    tf.dispose([probabilities, digits.x, digits.y]);
    model.dispose();
  });

  test('take int32 and bool', () => {
    expectNoLeak(() => {
      const model = constantNetwork(['accuracy']);
      tf.tidy(() => {
        for (const dtype of ['int32', 'bool'] as const) {
          expect(evaluate(model, x.cast(dtype), y.cast(dtype)).accuracy).toBe(0.6);
          expect(predict(model, x.cast(dtype)).dataSync()[0]).toBeCloseTo(3 / 4, 6);
        }
      });
      model.dispose();
    });
  });

  const columns = (): tf.Sequential =>
    tf.sequential({ layers: [tf.layers.reshape({ inputShape: [3], targetShape: [3, 1] })] });
  const notCompiled = (): tf.Sequential => tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2 })] });
  const good = (): tf.Sequential => constantNetwork(['accuracy']);
  const compiledTwice = (): tf.LayersModel => {
    const model = twoOutputs();
    model.compile({ loss: 'meanSquaredError', optimizer: 'sgd', metrics: ['accuracy'] });
    return model;
  };
  test.each<[string, () => tf.LayersModel, (model: tf.LayersModel) => unknown, string]>([
    [
      'evaluate, a model that is not compiled',
      notCompiled,
      (model) => evaluate(model, x, y),
      'the model is not compiled yet: call model.compile',
    ],
    [
      'evaluate, a model without accuracy',
      constantNetwork,
      (model) => evaluate(model, x, y),
      "the model is compiled without the metric accuracy: call model.compile({ loss, optimizer, metrics: ['accuracy'] })",
    ],
    [
      'evaluate, two outputs',
      compiledTwice,
      (model) => evaluate(model, x, y),
      "the numbers of the model's inputs and outputs are 1 and 2 (expected one of each): call model.evaluate",
    ],
    [
      'evaluate, labels in place of one-hot rows',
      good,
      (model) => tf.tidy(() => evaluate(model, x, tf.ones([5, 1]))),
      'y has the shape [5, 1] (expected [count, 2]',
    ],
    [
      'evaluate, different numbers of examples',
      good,
      (model) => tf.tidy(() => evaluate(model, tf.ones([4, 3]), y)),
      'x holds 4 examples and y 5 (expected the same number)',
    ],
    [
      'evaluate, a batch size of 0',
      good,
      (model) => evaluate(model, x, y, { batchSize: 0 }),
      'batchSize is 0 (expected a whole number, 1 or more)',
    ],
    [
      'evaluate, an option that it does not know',
      good,
      (model) => evaluate(model, x, y, { steps: 3 } as object),
      'evaluate has no option steps (expected batchSize)',
    ],
    [
      'predict, two outputs',
      twoOutputs,
      (model) => predict(model, x),
      "the numbers of the model's inputs and outputs are 1 and 2 (expected one of each): call model.predict",
    ],
    [
      'predict, no layers',
      () => tf.sequential(),
      (model) => predict(model, x),
      "the numbers of the model's inputs and outputs are 0 and 0 (expected one of each)",
    ],
    [
      'predict, an output of another rank',
      columns,
      (model) => predict(model, x),
      "the model's output has the shape [count, 3, 1] (expected [count, numClasses]): call model.predict",
    ],
    [
      'predict, inputs of another width',
      notCompiled,
      (model) => tf.tidy(() => predict(model, tf.ones([5, 4]))),
      'x has the shape [5, 4] (expected [count, 3]',
    ],
    [
      'predict, NaN',
      notCompiled,
      (model) => tf.tidy(() => predict(model, tf.fill([5, 3], NaN))),
      'x has a value that is not a number in example 0',
    ],
    [
      'predict, the spelling of Keras',
      notCompiled,
      (model) => predict(model, x, { batch_size: 3 } as object),
      'predict has no option batch_size (did you mean batchSize?)',
    ],
    [
      'predict, a batch size that is not whole',
      notCompiled,
      (model) => predict(model, x, { batchSize: 1.5 }),
      'batchSize is 1.5 (expected a whole number, 1 or more)',
    ],
  ])('refuse, and leak nothing: %s', (_what, make, run, message) => {
    expectNoLeak(() => {
      const model = make();
      expect(() => run(model)).toThrow(RangeError);
      expect(() => run(model)).toThrow(message);
      model.dispose();
    });
  });
});

describe('toLabels(rows)', () => {
  test('returns the index of the largest value in each row, the first among equal ones', () => {
    expectNoLeak(() => {
      const rows = tf.tensor2d([
        [0.1, 0.7, 0.2],
        [0, 0, 1],
        [0.4, 0.2, 0.4],
      ]);
      expect(toLabels(rows)).toEqual([1, 2, 0]);
      rows.dispose();
    });
  });
});

describe('accuracy(trueLabels, predictedLabels)', () => {
  test('is the fraction of correct labels', () => {
    // The example of scikit-learn's page on accuracy_score.
    expect(accuracy([0, 1, 2, 3], [0, 2, 1, 3])).toBe(0.5);
    expect(accuracy([1, 2], [1, 2])).toBe(1);
    expect(accuracy([1, 2], [2, 1])).toBe(0);
  });

  test('is not defined without labels', () => {
    expect(() => accuracy([], [])).toThrow(RangeError);
    expect(() => accuracy([], [])).toThrow(/expected at least one/);
  });
});

describe('wrongPredictions(trueLabels, predictedLabels)', () => {
  test('lists the indices at which the two differ', () => {
    expect(wrongPredictions([7, 2, 1, 0, 4], [7, 3, 1, 6, 4])).toEqual([1, 3]);
    expect(wrongPredictions([7], [7])).toEqual([]);
  });

  test('refuses lists of different lengths', () => {
    expect(() => wrongPredictions([1, 2, 3], [1, 2])).toThrow(
      '3 true labels and 2 predicted ones (expected the same number)',
    );
  });
});

describe('confusionMatrix(trueLabels, predictedLabels, numClasses)', () => {
  test('has true labels in rows and predicted labels in columns', () => {
    // The example of scikit-learn's page on confusion_matrix.
    expect(confusionMatrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2], 3)).toEqual([
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]);
  });

  test.each([
    [[0, 3], [0, 1], 'label 3 at index 1 is not a class (expected 0-2)'],
    [[0, 1], [7, 1], 'label 7 at index 0 is not a class (expected 0-2)'],
  ])('refuses true labels %j with predictions %j for three classes', (trueLabels, predictedLabels, message) => {
    expect(() => confusionMatrix(trueLabels, predictedLabels, 3)).toThrow(message);
  });
});

describe('classReport(matrix)', () => {
  test("gives scikit-learn's precision, recall, F1 and support", () => {
    // scikit-learn 1.9.1: precision_recall_fscore_support(y_true, y_pred) for labels with this confusion matrix.
    const expected = [
      [0, 0.833333, 0.943396, 0.884956, 53],
      [1, 0.957447, 0.978261, 0.967742, 46],
      [2, 0.997352, 0.990359, 0.993843, 1141],
    ];
    const report = classReport([
      [50, 0, 3],
      [1, 45, 0],
      [9, 2, 1130],
    ]);
    expect(report.map(({ label, precision, recall, f1, support }) => [label, precision, recall, f1, support])).toEqual(
      expected.map((row) => row.map((value) => expect.closeTo(value, 6) as number)),
    );
  });

  test('has NaN where a score is not defined', () => {
    // scikit-learn 1.9.1: precision_recall_fscore_support([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], labels=[0, 1, 2, 3],
    // zero_division=np.nan)
    const report = classReport(confusionMatrix([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], 4));
    expect(report.slice(2)).toEqual([
      { label: 2, precision: NaN, recall: 0, f1: 0, support: 1 },
      { label: 3, precision: NaN, recall: NaN, f1: NaN, support: 0 },
    ]);
  });

  test('refuses a matrix that is not square', () => {
    expect(() => classReport([[1, 2]])).toThrow(
      new RangeError('the matrix has rows of 2 counts (expected as many rows as columns, at least one)'),
    );
  });
});

describe('confidentMistakes(trueLabels, probabilities, count)', () => {
  const rows = [
    [0.6, 0.3, 0.1], // wrong: label 1
    [0.1, 0.1, 0.8], // right
    [0.9, 0.05, 0.05], // wrong: label 2
    [0.2, 0.6, 0.2], // wrong: label 0, as certain as the first
  ];
  const labels = [1, 2, 2, 0];

  test('lists the most certain mistakes first, the first among equal ones, and leaks nothing', () => {
    expectNoLeak(() => {
      const probabilities = tf.tensor2d(rows);
      expect(confidentMistakes(labels, probabilities, 10)).toEqual([2, 0, 3]);
      expect(confidentMistakes(labels, probabilities, 2)).toEqual([2, 0]);
      expect(confidentMistakes([0, 2, 0, 1], probabilities, 2)).toEqual([]);
      probabilities.dispose();
    });
  });

  test.each<[number[], number[][], number, string]>([
    [[1], rows, 3, '1 true labels and 4 rows of probabilities (expected the same number)'],
    [[1, 2, 2, 3], rows, 3, 'label 3 at index 3 is not a class (expected 0-2)'],
    [[1, 2, 2, 0.5], rows, 3, 'label 0.5 at index 3 is not a class (expected 0-2)'],
    [[0, 0], [[1, 0], [2, -1]], 3, '2 in row 1 is not a probability (expected 0 to 1)'], // prettier-ignore
    [labels, rows, 1.5, 'count is 1.5 (expected a whole number, 0 or more)'],
  ])('refuses labels %j with %j and count %s', (trueLabels, values, count, message) => {
    tf.tidy(() => {
      expect(() => confidentMistakes(trueLabels, tf.tensor2d(values), count)).toThrow(new RangeError(message));
    });
  });
});
