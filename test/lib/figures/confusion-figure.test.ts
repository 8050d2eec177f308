import { confusionFigure, confusionMatrix } from 'mnist-lib';

interface Table {
  z: (number | null)[][];
  zmax: number;
}
interface Texts {
  x: string[];
  y: string[];
  text: string[];
}

const MATRIX = [
  [50, 0, 3],
  [1, 45, 0],
  [9, 2, 1130],
];
const { data, layout } = confusionFigure(MATRIX);
const [diagonal, mistakes, counts] = data as unknown as [Table, Table, Texts];

describe('confusionFigure(matrix)', () => {
  test('colours correct predictions and mistakes apart, mistakes on their own scale', () => {
    const n = null;
    expect(diagonal.z).toEqual([
      [50, n, n],
      [n, 45, n],
      [n, n, 1130],
    ]);
    expect(mistakes.z).toEqual([
      [n, 0, 3],
      [1, n, 0],
      [9, 2, n],
    ]);
    expect(mistakes.zmax).toBe(9);
  });

  test('writes each count at its predicted class (x) and label (y), and nothing for 0', () => {
    const written = counts.text.map((text, index) => [Number(counts.y[index]), Number(counts.x[index]), text]);
    expect(written).toEqual([
      ...[[0, 0, '<b>50</b>'], [0, 2, '3'], [1, 0, '1'], [1, 1, '<b>45</b>']], // prettier-ignore
      ...[[2, 0, '9'], [2, 1, '2'], [2, 2, '<b>1130</b>']], // prettier-ignore
    ]);
  });

  test('has label 0 on top, as a matrix is written', () => {
    expect(layout.yaxis).toMatchObject({ autorange: 'reversed', title: { text: 'label' } });
    expect(layout.xaxis).toMatchObject({ title: { text: 'predicted' } });
  });

  test('describes the most frequent mistakes in words', () => {
    expect((layout as { meta: object }).meta).toEqual({
      description:
        'A table of 3 by 3 counts, row the label, column the prediction: 1225 of 1240 predictions are right; ' +
        'the most frequent mistakes: 2 taken for 0 9 times, 0 taken for 2 3 times, 2 taken for 1 2 times.',
    });
  });

  test('takes what confusionMatrix returns, also without a mistake', () => {
    const figure = confusionFigure(confusionMatrix([0, 1, 1], [0, 1, 1], 2));
    expect((figure.layout as { meta: { description: string } }).meta.description).toMatch(
      /3 of 3 predictions are right\.$/,
    );
  });

  test.each<[number[][], string]>([
    [[], 'the matrix has rows of no counts (expected as many rows as columns, at least one)'],
    [[[1, 2]], 'the matrix has rows of 2 counts (expected as many rows as columns, at least one)'],
    [[[1, 2], [3]], 'the matrix has rows of 2, 1 counts (expected as many rows as columns, at least one)'],
  ])('refuses %j, which is not square', (matrix, message) => {
    expect(() => confusionFigure(matrix)).toThrow(new RangeError(message));
  });
});
