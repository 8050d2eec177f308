import type { Plot } from 'nodeplotlib';
import { COLORS, FULL_WIDTH, type Figure, GREY, axis, card, figure, panelTitle } from './style';

const START = -2;
const STEPS = 5;
const REACH = 3.4; // w from -3.4 to 3.4
const PANELS = [
  { title: 'too small', rate: 0.03 },
  { title: 'good', rate: 0.3 },
  { title: 'too large', rate: 1.05 },
];

const loss = (w: number): number => w ** 2;
const gradient = (w: number): number => 2 * w;

/**
 * Gradient descent on the loss L(w) = w² of a single weight, from w = −2: five steps w ← w − rate · L′(w) with a learning
 * rate that is too small, one that is good, and one that is too large.
 *
 * @returns the figure: one panel per learning rate.
 * @example plot(gradientDescentFigure());
 */
export function gradientDescentFigure(): Figure {
  const w = Array.from({ length: 20 * REACH + 1 }, (_, step) => Number((step / 10 - REACH).toFixed(1)));
  const width = 0.27;
  const lefts = [0, 0.365, 0.73];
  const data: Plot[] = [];
  const axes: Record<string, object> = {};
  const ends: string[] = [];
  PANELS.forEach(({ title, rate }, index) => {
    const number = index === 0 ? '' : String(index + 1);
    const steps = [START];
    for (let step = 0; step < STEPS; step++) {
      steps.push(steps[step] - rate * gradient(steps[step]));
    }
    const panel = { type: 'scatter', xaxis: `x${number}`, yaxis: `y${number}`, showlegend: false };
    data.push(
      {
        ...panel,
        mode: 'lines',
        name: 'L(w) = w²',
        x: w,
        y: w.map((value) => Number(loss(value).toFixed(2))),
        line: { color: GREY, width: 2 },
        hoverinfo: 'skip',
      } as unknown as Plot,
      {
        ...panel,
        mode: 'lines+markers',
        name: `learning rate ${rate}`,
        x: steps.map((step) => Number(step.toFixed(4))),
        y: steps.map((step) => Number(loss(step).toFixed(4))),
        line: { color: COLORS.vermillion, width: 1.5, dash: 'dot' },
        marker: {
          color: COLORS.vermillion,
          opacity: 1,
          size: steps.map((_, step) => (step === 0 ? 13 : 9)),
          symbol: steps.map((_, step) => (step === 0 ? 'square' : 'circle')),
        },
        hovertemplate: 'w = %{x:.3f}, loss %{y:.3f}<extra></extra>',
      } as unknown as Plot,
    );
    axes[`xaxis${number}`] = axis('w', {
      domain: [lefts[index], lefts[index] + width],
      anchor: `y${number}`,
      range: [-REACH - 0.2, REACH + 0.2],
      tickvals: [-2, 0, 2],
    });
    axes[`yaxis${number}`] = axis(index === 0 ? 'loss L(w) = w²' : '', {
      anchor: `x${number}`,
      range: [-0.6, 11.5],
      dtick: 2,
    });
    ends.push(`with learning rate ${rate} (${title}) it is ${loss(steps[STEPS]).toFixed(3)}`);
  });
  const description =
    `Three charts of the loss w² with ${STEPS} steps of gradient descent from w = ${START}, where the loss is ` +
    `${loss(START)}. After them, ${ends.join(', ')}.`;
  const layout = card(FULL_WIDTH, 380, description, {
    ...axes,
    annotations: PANELS.map(({ title, rate }, index) =>
      panelTitle(`learning rate ${rate}:<br>${title}`, lefts[index] + width / 2),
    ),
    margin: { l: 65, r: 15, t: 60, b: 60 },
  });
  return figure(data, layout);
}
