import type { MimeBundle } from '../display/display';
import { COLORS, FULL_WIDTH, GRID, INK } from '../figures/style';
import { round, svgPicture, svgText } from '../figures/svg-elements';

type Point = [number, number];

/** The progress of a training. */
export interface TrainingProgress {
  /** The last epoch to train, counted from 1; training begins after `initialEpoch` epochs. */
  epochs: number;
  initialEpoch: number;
  /** Batches per epoch. */
  batches: number;
  /** The current epoch, counted from 0, and the number of its batches that are done. */
  epoch: number;
  batch: number;
  /** Loss and metrics of each finished epoch; names on the validation data begin with val_. */
  finished: Record<string, number>[];
  /** Means of loss and metrics over the batches of the current epoch so far. */
  running: Record<string, number>;
  /** Why training ended early, as a sentence. */
  stopped: string | null;
}

const HEIGHT = 372;
const MARGIN = 16;
const BAR = { y: 60, height: 10 };
const PLOT = { top: 118, height: 190, width: 276, lefts: [64, 428] };
const TRAINING = `fill="none" stroke="${COLORS.blue}" stroke-width="2"`;
const VALIDATION = `fill="none" stroke="${COLORS.vermillion}" stroke-width="2" stroke-dasharray="6 4"`;
const TERMINAL_BAR = 24; // characters

/**
 * Loss and accuracy while a network trains, with a progress bar above. Not drawn by plotly.js: this takes less than a
 * millisecond per picture, so the display does not slow training down.
 *
 * @param progress the progress so far.
 * @param secondsLeft the estimated time left; null once training has ended.
 * @returns an SVG picture, and text with a line per epoch.
 * @example display.update(trainingProgress(progress, 12));
 */
export function trainingProgress(progress: TrainingProgress, secondsLeft: number | null): MimeBundle {
  const lines = progress.finished.map((_, index) => epochLine(progress, index));
  lines.push(secondsLeft === null ? endLine(progress) : progressLine(progress, secondsLeft));
  return { 'image/svg+xml': svg(progress, secondsLeft), 'text/plain': lines.join('\n') };
}

/** The results of an epoch in one line; `index` counts the epochs of this training. */
export function epochLine({ epochs, initialEpoch, finished }: TrainingProgress, index: number): string {
  return `epoch ${initialEpoch + index + 1} of ${epochs}: ${values(finished[index])}`;
}

/** The progress in one line. */
export function progressLine(progress: TrainingProgress, secondsLeft: number): string {
  const filled = Math.round(doneFraction(progress) * TERMINAL_BAR);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(TERMINAL_BAR - filled)}`;
  return `[${bar}] ${position(progress)}, ${timeLeft(secondsLeft)}: ${values(progress.running)}`;
}

function endLine({ finished, stopped }: TrainingProgress): string {
  return stopped ?? `Trained for ${finished.length} ${finished.length === 1 ? 'epoch' : 'epochs'}.`;
}

function position({ epoch, epochs, batch, batches }: TrainingProgress): string {
  return `epoch ${epoch + 1} of ${epochs}, batch ${batch} of ${batches}`;
}

function doneFraction({ epochs, initialEpoch, epoch, batch, batches }: TrainingProgress): number {
  return (epoch - initialEpoch + batch / batches) / (epochs - initialEpoch);
}

function timeLeft(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s left` : `${Math.floor(whole / 60)} min ${whole % 60} s left`;
}

/** Training first, then validation. */
function values(logs: Record<string, number>): string {
  const names = Object.keys(logs).sort((a, b) => Number(a.startsWith('val_')) - Number(b.startsWith('val_')));
  return names.map((name) => `${name} ${logs[name].toFixed(4)}`).join(', ');
}

