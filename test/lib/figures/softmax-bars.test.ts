import { softmaxBars } from 'mnist-lib';

const heights = (logits: number[]) =>
  Object.fromEntries(softmaxBars(logits).data.map(({ name, y }): [string, number[]] => [name!, y as number[]]));

describe('softmaxBars(logits)', () => {
  test('draws softmax beside the logits divided by their sum', () => {
    // By hand: e = 2.71828, e² = 7.38906, e³ = 20.08554, together 30.19288.
    const { softmax, 'divided by the sum': divided } = heights([1, 2, 3]);
    expect(softmax.map((probability) => probability.toFixed(3))).toEqual(['0.090', '0.245', '0.665']);
    expect(divided).toEqual([1 / 6, 2 / 6, 3 / 6]);
  });

  test('writes each probability above its bar, and the logit below', () => {
    const [, softmax] = softmaxBars([1, 2, 3]).data;
    expect(softmax).toMatchObject({ text: ['0.090', '0.245', '0.665'], x: ['logit 1', 'logit 2', 'logit 3'] });
  });

  test('shows equal probabilities for equal logits, also large ones', () => {
    expect(heights([7, 7, 7, 7]).softmax).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(heights([1000, 1000]).softmax).toEqual([0.5, 0.5]); // e^1000 is too large for a number
  });

  test('shows probability 1 for a single logit', () => {
    expect(heights([-3])).toEqual({ softmax: [1], 'divided by the sum': [1] });
  });

  test('describes the bars in words', () => {
    const { meta } = softmaxBars([1, 2, 3]).layout as { meta: object };
    expect(meta).toEqual({
      description: 'Bars for the logits 1, 2, 3: divided by the sum 0.167, 0.333, 0.500; softmax 0.090, 0.245, 0.665.',
    });
  });

  test.each([[[]], [[-1, 1]], [[NaN, 1]], [[Infinity]]])('refuses %j', (logits) => {
    expect(() => softmaxBars(logits)).toThrow(RangeError);
    expect(() => softmaxBars(logits)).toThrow(/\(expected /);
  });

  test('keeps every bar in view, also for logits of different signs', () => {
    expect(softmaxBars([1, 2, 3]).layout.yaxis).toMatchObject({ range: [0, 1] });
    expect(softmaxBars([-1, -2]).layout.yaxis).toMatchObject({ range: [0, 1] });
    for (const logits of [
      [-2, 1, 3],
      [-3, 1],
    ]) {
      expect(softmaxBars(logits).layout.yaxis).not.toHaveProperty('range'); // plotly chooses it from the bars
    }
  });
});
