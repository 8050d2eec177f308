import { answersFigure, firstOf, loadMnist } from 'mnist-lib';
import { PNG } from 'pngjs';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { withTensor } from '../../helpers/with-tensor';

const images = firstOf(loadMnist().testImages, 3); // 7, 2 and 1
const LABELS = [7, 2, 1];
const ROWS = [
  [0, 0, 0, 0.25, 0, 0, 0, 0.75, 0, 0],
  [0, 0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0], // taken for a 1
  [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
];
const drawn = (indices: number[]) =>
  withTensor(ROWS, (probabilities) => {
    const { data, layout } = answersFigure(images, indices, LABELS, probabilities);
    const [bars, titles, ticks] = data as unknown as {
      x: number[];
      y: number[];
      base: number[];
      text: string[];
      marker: { color: string[] };
      textfont: { color: string[] };
    }[];
    return { bars, titles, ticks, layout };
  });

describe('answersFigure(images, indices, trueLabels, probabilities)', () => {
  test('draws ten bars per digit, their heights as the probabilities, and leaks nothing', () => {
    expectNoLeak(() => {
      const { bars } = drawn([1, 0]);
      expect(bars.y).toHaveLength(20);
      const tallest = 28 * 4; // as the picture
      expect(bars.y.map((height) => -height / tallest + 0)).toEqual([...ROWS[1], ...ROWS[0]]);
      expect(new Set(bars.base.slice(0, 10)).size).toBe(1);
    });
  });

  test('colours the answer and the label, of a mistake in two colours, and no other bar', () => {
    const { bars, ticks } = drawn([1, 0]);
    const { color } = bars.marker;
    const [grey] = color;
    const [answer, label] = [color[1], color[2]];
    expect(new Set([grey, answer, label]).size).toBe(3);
    expect(color.slice(10)).toEqual(ROWS[0].map((_, digit) => (digit === 7 ? answer : grey)));
    expect(ticks.text.slice(0, 5)).toEqual(['0', '<b>1</b>', '<b>2</b>', '3', '4']);
  });

  test('writes label, answer and its probability above each digit, and in words', () => {
    const { titles, layout } = drawn([1, 2]);
    expect(titles.text).toEqual(['<b>2 → 1 (0.500)</b>', '<b>1 → 1 (1.000)</b>']);
    expect((layout as { meta: object }).meta).toEqual({
      description:
        '2 handwritten digits, each beside bars of its 10 probabilities: 1 (label 2, answer 1 with 0.500), ' +
        '2 (label 1, answer 1 with 1.000).',
    });
  });

  test('shows the pixels of each digit, two to a row', () => {
    const { layout, bars } = drawn([0, 1, 2]);
    const [{ source }] = layout.images!;
    const { width, height, data } = PNG.sync.read(Buffer.from(source!.split(',')[1], 'base64'));
    expect([width, height]).toEqual([layout.width, layout.height]);
    const [left, bottom] = [16 + width / 2, bars.base[10]]; // of the second digit, beside the first
    expect(bars.base[0]).toBe(bottom);
    expect(bars.base[20]).toBeGreaterThan(bottom);
    const middle = Array.from({ length: 28 }, (_, x) => 255 - data[((bottom - 14 * 4) * width + left + 4 * x) * 4]);
    expect(middle).toEqual(Array.from(images.data.subarray((28 + 14) * 28, (28 + 15) * 28)));
  });

  test.each<[number[], number[], string]>([
    [[], LABELS, 'no image was selected (expected at least one index)'],
    [[3], LABELS, 'there is no image 3 (expected 0-2)'],
    [[0], [7, 2], '3 images and 2 labels (expected the same number)'],
    [[0], [7, 2, 10], 'label 10 at index 2 is not a class (expected 0-9)'],
  ])('refuses indices %j with labels %j', (indices, labels, message) => {
    withTensor(ROWS, (probabilities) => {
      expect(() => answersFigure(images, indices, labels, probabilities)).toThrow(new RangeError(message));
    });
  });
});
