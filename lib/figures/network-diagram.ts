import type * as tf from '@tensorflow/tfjs-node';
import type { MimeBundle } from '../display/display';
import { FULL_WIDTH, GREY, INK, PALE_BLUE } from './style';
import { round, svgPicture, svgText } from './svg-elements';

const MOST_CIRCLES = 10;
const SHOWN = 4; // of more neurons than that, so many are drawn above the dots and below them
const RADIUS = 12;
const PITCH = 34;
const TOP = 66;
const MIDDLE = TOP + ((MOST_CIRCLES - 1) * PITCH) / 2;
const HEIGHT = TOP + (MOST_CIRCLES - 1) * PITCH + 90;
const EDGE = 110; // from the side of the picture to the first and last column
const NARROWEST = 160; // columns, so that the words below them do not touch
const FILLS = { input: '#FFFFFF', hidden: PALE_BLUE, output: '#F6D9C4' };

interface Column {
  name: string;
  count: number;
  /** Two lines for below the circles. */
  words: [string, string];
  /** Whether each of its neurons is connected with all of the column before. */
  isDense: boolean;
}

/**
 * A model as circles and lines: its inputs, and the neurons of each layer. If there are more than ten, eight are drawn, with
 * dots for the others; the number is below. Only Dense layers have a line from every circle to every circle.
 *
 * @param model a built model, such as a sequential one, whose layers follow one another.
 * @returns a bundle for `display`: SVG, and a description in words.
 * @throws RangeError if the model has no layers.
 * @example display(networkDiagram(model));
 */
export function networkDiagram(model: tf.LayersModel): MimeBundle {
  if (model.layers.length === 0) {
    throw new RangeError('the model has no layers: add one, then draw it');
  }
  const columns = columnsOf(model);
  const width = Math.max(FULL_WIDTH, 2 * EDGE + (columns.length - 1) * NARROWEST);
  const xs = columns.map((_, index) => EDGE + (index * (width - 2 * EDGE)) / Math.max(1, columns.length - 1));
  const lines = columns.slice(1).map(({ count, isDense }, index) => {
    const [from, to] = [xs[index], xs[index + 1]];
    if (!isDense) {
      return `<path d="M${round(from + 3 * RADIUS)} ${MIDDLE}H${round(to - 3 * RADIUS)}" stroke="${INK}" stroke-width="2"/>`;
    }
    const [starts, ends] = [heights(columns[index].count), heights(count)];
    const paths = starts.flatMap((start) => ends.map((end) => `M${round(from)} ${start}L${round(to)} ${end}`));
    return `<path d="${paths.join('')}" stroke="${GREY}" stroke-width="0.7"/>`;
  });
  const circles = columns.map((column, index) => drawnColumn(column, xs[index], index, columns.length - 1));
  const described = columns.map(({ name, count, words }) => `${name} (${count}${words[1] && `, ${words[1]}`})`);
  return {
    'image/svg+xml': svgPicture(width, HEIGHT, [...lines, ...circles]),
    'text/plain': `The network from left to right, as circles: ${described.join('; ')}. Lines are weights.`,
  };
}

function columnsOf(model: tf.LayersModel): Column[] {
  const inputs = sizesOf(model.layers[0].batchInputShape ?? model.inputs[0].shape);
  const layers = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  return [
    { name: 'input', count: product(inputs), words: [`${inputs.join(' × ')} inputs`, ''], isDense: false },
    ...layers.map((layer): Column => {
      const sizes = sizesOf(layer.outputShape as number[]);
      const { activation } = layer.getConfig();
      const isDense = layer.getClassName() === 'Dense';
      const kind = isDense ? '' : layer.getClassName();
      const words = [kind, typeof activation === 'string' ? activation : ''].filter(Boolean).join(', ');
      return {
        name: layer.name,
        count: product(sizes),
        words: [`${sizes.join(' × ')} ${isDense ? 'neurons' : 'values'}`, words],
        isDense,
      };
    }),
  ];
}

/** A shape without its batch dimension; a size that is not fixed counts as 1. */
function sizesOf(shape: (number | null)[]): number[] {
  return shape.slice(1).map((size) => size ?? 1);
}

function product(sizes: number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

/** Where the circles of a column stand. */
function heights(count: number): number[] {
  const places = count <= MOST_CIRCLES ? count : 2 * SHOWN + 2;
  return Array.from({ length: places }, (_, index) => MIDDLE + (index - (places - 1) / 2) * PITCH).filter(
    (_, index) => count <= MOST_CIRCLES || index < SHOWN || index >= places - SHOWN,
  );
}

function drawnColumn({ name, count, words }: Column, x: number, index: number, last: number): string {
  const fill = index === 0 ? FILLS.input : index === last ? FILLS.output : FILLS.hidden;
  const places = heights(count);
  const bottom = TOP + (MOST_CIRCLES - 1) * PITCH + RADIUS;
  return [
    svgText(x, 32, name, 'middle', 'font-weight="bold" font-size="18"'),
    ...places.map(
      (y) => `<circle cx="${round(x)}" cy="${y}" r="${RADIUS}" fill="${fill}" stroke="${INK}" stroke-width="1.5"/>`,
    ),
    count > MOST_CIRCLES ? svgText(x, MIDDLE + 10, '⋮', 'middle', 'font-size="32"') : '',
    // The neurons of a last layer are classes.
    ...(index === last && count <= MOST_CIRCLES
      ? places.map((y, position) => svgText(x + RADIUS + 10, y + 6, String(position)))
      : []),
    svgText(x, bottom + 30, words[0], 'middle'),
    svgText(x, bottom + 52, words[1], 'middle'),
  ].join('\n');
}
