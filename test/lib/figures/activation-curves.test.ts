import { activationCurves } from 'mnist-lib';

const { data, layout } = activationCurves();
const curve = (name: string, panel: 'y' | 'y2') => data.find((trace) => trace.name === name && trace.yaxis === panel)!;
const at = (name: string, panel: 'y' | 'y2', x: number): number => {
  const { x: xs, y: ys } = curve(name, panel) as { x: number[]; y: number[] };
  const place = xs.findIndex((value) => Math.abs(value - x) < 1e-9);
  return ys[place];
};

describe('activationCurves()', () => {
  test.each([
    // Values by hand, e = 2.718282: sigmoid(1) = e / (1 + e), tanh(1) = (e² - 1) / (e² + 1).
    ['ReLU', -3, 0],
    ['ReLU', 2, 2],
    ['sigmoid', 0, 0.5],
    ['sigmoid', 1, 0.731059],
    ['tanh', 0, 0],
    ['tanh', 1, 0.761594],
  ])('draws %s at %p as %p', (name, x, value) => {
    expect(at(name, 'y', x)).toBeCloseTo(value, 4);
  });

  test.each([
    // sigmoid' = s (1 - s), at most 1/4; tanh' = 1 - tanh², at most 1.
    ['ReLU', -3, 0],
    ['ReLU', 5, 1],
    ['sigmoid', 0, 0.25],
    ['sigmoid', 1, 0.196612],
    ['tanh', 0, 1],
    ['tanh', 1, 0.419974],
  ])('draws the slope of %s at %p as %p', (name, x, slope) => {
    expect(at(name, 'y2', x)).toBeCloseTo(slope, 4);
  });

  test.each(['ReLU', 'sigmoid', 'tanh'])('draws as slope of %s what its curve rises by', (name) => {
    const { x, y } = curve(name, 'y') as { x: number[]; y: number[] };
    const { y: slopes } = curve(name, 'y2') as { y: number[] };
    for (let place = 1; place < x.length - 1; place++) {
      if (name === 'ReLU' && x[place] === 0) {
        continue; // its corner has no slope
      }
      expect(slopes[place]).toBeCloseTo((y[place + 1] - y[place - 1]) / (x[place + 1] - x[place - 1]), 2);
    }
  });

  test("draws ReLU's slope as a step, without a slanting line at 0", () => {
    expect((curve('ReLU', 'y2') as { line: { shape?: string } }).line.shape).toMatch(/^(vh|hv)$/);
  });

  test('shows both panels with the same functions in the same colours, and names each once', () => {
    const [left, right] = ['y', 'y2'].map((panel) => data.filter((trace) => trace.yaxis === panel));
    const looks = (traces: typeof data) => traces.map(({ name, line }) => [name, line!.color, line!.dash]);
    expect(looks(left)).toEqual(looks(right));
    expect(data.filter(({ showlegend }) => showlegend !== false)).toHaveLength(3);
    expect(JSON.stringify(layout)).toContain('slope');
  });
});
