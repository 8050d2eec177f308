import { type Calibration, reliabilityFigure } from 'mnist-lib';

interface Trace {
  x: number[];
  y: number[];
}
const empty = { count: 0, confidence: NaN, accuracy: NaN };
const CALIBRATION: Calibration = {
  bins: [
    { from: 0, to: 0.5, ...empty },
    { from: 0.5, to: 0.75, count: 4, confidence: 0.6, accuracy: 0.5 },
    { from: 0.75, to: 1, count: 96, confidence: 0.99, accuracy: 0.98 },
  ],
  error: 0.0136,
};
const { data, layout } = reliabilityFigure(CALIBRATION);
const [diagonal, curve, counts] = data as unknown as Trace[];

describe('reliabilityFigure(calibration)', () => {
  test('draws accuracy by confidence beside the diagonal, without empty intervals', () => {
    expect([diagonal.x, diagonal.y]).toEqual([[0, 1], [0, 1]]); // prettier-ignore
    expect([curve.x, curve.y]).toEqual([[0.6, 0.99], [0.5, 0.98]]); // prettier-ignore
  });

  test('draws the number of answers in the middle of each interval', () => {
    expect([counts.x, counts.y]).toEqual([[0.625, 0.875], [4, 96]]); // prettier-ignore
  });

  test('describes the curve in words', () => {
    expect((layout as { meta: { description: string } }).meta.description).toBe(
      'Two charts by confidence. Left: the accuracy, beside the diagonal on which confidence and accuracy agree. Right: the ' +
        'number of answers. For each interval the number, the mean confidence and the accuracy: 0.50 to 0.75: 4 answers, ' +
        '0.600, 0.500; 0.75 to 1.00: 96 answers, 0.990, 0.980. The expected calibration error is 0.0136.',
    );
  });
});
