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

  test('says the range of nested lists, with four digits', () => {
    expect(altText([{ type: 'heatmap', z: [[1 / 3, 2], [-5]] }], {})).toBe('Figure: heatmap (3 values, -5 to 2).');
    expect(altText([{ y: [1 / 3, 2e6 / 3] }], {})).toBe('Figure: scatter (2 values, 0.3333 to 666700).');
  });

  test('describes more values than a function takes arguments', () => {
    const x = Array.from({ length: 784_000 }, (_, index) => index % 256);
    expect(altText([{ type: 'histogram', x }], {})).toBe('Figure: histogram (784000 values, 0 to 255).');
  });
});
