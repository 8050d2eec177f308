import type { Plot } from 'nodeplotlib';
import { COLORS, FULL_WIDTH, type Figure, axis, card, figure, panelTitle } from './style';

/**
 * The course of training: loss on the left and accuracy on the right, per epoch, on training and validation data.
 *
 * @param history a list of one value per epoch for each name: `loss` and `acc` (training data), `val_loss` and
 *   `val_acc` (validation data); accuracies 0-1. It is the `history` of the object that `fit` and `model.fit` return.
 * @returns the figure.
 * @throws RangeError if the history has no epoch.
 * @example plot(historyCurves(history.history));
 */
export function historyCurves(history: Record<string, ArrayLike<unknown>>): Figure {
  const names = ['loss', 'val_loss', 'acc', 'val_acc'].filter((name) => name in history);
  const epochs = history[names[0]]?.length ?? 0;
  if (epochs === 0) {
    throw new RangeError('the history has no epoch: train first, then draw the curves');
  }
  const data = names.map((name) => {
    const validation = name.startsWith('val_');
    const accuracy = name.endsWith('acc');
    const color = validation ? COLORS.vermillion : COLORS.blue;
    return {
      type: 'scatter',
      mode: 'lines+markers',
      name,
      x: Array.from({ length: epochs }, (_, epoch) => epoch + 1),
      y: Array.from(history[name], Number),
      xaxis: accuracy ? 'x2' : 'x',
      yaxis: accuracy ? 'y2' : 'y',
      line: { color, dash: validation ? 'dash' : 'solid', width: 2 },
      marker: { color, symbol: validation ? 'square' : 'circle', size: 7 },
      hovertemplate: `epoch %{x}: ${name} %{y:.4f}<extra></extra>`,
    } as unknown as Plot;
  });
  const last = names.map((name) => `${name} ${Number(history[name][epochs - 1]).toFixed(4)}`).join(', ');
  const epochAxis = { dtick: Math.ceil(epochs / 10), range: [0.5, epochs + 0.5] };
  const layout = card(
    FULL_WIDTH,
    400,
    `Two charts of loss and accuracy over ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}; at the end: ${last}.`,
    {
      xaxis: axis('epoch', { ...epochAxis, domain: [0, 0.42] }),
      yaxis: axis('cross-entropy', { rangemode: 'tozero' }),
      xaxis2: axis('epoch', { ...epochAxis, domain: [0.58, 1], anchor: 'y2' }),
      yaxis2: axis('accuracy', { anchor: 'x2' }),
      legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: -0.22, yanchor: 'top' },
      annotations: [panelTitle('Loss', 0.21), panelTitle('Accuracy', 0.79)],
      margin: { l: 70, r: 20, t: 40, b: 100 },
    },
  );
  return figure(data, layout);
}
