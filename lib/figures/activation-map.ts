import { PNG } from 'pngjs';
import type { IdxArray } from '../data/idx';
import type { MimeBundle } from '../display/display';
import { pageBundle } from '../display/page-part';
import type { PrincipalComponents } from '../look-inside/principal-components';
import { DIGIT_COLORS, type Point, scaledToFit } from '../page/scatter-scale';
import { FULL_WIDTH } from './style';
import { round, svgAddress, svgPicture, svgText } from './svg-elements';

const HEIGHT = 540;
const MARGIN = 30;
const GREY_STEP = 17; // 16 levels of grey: half the bytes of 256, and the eye sees no difference

/**
 * A map of digits, each written as its digit in a colour of its own. Digits with similar activations lie close together. A
 * digit that one points at, or moves to by the arrow keys, shows its picture. Where scripts do not run, the map is a still
 * picture.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255.
 * @param labels the label of each image, 0-9; more than `count` are allowed, the first ones count.
 * @param components of the activations of the same images: at least two.
 * @returns a bundle for `display`: HTML, and a description in words.
 * @throws RangeError if there are fewer than two components, or not one position and label per image, or if a label is
 *   not a digit.
 * @example display(activationMap(images, testLabels.data, principalComponents(activations, 2)));
 */
export function activationMap(
  images: IdxArray,
  labels: ArrayLike<number>,
  { positions, explained }: PrincipalComponents,
): MimeBundle {
  const [count, rows, columns] = images.shape;
  check(count, labels, positions, explained.length);
  const points = positions.map(([x, y]): Point => [Number(x.toFixed(2)), Number(y.toFixed(2))]);
  const digits = Array.from(labels).slice(0, count);
  const [first, second] = explained.map((share) => `${(100 * share).toFixed(1)} % of the variance`);
  const titles: [string, string] = [`first component: ${first}`, `second component: ${second}`];
  const description =
    `A map of ${count} digits by the first two principal components of their activations (${first} and ${second}), ` +
    'each written as its label.';
  const perRow = Math.ceil(Math.sqrt(count));
  return pageBundle(
    'scatter',
    { points, labels: digits, sheet: sheetOf(images, perRow), perRow, rows, columns, titles, description },
    svgAddress(stillMap(points, digits, titles)),
    description,
  );
}

/** All pictures in one PNG, `perRow` in a row: compressed together, they take a quarter of their bytes. */
function sheetOf({ data, shape: [count, rows, columns] }: IdxArray, perRow: number): string {
  const width = perRow * columns;
  const height = Math.ceil(count / perRow) * rows;
  const grey = Buffer.alloc(width * height, 0xff);
  for (let index = 0; index < count; index++) {
    const [left, top] = [(index % perRow) * columns, Math.floor(index / perRow) * rows];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const ink = data[(index * rows + row) * columns + column];
        grey[(top + row) * width + left + column] = 0xff - Math.round(ink / GREY_STEP) * GREY_STEP;
      }
    }
  }
  const png = Object.assign(new PNG({ width, height }), { data: grey });
  const format = { colorType: 0, inputColorType: 0, inputHasAlpha: false, filterType: 0, deflateStrategy: 0 } as const;
  return `data:image/png;base64,${PNG.sync.write(png, { ...format, deflateLevel: 9 }).toString('base64')}`;
}

/** The map as SVG: one text element per class, with a position for each of its digits. */
function stillMap(points: Point[], labels: number[], titles: [string, string]): string {
  const positions = scaledToFit(points, FULL_WIDTH, HEIGHT, MARGIN);
  const texts = DIGIT_COLORS.flatMap((color, label) => {
    const own = positions.filter((_, index) => labels[index] === label);
    const [x, y] = [0, 1].map((axis) => own.map((position) => round(position[axis])).join(' '));
    return own.length > 0 ? `<text x="${x}" y="${y}" fill="${color}">${String(label).repeat(own.length)}</text>` : [];
  });
  return svgPicture(FULL_WIDTH, HEIGHT, [
    `<g font-size="14" font-weight="bold" text-anchor="middle" dominant-baseline="central">${texts.join('\n')}</g>`,
    svgText(FULL_WIDTH / 2, HEIGHT - 8, titles[0], 'middle', 'font-size="14"'),
    svgText(0, 0, titles[1], 'middle', `font-size="14" transform="translate(16 ${HEIGHT / 2}) rotate(-90)"`),
  ]);
}

function check(count: number, labels: ArrayLike<number>, positions: number[][], components: number): void {
  if (components < 2) {
    throw new RangeError(`there is ${components} component (expected at least two)`);
  }
  if (positions.length !== count || labels.length < count) {
    throw new RangeError(
      `there are ${positions.length} positions and ${labels.length} labels for ${count} images (expected one each)`,
    );
  }
  const wrong = Array.from(labels).findIndex((label) => !(label in DIGIT_COLORS));
  if (wrong >= 0) {
    throw new RangeError(`label ${labels[wrong]} at index ${wrong} is not a digit (expected 0-9)`);
  }
}
