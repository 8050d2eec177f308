import type { Plot } from 'nodeplotlib';
import { COLORS, FULL_WIDTH, type Figure, GREY, axis, card, figure } from './style';

/**
 * The probabilities of one prediction as bars, one per class; the largest, which is the predicted class, stands out.
 *
 * @param probabilities one per class, 0-1: a row of what `model.predict` returns.
 * @param label the true class, marked below its bar; optional.
 * @returns the figure.
 * @throws RangeError if there are no probabilities, if one is not between 0 and 1, or if the label is not a class.
 * @example plot(probabilityBars([0.1, 0.7, 0.2], 1));
 */
export function probabilityBars(probabilities: ArrayLike<number>, label?: number): Figure {
  const values = Array.from(probabilities);
  check(values, label);
  const predicted = values.indexOf(values.reduce((largest, value) => Math.max(largest, value), 0));
  const names = values.map((_, index) => (index === label ? `<b>${index}</b><br>label` : String(index)));
  const bars = {
    type: 'bar',
    x: values.map((_, index) => index),
    y: values,
    text: values.map(probabilityText),
    textposition: 'outside',
    constraintext: 'none',
    cliponaxis: false,
    marker: { color: values.map((_, index) => (index === predicted ? COLORS.blue : GREY)) },
    hovertemplate: 'class %{x}: %{y}<extra></extra>',
  } as unknown as Plot;
  const words = values.map((value, index) => `${index}: ${probabilityText(value)}`).join(', ');
  const truth = label === undefined ? '' : ` The label is ${label}.`;
  const description = `Bars of the probability of each class. ${words}. The largest is that of ${predicted}.${truth}`;
  const layout = card(FULL_WIDTH, 340, description, {
    bargap: 0.25,
    showlegend: false,
    xaxis: axis('class', {
      showgrid: false,
      zeroline: false,
      tickvals: values.map((_, index) => index),
      ticktext: names,
    }),
    yaxis: axis('probability', { range: [0, 1.1], tickvals: [0, 0.25, 0.5, 0.75, 1] }),
    margin: { l: 80, r: 20, t: 20, b: 75 },
  });
  return figure([bars], layout);
}

/** A probability with three decimals; one too small for them does not read as 0, and one close to 1 not as 1. */
export function probabilityText(probability: number): string {
  if (probability > 0 && probability < 0.001) {
    return '<0.001';
  }
  return probability > 0.999 && probability < 1 ? '>0.999' : probability === 0 ? '0' : probability.toFixed(3);
}

function check(values: number[], label?: number): void {
  if (values.length === 0) {
    throw new RangeError('there are no probabilities (expected one per class)');
  }
  const wrong = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong >= 0) {
    throw new RangeError(`${values[wrong]} at index ${wrong} is not a probability (expected 0 to 1)`);
  }
  if (label !== undefined && !(label in values)) {
    throw new RangeError(`label ${label} is not a class (expected 0-${values.length - 1})`);
  }
}
