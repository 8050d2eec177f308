import { altText } from 'mnist-lib/dist/display/alt-text';

describe('altText(data, layout)', () => {
  test('returns the description of the figure if it has one', () => {
    expect(altText([{ y: [1] }], { meta: { description: 'A point.' } } as object)).toBe('A point.');
  });

  test('says what is drawn, the number of values and their range', () => {
    const traces = [
      { type: 'bar' as const, x: ['a', 'b'], y: [1, 2] },
      { name: 'loss', y: [0.5, 3, -1] },
    ];
    expect(altText(traces, {})).toBe('Figure: bar (2 values, 1 to 2); loss (3 values, -1 to 3).');
  });

  test('includes the title, in both forms that plotly accepts', () => {
    expect(altText([{ y: [1, 2] }], { title: 'Doubling' })).toBe('Figure "Doubling": scatter (2 values, 1 to 2).');
    expect(altText([], { title: { text: 'None' } })).toBe('Figure "None": empty.');
  });
});
