import { activationCurves, crossEntropyCurve, historyCurves, reliabilityFigure, softmaxBars } from 'mnist-lib';

const FIGURES = {
  activationCurves: activationCurves(),
  crossEntropyCurve: crossEntropyCurve(),
  historyCurves: historyCurves({ loss: [1], val_loss: [1], acc: [1], val_acc: [1] }),
  reliabilityFigure: reliabilityFigure({
    bins: [{ from: 0, to: 1, count: 1, confidence: 0.9, accuracy: 1 }],
    error: 0.1,
  }),
  softmaxBars: softmaxBars([1, 2, 3]),
};

/** The contrast ratio of a colour (#RRGGBB) and white, as the Web Content Accessibility Guidelines 2.2 define it. */
function contrastWithWhite(color: string): number {
  const channels = color
    .slice(1)
    .match(/../g)!
    .map((hex) => parseInt(hex, 16) / 255);
  const [red, green, blue] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

test('contrastWithWhite agrees with the numbers in the guidelines', () => {
  expect(contrastWithWhite('#000000')).toBeCloseTo(21, 5);
  expect(contrastWithWhite('#767676')).toBeCloseTo(4.54, 2); // the lightest grey that passes for text
});

describe.each(Object.entries(FIGURES))('%s', (_name, { data, layout }) => {
  test('has a white background, whatever the theme', () => {
    expect(layout).toMatchObject({ paper_bgcolor: '#FFFFFF', plot_bgcolor: '#FFFFFF' });
  });

  test('has text and lines with enough contrast (guidelines 1.4.3: 4.5 to 1, 1.4.11: 3 to 1)', () => {
    expect(contrastWithWhite(layout.font!.color as string)).toBeGreaterThanOrEqual(4.5);
    for (const { line, marker } of data) {
      expect(contrastWithWhite((line?.color ?? marker!.color) as string)).toBeGreaterThanOrEqual(3);
    }
  });

  test('distinguishes its traces without colour, too', () => {
    const look = (trace: (typeof data)[number]) => {
      const {
        mode,
        yaxis = 'y',
        line,
        marker,
      } = trace as { mode?: string; yaxis?: string; line?: { dash: string }; marker?: { pattern?: object } };
      return JSON.stringify([mode, yaxis, line?.dash, marker?.pattern]);
    };
    expect(new Set(data.map(look)).size).toBe(data.length);
  });
});
