import { crossEntropyCurve } from 'mnist-lib';

const { data, layout } = crossEntropyCurve();
const [curve, points] = data as unknown as { x: number[]; y: number[]; text: string[] }[];
const at = (p: number) => curve.y[curve.x.indexOf(p)];

describe('crossEntropyCurve()', () => {
  // By hand: e^-1 = 0.368, so −log of it is 1; −log (1/4) = 2 log 2 = 2 × 0.693147.
  test.each([
    [1, 0],
    [0.5, 0.693147],
    [0.25, 1.386294],
    [0.1, 2.302585],
  ])('draws p = %p at %p', (p, value) => {
    expect(at(p)).toBeCloseTo(value, 4);
  });

  test('marks 0.9, 0.5 and 0.1 with their values', () => {
    expect(points.x).toEqual([0.9, 0.5, 0.1]);
    expect(points.text).toEqual(['−log 0.9 = 0.105', '−log 0.5 = 0.693', '−log 0.1 = 2.303']);
    points.x.forEach((p, index) => expect(points.y[index]).toBeCloseTo(at(p), 4));
  });

  test('says in words where the curve goes', () => {
    expect((layout as { meta: object }).meta).toEqual({
      description:
        'The curve of −log p for p from 0 to 1: it falls from very large values near p = 0 to 0 at p = 1; ' +
        '0.105 for p = 0.9, 0.693 for p = 0.5, 2.303 for p = 0.1.',
    });
  });
});
