import { softmaxBars } from 'mnist-lib';

const shares = (scores: number[]) =>
  Object.fromEntries(softmaxBars(scores).data.map(({ name, y }): [string, number[]] => [name!, y as number[]]));

describe('softmaxBars(scores)', () => {
  test('draws softmax beside the division by the sum', () => {
    // By hand: e = 2.71828, e² = 7.38906, e³ = 20.08554, together 30.19288.
    const { softmax, 'divided by the sum': divided } = shares([1, 2, 3]);
    expect(softmax.map((share) => share.toFixed(3))).toEqual(['0.090', '0.245', '0.665']);
    expect(divided).toEqual([1 / 6, 2 / 6, 3 / 6]);
  });

  test('writes each share above its bar, and the score below', () => {
    const [, softmax] = softmaxBars([1, 2, 3]).data;
    expect(softmax).toMatchObject({ text: ['0.090', '0.245', '0.665'], x: ['score 1', 'score 2', 'score 3'] });
  });

  test('gives equal scores equal shares, also large ones', () => {
    expect(shares([7, 7, 7, 7]).softmax).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(shares([1000, 1000]).softmax).toEqual([0.5, 0.5]); // e^1000 is more than a number holds
  });

  test('gives a single score the whole', () => {
    expect(shares([-3])).toEqual({ softmax: [1], 'divided by the sum': [1] });
  });

  test('says in words what it shows', () => {
    const { meta } = softmaxBars([1, 2, 3]).layout as { meta: object };
    expect(meta).toEqual({
      description: 'Bars for the scores 1, 2, 3: divided by the sum 0.167, 0.333, 0.500; softmax 0.090, 0.245, 0.665.',
    });
  });

  test.each([[[]], [[-1, 1]], [[NaN, 1]], [[Infinity]]])('refuses %j', (scores) => {
    expect(() => softmaxBars(scores)).toThrow(RangeError);
    expect(() => softmaxBars(scores)).toThrow(/\(expected /);
  });

  test('keeps every bar in view, also where scores have different signs', () => {
    expect(softmaxBars([1, 2, 3]).layout.yaxis).toMatchObject({ range: [0, 1] });
    expect(softmaxBars([-1, -2]).layout.yaxis).toMatchObject({ range: [0, 1] });
    for (const scores of [
      [-2, 1, 3],
      [-3, 1],
    ]) {
      expect(softmaxBars(scores).layout.yaxis).not.toHaveProperty('range'); // plotly takes it from the bars
    }
  });
});
