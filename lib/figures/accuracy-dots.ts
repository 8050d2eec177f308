import type { Plot } from 'nodeplotlib';
import { COLORS, FULL_WIDTH, type Figure, axis, card, figure } from './style';

/** What came of training with one setting. */
export interface Trial {
  /** The setting, as the figure names it. */
  name: string;
  /** One accuracy for each training with it, 0-1. */
  accuracies: number[];
}

const DECIMALS = 4;
const ROOM = 0.12; // above and below the dots, as a fraction of their range
const SMALLEST_RANGE = 0.01;

/**
 * The accuracies that trainings with different settings reached: a column for each setting, a dot for each training. A
 * line marks the mean where there are several; the number above is the mean.
 *
 * @param trials the settings, in the order of their columns.
 * @param setting what the settings are of, for the axis below.
 * @returns the figure.
 * @throws RangeError if there is no trial, or one without an accuracy, or with one that is not between 0 and 1.
 * @example plot(accuracyDots([{ name: '100', accuracies: [0.94] }, { name: '1000', accuracies: [0.95] }], 'neurons'));
 */
export function accuracyDots(trials: Trial[], setting: string): Figure {
  check(trials);
  const means = trials.map(({ accuracies }) => mean(accuracies));
  const all = trials.flatMap(({ accuracies }) => accuracies);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const room = Math.max(most - least, SMALLEST_RANGE) * ROOM;

  const dots = {
    type: 'scatter',
    mode: 'markers',
    x: trials.flatMap(({ accuracies }, column) => accuracies.map(() => column)),
    y: all,
    customdata: trials.flatMap(({ name, accuracies }) => accuracies.map(() => name)),
    marker: { color: COLORS.blue, size: 10, opacity: 0.7 },
    hovertemplate: `%{customdata}: %{y:.${DECIMALS}f}<extra></extra>`,
  } as unknown as Plot;
  const several = [...trials.keys()].filter((column) => trials[column].accuracies.length > 1);
  const lines = {
    type: 'scatter',
    mode: 'lines',
    x: several.flatMap((column) => [column - 0.25, column + 0.25, null]),
    y: several.flatMap((column) => [means[column], means[column], null]),
    line: { color: COLORS.vermillion, width: 3 },
    hoverinfo: 'skip',
  } as unknown as Plot;
  const numbers = {
    type: 'scatter',
    mode: 'text',
    x: [...trials.keys()],
    y: trials.map(({ accuracies }) => Math.max(...accuracies) + room / 3),
    text: means.map((value) => value.toFixed(DECIMALS)),
    textposition: 'top center',
    cliponaxis: false,
    hoverinfo: 'skip',
  } as unknown as Plot;

  const words = trials.map(({ name, accuracies }, column) => {
    const spread = [Math.min(...accuracies), Math.max(...accuracies)].map((value) => value.toFixed(DECIMALS));
    const range = accuracies.length > 1 ? ` on average (${accuracies.length} trainings, ${spread.join(' to ')})` : '';
    return `${name}: ${means[column].toFixed(DECIMALS)}${range}`;
  });
  const layout = card(FULL_WIDTH, 400, `The accuracy of trainings, by ${setting}. ${words.join('; ')}.`, {
    showlegend: false,
    xaxis: axis(setting, {
      tickvals: [...trials.keys()],
      ticktext: trials.map(({ name }) => name),
      range: [-0.5, trials.length - 0.5],
      showgrid: false,
      zeroline: false,
    }),
    yaxis: axis('accuracy on the test digits', { range: [least - room, most + 2 * room] }),
    margin: { l: 80, r: 20, t: 30, b: 70 },
  });
  return figure([dots, lines, numbers], layout);
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function check(trials: Trial[]): void {
  if (trials.length === 0) {
    throw new RangeError('there is no trial (expected at least one)');
  }
  for (const { name, accuracies } of trials) {
    const wrong = accuracies.find((accuracy) => !(accuracy >= 0 && accuracy <= 1));
    if (accuracies.length === 0 || wrong !== undefined) {
      throw new RangeError(
        `${name} has ${wrong === undefined ? 'no accuracy' : `the accuracy ${wrong}`} (expected numbers from 0 to 1)`,
      );
    }
  }
}
