import { probabilityBars } from 'mnist-lib';

interface Bars {
  x: number[];
  y: number[];
  text: string[];
  marker: { color: string[] };
}
const barsOf = (...args: Parameters<typeof probabilityBars>) => probabilityBars(...args).data[0] as unknown as Bars;
const descriptionOf = (...args: Parameters<typeof probabilityBars>) =>
  (probabilityBars(...args).layout as { meta: { description: string } }).meta.description;

describe('probabilityBars(probabilities, label)', () => {
  test('draws a bar per class, also of a typed array', () => {
    expect(barsOf(Float32Array.of(0.25, 0.5, 0.25))).toMatchObject({
      ...{ x: [0, 1, 2], y: [0.25, 0.5, 0.25], text: ['0.250', '0.500', '0.250'] },
    });
  });

  test('highlights the largest one only, the first among equal ones, as toLabels does', () => {
    const { color } = barsOf([0.2, 0.4, 0.4]).marker;
    expect(color[0]).toBe(color[2]);
    expect(color[1]).not.toBe(color[0]);
  });

  test('marks the label, which may be another class', () => {
    const { ticktext } = probabilityBars([0.3, 0.7], 0).layout.xaxis as { ticktext: string[] };
    expect(ticktext).toEqual(['<b>0</b><br>label', '1']);
    expect((probabilityBars([0.3, 0.7]).layout.xaxis as { ticktext: string[] }).ticktext).toEqual(['0', '1']);
  });

  test('does not write 0 for a small probability, nor 1 for one that is almost 1', () => {
    expect(barsOf([0, 1e-9, 0.0009, 0.9995, 1]).text).toEqual(['0', '<0.001', '<0.001', '>0.999', '1.000']);
  });

  test('describes the bars in words', () => {
    expect(descriptionOf([0.25, 0.75], 0)).toBe(
      'Bars of the probability of each class. 0: 0.250, 1: 0.750. The largest is that of 1. The label is 0.',
    );
  });

  test.each<[number[], number | undefined, string]>([
    [[], undefined, 'there are no probabilities (expected one per class)'],
    [[0.5, 1.5], undefined, '1.5 at index 1 is not a probability (expected 0 to 1)'],
    [[NaN], undefined, 'NaN at index 0 is not a probability (expected 0 to 1)'],
    [[0.5, 0.5], 2, 'label 2 is not a class (expected 0-1)'],
    [[0.5, 0.5], 0.5, 'label 0.5 is not a class (expected 0-1)'],
  ])('refuses %j with label %j', (probabilities, label, message) => {
    expect(() => probabilityBars(probabilities, label)).toThrow(new RangeError(message));
  });
});
