import type { Plot } from 'nodeplotlib';
import { COLORS, type Figure, axis, card, figure } from './style';

/**
 * What softmax makes of a few scores, beside what mere division by their sum would make of them.
 *
 * @param scores the last layer's outputs before softmax (logits); they must not add up to 0.
 * @returns the figure: two bars a score, shares 0-1.
 * @throws RangeError without scores, for scores that are no finite numbers, or when their sum is 0.
 * @example const { data, layout } = softmaxBars([1, 2, 3]);
 */
export function softmaxBars(scores: number[]): Figure {
  const sum = scores.reduce((total, score) => total + score, 0);
  if (scores.length === 0 || sum === 0 || !Number.isFinite(sum)) {
    throw new RangeError(`[${scores.join(', ')}] cannot be divided by its sum (expected numbers whose sum is not 0)`);
  }
  const largest = Math.max(...scores); // subtracted, so that the exponential cannot overflow; the shares stay the same
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const exponentialSum = exponentials.reduce((total, value) => total + value, 0);
  const shares = {
    'divided by the sum': scores.map((score) => score / sum),
    softmax: exponentials.map((value) => value / exponentialSum),
  };
  const looks = [
    { color: COLORS.vermillion, pattern: { shape: '/', fillmode: 'overlay', fgcolor: '#FFFFFF', size: 6 } },
    { color: COLORS.blue },
  ];
  const data = Object.entries(shares).map(
    ([name, y], index) =>
      ({
        type: 'bar',
        name,
        x: scores.map((score) => `score ${score}`),
        y,
        text: y.map((share) => share.toFixed(3)),
        textposition: 'outside',
        cliponaxis: false,
        marker: looks[index],
        hovertemplate: `%{x}, ${name}: %{y:.3f}<extra></extra>`,
      }) as unknown as Plot,
  );
  const words = Object.entries(shares).map(([name, y]) => `${name} ${y.map((share) => share.toFixed(3)).join(', ')}`);
  const layout = card(560, 340, `Bars for the scores ${scores.join(', ')}: ${words.join('; ')}.`, {
    barmode: 'group',
    bargap: 0.3,
    xaxis: axis('', { showgrid: false }),
    // Divided by their sum, scores of different signs give no shares between 0 and 1.
    yaxis: axis('share', scores.some((score) => score / sum < 0) ? {} : { range: [0, 1], dtick: 0.25 }),
    legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: 1.02, yanchor: 'bottom' },
  });
  return figure(data, layout);
}
