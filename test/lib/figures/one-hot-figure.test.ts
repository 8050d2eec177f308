import { oneHotFigure } from 'mnist-lib';

interface Trace {
  z: number[][];
  text: string[];
}
const [cells, numbers] = oneHotFigure(5).data as unknown as Trace[];

describe('oneHotFigure(label, numClasses)', () => {
  test('draws ten cells, 1 in that of the label, each with its index below', () => {
    expect(cells.z).toEqual([[0, 0, 0, 0, 0, 1, 0, 0, 0, 0]]);
    expect(numbers.text).toEqual(['0', '0', '0', '0', '0', '<b>1</b>', '0', '0', '0', '0']);
    expect(oneHotFigure(5).layout.xaxis).toMatchObject({ tickvals: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] });
  });

  test('draws as many cells as there are classes', () => {
    expect((oneHotFigure(0, 3).data[0] as unknown as Trace).z).toEqual([[1, 0, 0]]);
  });

  test('describes the row in words', () => {
    expect((oneHotFigure(2, 4).layout as { meta: object }).meta).toEqual({
      description: 'A row of 4 cells for the label 2: cell 2 is 1, all others are 0.',
    });
  });

  test.each([10, -1, 0.5, NaN])('refuses label %p', (label) => {
    expect(() => oneHotFigure(label)).toThrow(new RangeError(`label ${label} is not a class (expected 0-9)`));
  });
});
