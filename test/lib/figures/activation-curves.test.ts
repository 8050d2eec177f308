import { activationCurves } from 'mnist-lib';

const { data, layout } = activationCurves();
const curve = (name: string, panel: 'y' | 'y2') => data.find((trace) => trace.name === name && trace.yaxis === panel)!;
const at = (name: string, panel: 'y' | 'y2', x: number): number => {
  const { x: xs, y: ys } = curve(name, panel) as { x: number[]; y: number[] };
  return ys[xs.findIndex((value) => Math.abs(value - x) < 1e-9)];
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
  ])('draws the derivative of %s at %p as %p', (name, x, derivative) => {
    expect(at(name, 'y2', x)).toBeCloseTo(derivative, 4);
  });

  test.each(['ReLU', 'sigmoid', 'tanh'])('draws the derivative of %s as the slope of its curve', (name) => {
    const { x, y } = curve(name, 'y') as { x: number[]; y: number[] };
    const { y: derivatives } = curve(name, 'y2') as { y: number[] };
    for (let index = 1; index < x.length - 1; index++) {
      if (name === 'ReLU' && x[index] === 0) {
        continue; // no derivative at the corner
      }
      expect(derivatives[index]).toBeCloseTo((y[index + 1] - y[index - 1]) / (x[index + 1] - x[index - 1]), 2);
    }
  });

  test('draws the derivative of ReLU as a step, without a slanting line at 0', () => {
    expect((curve('ReLU', 'y2') as { line: { shape?: string } }).line.shape).toMatch(/^(vh|hv)$/);
  });

  test('shows the same functions in the same colours in both panels, and names each once', () => {
    const [left, right] = ['y', 'y2'].map((panel) => data.filter((trace) => trace.yaxis === panel));
    const looks = (traces: typeof data) => traces.map(({ name, line }) => [name, line!.color, line!.dash]);
    expect(looks(left)).toEqual(looks(right));
    expect(data.filter(({ showlegend }) => showlegend !== false)).toHaveLength(3);
    expect(JSON.stringify(layout)).toContain('derivative');
  });
});
