import { accuracyDots } from 'mnist-lib';

const TRIALS = [
  { name: '100', accuracies: [0.93, 0.95] },
  { name: '1000', accuracies: [0.96] },
];

describe('accuracyDots(trials, setting)', () => {
  test('draws a dot for each training in the column of its setting', () => {
    const [{ x, y }] = accuracyDots(TRIALS, 'neurons').data;
    expect(x).toEqual([0, 0, 1]);
    expect(y).toEqual([0.93, 0.95, 0.96]);
    expect(accuracyDots(TRIALS, 'neurons').layout.xaxis).toMatchObject({
      ticktext: ['100', '1000'],
      title: { text: 'neurons' },
    });
  });

  test('draws the mean as a line where there are several trainings, and writes it above', () => {
    const [, line, text] = accuracyDots(TRIALS, 'neurons').data;
    expect([line.x, line.y]).toEqual([
      [-0.25, 0.25, null],
      [0.94, 0.94, null],
    ]);
    expect(text.text).toEqual(['0.9400', '0.9600']);
  });

  test('has room for all dots and numbers, also if all accuracies are equal', () => {
    for (const accuracies of [[0.93], [0], [1, 1]]) {
      const [least, most] = accuracyDots([{ name: 'a', accuracies }], 'setting').layout.yaxis!.range as number[];
      expect(least).toBeLessThan(Math.min(...accuracies));
      expect(most).toBeGreaterThan(Math.max(...accuracies));
    }
  });

  test('describes the accuracies in words', () => {
    const { meta } = accuracyDots(TRIALS, 'neurons').layout as { meta: object };
    expect(meta).toEqual({
      description:
        'The accuracy of trainings, by neurons. ' +
        '100: 0.9400 on average (2 trainings, 0.9300 to 0.9500); 1000: 0.9600.',
    });
  });

  test.each([
    [[], /^there is no trial \(expected at least one\)$/],
    [[{ name: 'a', accuracies: [] }], /^a has no accuracy \(expected numbers from 0 to 1\)$/],
    [[{ name: 'a', accuracies: [0.5, 98] }], /^a has the accuracy 98 \(expected numbers from 0 to 1\)$/],
    [[{ name: 'a', accuracies: [NaN] }], /^a has the accuracy NaN \(expected numbers from 0 to 1\)$/],
  ])('refuses %j', (trials, message) => {
    expect(() => accuracyDots(trials, 'setting')).toThrow(RangeError);
    expect(() => accuracyDots(trials, 'setting')).toThrow(message);
  });
});
