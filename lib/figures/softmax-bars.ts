import type { Plot } from 'nodeplotlib';
import { COLORS, type Figure, axis, card, figure } from './style';

/**
 * The probabilities that softmax computes from a few logits, beside the logits divided by their sum.
 *
 * @param logits outputs of the last layer before softmax; their sum must not be 0.
 * @returns the figure: two bars per logit.
 * @throws RangeError if there are no logits, if one is not a finite number, or if their sum is 0.
 * @example plot(softmaxBars([1, 2, 3]));
 */
export function softmaxBars(logits: number[]): Figure {
  const sum = logits.reduce((total, logit) => total + logit, 0);
  if (logits.length === 0 || sum === 0 || !Number.isFinite(sum)) {
    throw new RangeError(`[${logits.join(', ')}] cannot be divided by its sum (expected numbers whose sum is not 0)`);
  }
  const largest = Math.max(...logits); // subtracting it avoids overflow and leaves the probabilities the same
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const exponentialSum = exponentials.reduce((total, value) => total + value, 0);
  const heights = {
    'divided by the sum': logits.map((logit) => logit / sum),
    softmax: exponentials.map((value) => value / exponentialSum),
  };
  const looks = [
    { color: COLORS.vermillion, pattern: { shape: '/', fillmode: 'overlay', fgcolor: '#FFFFFF', size: 6 } },
    { color: COLORS.blue },
  ];
  const data = Object.entries(heights).map(
    ([name, y], index) =>
      ({
        type: 'bar',
        name,
        x: logits.map((logit) => `logit ${logit}`),
        y,
        text: y.map((height) => height.toFixed(3)),
        textposition: 'outside',
        cliponaxis: false,
        marker: looks[index],
        hovertemplate: `%{x}, ${name}: %{y:.3f}<extra></extra>`,
      }) as unknown as Plot,
  );
  const words = Object.entries(heights).map(
    ([name, y]) => `${name} ${y.map((height) => height.toFixed(3)).join(', ')}`,
  );
  const layout = card(600, 380, `Bars for the logits ${logits.join(', ')}: ${words.join('; ')}.`, {
    barmode: 'group',
    bargap: 0.3,
    xaxis: axis('', { showgrid: false }),
    // Logits of different signs, divided by their sum, are not all between 0 and 1.
    yaxis: axis('probability', logits.some((logit) => logit / sum < 0) ? {} : { range: [0, 1], dtick: 0.25 }),
    legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: 1.02, yanchor: 'bottom' },
  });
  return figure(data, layout);
}
