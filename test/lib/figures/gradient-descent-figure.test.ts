import { gradientDescentFigure } from 'mnist-lib';

const { data, layout } = gradientDescentFigure();
const paths = data.filter(({ name }) => name!.startsWith('learning rate')) as unknown as {
  name: string;
  x: number[];
  y: number[];
}[];

describe('gradientDescentFigure()', () => {
  // On w² with L′(w) = 2w, a step multiplies w by 1 − 2 · rate: 0.94, 0.4 and −1.1. From w = −2, after one step and five:
  test.each([
    [0, 'learning rate 0.03', -1.88, -1.4678],
    [1, 'learning rate 0.3', -0.8, -0.0205],
    [2, 'learning rate 1.05', 2.2, 3.221],
  ])('descends in panel %p with %s', (panel, name, first, last) => {
    const { name: named, x } = paths[panel];
    expect([named, x[0], x.length]).toEqual([name, -2, 6]);
    expect(x[1]).toBeCloseTo(first, 4);
    expect(x[5]).toBeCloseTo(last, 4);
  });

  test('has each step on the curve w², and inside the panel', () => {
    for (const { x, y } of paths) {
      x.forEach((w, step) => expect(y[step]).toBeCloseTo(w * w, 2));
      const { range } = layout.yaxis as { range: [number, number] };
      expect(Math.max(...y)).toBeLessThan(range[1]);
    }
  });

  test('says in words where each learning rate ends', () => {
    expect((layout as { meta: object }).meta).toEqual({
      description:
        'Three charts of the loss w² with 5 steps of gradient descent from w = -2, where the loss is 4. After them, ' +
        'with learning rate 0.03 (too small) it is 2.154, with learning rate 0.3 (good) it is 0.000, ' +
        'with learning rate 1.05 (too large) it is 10.375.',
    });
  });
});
