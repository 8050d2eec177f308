import type { Plot } from 'nodeplotlib';
import { COLORS, FULL_WIDTH, type Figure, axis, card, figure, panelTitle } from './style';

interface Activation {
  name: string;
  of: (x: number) => number;
  derivative: (x: number) => number;
  color: string;
  dash: string;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const ACTIVATIONS: Activation[] = [
  { name: 'ReLU', of: (x) => Math.max(0, x), derivative: (x) => (x > 0 ? 1 : 0), color: COLORS.blue, dash: 'solid' },
  {
    name: 'sigmoid',
    of: sigmoid,
    derivative: (x) => sigmoid(x) * (1 - sigmoid(x)),
    color: COLORS.vermillion,
    dash: 'dash',
  },
  { name: 'tanh', of: Math.tanh, derivative: (x) => 1 - Math.tanh(x) ** 2, color: COLORS.green, dash: 'dot' },
];

const STEPS = 120;
const REACH = 6; // x from -6 to 6

/**
 * Three activation functions on the left and their derivatives on the right. The derivative of ReLU is 1 for every
 * positive input; those of sigmoid and tanh approach 0 on both sides (the vanishing gradient).
 *
 * @returns the figure.
 * @example plot(activationCurves());
 */
export function activationCurves(): Figure {
  const x = Array.from({ length: STEPS + 1 }, (_, step) => (step / STEPS) * 2 * REACH - REACH);
  const data = (['of', 'derivative'] as const).flatMap((curve, panel) =>
    ACTIVATIONS.map((activation) => {
      const { name, color, dash } = activation;
      return {
        type: 'scatter',
        mode: 'lines',
        name,
        legendgroup: name,
        showlegend: panel === 0,
        x,
        // More digits would not be visible, and would make the notebook larger.
        y: x.map((value) => Number(activation[curve](value).toFixed(4))),
        xaxis: panel === 0 ? 'x' : 'x2',
        yaxis: panel === 0 ? 'y' : 'y2',
        line: { color, dash, width: 2.5, ...(name === 'ReLU' && panel === 1 ? { shape: 'vh' } : {}) },
        hovertemplate: `${name}: %{y:.3f} at %{x:.1f}<extra></extra>`,
      } as unknown as Plot;
    }),
  );
  const layout = card(
    FULL_WIDTH,
    380,
    'Two charts. Left: ReLU, sigmoid and tanh for inputs from -6 to 6. Right: their derivatives. That of ReLU is 1 for ' +
      'every positive input, that of sigmoid is at most 0.25, and those of sigmoid and tanh approach 0 on both sides.',
    {
      xaxis: axis('x', { domain: [0, 0.43] }),
      yaxis: axis('h(x)', { range: [-1.2, 2.2] }),
      xaxis2: axis('x', { domain: [0.57, 1], anchor: 'y2' }),
      yaxis2: axis('derivative h′(x)', { anchor: 'x2', range: [-0.1, 1.2] }),
      legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: -0.25, yanchor: 'top' },
      annotations: [panelTitle('Activation', 0.215), panelTitle('Derivative', 0.785)],
      margin: { l: 60, r: 20, t: 40, b: 100 },
    },
  );
  return figure(data, layout);
}
