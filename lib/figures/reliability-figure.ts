import type { Plot } from 'nodeplotlib';
import type { Calibration } from '../calibration';
import { COLORS, FULL_WIDTH, type Figure, GREY, axis, card, figure, panelTitle } from './style';

/**
 * The reliability curve: on the left, how often the answers of each confidence are right, beside the diagonal of a network
 * whose confidence is right; on the right, how many answers have this confidence.
 *
 * @param calibration as `calibration` returns it.
 * @returns the figure.
 * @example plot(reliabilityFigure(calibration(trueLabels, predictions)));
 */
export function reliabilityFigure({ bins, error }: Calibration): Figure {
  const filled = bins.filter(({ count }) => count > 0);
  const range = filled.map(({ from, to }) => `${from.toFixed(2)} to ${to.toFixed(2)}`);
  const diagonal = {
    type: 'scatter',
    mode: 'lines',
    name: 'confidence = accuracy',
    x: [0, 1],
    y: [0, 1],
    line: { color: GREY, dash: 'dash', width: 2 },
    hoverinfo: 'skip',
  } as unknown as Plot;
  const curve = {
    type: 'scatter',
    mode: 'lines+markers',
    name: 'this network',
    x: filled.map(({ confidence }) => confidence),
    y: filled.map(({ accuracy }) => accuracy),
    customdata: filled.map(({ count }, index) => [range[index], count]),
    line: { color: COLORS.blue, width: 2 },
    marker: { color: COLORS.blue, size: 8 },
    hovertemplate:
      '%{customdata[0]}: %{customdata[1]} answers<br>confidence %{x:.3f}, accuracy %{y:.3f}<extra></extra>',
  } as unknown as Plot;
  const counts = {
    type: 'bar',
    name: 'answers',
    x: filled.map(({ from, to }) => (from + to) / 2),
    y: filled.map(({ count }) => count),
    width: filled.map(({ from, to }) => 0.9 * (to - from)),
    xaxis: 'x2',
    yaxis: 'y2',
    customdata: range,
    marker: { color: COLORS.blue },
    showlegend: false,
    hovertemplate: '%{customdata}: %{y} answers<extra></extra>',
  } as unknown as Plot;
  const points = filled.map(
    ({ count, confidence, accuracy }, index) =>
      `${range[index]}: ${count} answers, ${confidence.toFixed(3)}, ${accuracy.toFixed(3)}`,
  );
  const most = Math.max(...filled.map(({ count }) => count));
  const confidence = { range: [0, 1.02], tickvals: [0, 0.25, 0.5, 0.75, 1] };
  const layout = card(
    FULL_WIDTH,
    420,
    `Two charts by confidence. Left: the accuracy, beside the diagonal on which confidence and accuracy agree. Right: the ` +
      `number of answers. For each interval the number, the mean confidence and the accuracy: ${points.join('; ')}. ` +
      `The expected calibration error is ${error.toFixed(4)}.`,
    {
      xaxis: axis('confidence', { ...confidence, domain: [0, 0.42] }),
      yaxis: axis('accuracy', { range: [0, 1.02], tickvals: confidence.tickvals }),
      xaxis2: axis('confidence', { ...confidence, domain: [0.58, 1], anchor: 'y2' }),
      // The axis begins below 1, so that a single answer has a bar, too.
      yaxis2: axis('answers', { anchor: 'x2', type: 'log', dtick: 1, range: [Math.log10(0.5), Math.log10(2 * most)] }),
      legend: { orientation: 'h', x: 0.21, xanchor: 'center', y: -0.22, yanchor: 'top' },
      annotations: [
        panelTitle('Right as often as certain?', 0.21),
        panelTitle('How many answers', 0.79),
        {
          text: `expected calibration<br>error ${error.toFixed(4)}`,
          ...{
            x: 1,
            y: 0.03,
            xref: 'x',
            yref: 'y',
            xanchor: 'right',
            yanchor: 'bottom',
            align: 'right',
            showarrow: false,
          },
        },
      ],
      margin: { l: 70, r: 20, t: 40, b: 100 },
    },
  );
  return figure([diagonal, curve, counts], layout);
}