function svg(progress: TrainingProgress, secondsLeft: number | null): string {
  const { finished, running, stopped } = progress;
  const heading = secondsLeft === null ? endLine(progress) : `${position(progress)}, ${timeLeft(secondsLeft)}`;
  const barWidth = FULL_WIDTH - 2 * MARGIN;
  const filled = secondsLeft === null && !stopped ? barWidth : barWidth * doneFraction(progress);
  const shown = secondsLeft === null ? (finished.at(-1) ?? running) : running;
  const panels = Object.keys(running).slice(0, PLOT.lefts.length); // loss, and the first metric
  return svgPicture(FULL_WIDTH, HEIGHT, [
    svgText(MARGIN, 25, heading[0].toUpperCase() + heading.slice(1)),
    svgText(MARGIN, 48, values(shown)),
    `<rect x="${MARGIN}" y="${BAR.y}" width="${barWidth}" height="${BAR.height}" rx="3" fill="${GRID}"/>`,
    `<rect x="${MARGIN}" y="${BAR.y}" width="${round(filled)}" height="${BAR.height}" rx="3" fill="${COLORS.blue}"/>`,
    ...panels.map((name, index) => panel(name, PLOT.lefts[index], progress, secondsLeft !== null)),
  ]);
}

/** The curve of one quantity on the training data and, dashed, on the validation data. */
function panel(name: string, left: number, progress: TrainingProgress, isRunning: boolean): string {
  const { epochs, initialEpoch, finished, running, epoch, batch, batches } = progress;
  const curve = (key: string): Point[] =>
    finished.flatMap((logs, index): Point[] =>
      Number.isFinite(logs[key]) ? [[initialEpoch + index + 1, logs[key]]] : [],
    );
  const [training, validation] = [curve(name), curve(`val_${name}`)];
  if (isRunning && batch > 0 && batch < batches && Number.isFinite(running[name])) {
    training.push([epoch + batch / batches, running[name]]);
  }
  const all = [...training, ...validation].map(([, value]) => value);
  // The axis of a loss starts at 0, that of an accuracy ends at 1.
  const levels = name === 'loss' ? niceLevels(0, Math.max(...all, 0.02)) : niceLevels(Math.min(...all, 0.98), 1);
  const digits = Math.max(0, -Math.floor(Math.log10(levels[1] - levels[0]) + 1e-9));
  const [bottom, top] = [PLOT.top + PLOT.height, PLOT.top];
  const x = (at: number): number => left + ((at - initialEpoch) / (epochs - initialEpoch)) * PLOT.width;
  const y = (value: number): number => bottom - ((value - levels[0]) / (levels.at(-1)! - levels[0])) * PLOT.height;
  const epochStep = Math.ceil((epochs - initialEpoch) / 10);
  const ticks: string[] = [];
  for (let at = initialEpoch + epochStep; at <= epochs; at += epochStep) {
    ticks.push(svgText(x(at), bottom + 20, String(at), 'middle'));
  }
  const path = (points: Point[]): string =>
    points.map(([at, value], index) => `${index ? 'L' : 'M'}${round(x(at))} ${round(y(value))}`).join('');
  const legend = (label: string, at: number, look: string): string =>
    `<path d="M${at} ${top - 18}h24" ${look}/>${svgText(at + 30, top - 14, label)}`;
  const draw = (points: Point[], look: string, mark: (atX: number, atY: number) => string): string =>
    `<path d="${path(points) || 'M0 0'}" ${look}/>${points.map(([at, value]) => mark(round(x(at)), round(y(value)))).join('')}`;
  return [
    svgText(left, top - 14, name, 'start', 'font-weight="bold"'),
    legend('training', left + 52, TRAINING),
    validation.length > 0 ? legend('validation', left + 164, VALIDATION) : '',
    ...levels.map(
      (level) =>
        `<path d="M${left} ${round(y(level))}h${PLOT.width}" stroke="${GRID}"/>${svgText(left - 8, y(level) + 5, level.toFixed(digits), 'end')}`,
    ),
    ...ticks,
    `<path d="M${left} ${top}V${bottom}h${PLOT.width}" fill="none" stroke="${INK}"/>`,
    svgText(left + PLOT.width / 2, bottom + 44, 'epoch', 'middle'),
    draw(training, TRAINING, (atX, atY) => `<circle cx="${atX}" cy="${atY}" r="3.5" fill="${COLORS.blue}"/>`),
    draw(
      validation,
      VALIDATION,
      (atX, atY) =>
        `<rect x="${round(atX - 3.5)}" y="${round(atY - 3.5)}" width="7" height="7" fill="${COLORS.vermillion}"/>`,
    ),
  ].join('\n');
}

/** About five round numbers, evenly apart, from `low` or below it to `high` or above it. */
function niceLevels(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9))!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}
