import type { Plot } from 'nodeplotlib';
import { COLORS, type Figure, axis, card, figure } from './style';

const MARKED = [0.9, 0.5, 0.1];
const STEPS = 200;
const SMALLEST = 0.005; // the curve rises without limit towards 0

/**
 * Cross-entropy of one digit: −log p (natural logarithm), where p is the probability that the network gives to the right
 * class. The points 0.9, 0.5 and 0.1 are marked with their values.
 *
 * @returns the figure.
 * @example plot(crossEntropyCurve());
 */
export function crossEntropyCurve(): Figure {
  const p = Array.from({ length: STEPS }, (_, step) => Number((SMALLEST * (step + 1)).toFixed(3)));
  const curve = {
    type: 'scatter',
    mode: 'lines',
    x: p,
    y: p.map((value) => Number(Math.abs(Math.log(value)).toFixed(4))),
    line: { color: COLORS.blue, width: 3 },
    hovertemplate: 'p = %{x}: %{y:.3f}<extra></extra>',
  } as unknown as Plot;
  const values = MARKED.map((value) => (-Math.log(value)).toFixed(3));
  const points = {
    type: 'scatter',
    mode: 'markers+text',
    x: MARKED,
    y: MARKED.map((value) => -Math.log(value)),
    text: MARKED.map((value, index) => `−log ${value} = ${values[index]}`),
    textposition: ['top center', 'top right', 'top right'],
    marker: { color: COLORS.vermillion, size: 12 },
    hoverinfo: 'skip',
  } as unknown as Plot;
  const words = MARKED.map((value, index) => `${values[index]} for p = ${value}`).join(', ');
  const description =
    'The curve of −log p for p from 0 to 1: it falls from very large values near p = 0 ' + `to 0 at p = 1; ${words}.`;
  const layout = card(640, 380, description, {
    showlegend: false,
    xaxis: axis('p, the probability of the right class', { range: [0, 1.04], dtick: 0.1 }),
    yaxis: axis('−log p', { range: [0, 5] }),
    margin: { l: 70, r: 20, t: 20, b: 65 },
  });
  return figure([curve, points], layout);
}
