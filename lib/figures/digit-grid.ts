import type { IdxArray } from '../data/idx';
import { pictureGrid } from './picture-grid';
import type { Figure } from './style';

const PAPER = 255;

/**
 * Pictures of digits in rows of four: dark ink on white paper, each pixel a sharp square.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255 (0: paper, 255: ink).
 * @param indices the images to show, in this order.
 * @param titles one line above each picture; optional. The shorter the titles are, the larger they are written.
 * @returns the figure; a single picture is drawn larger.
 * @throws RangeError if no index is given, if an index is not one of `images`, or if there is not one title per index.
 * @example plot(digitGrid(trainImages, [0, 1, 2, 3]));
 */
export function digitGrid(images: IdxArray, indices: number[], titles?: string[]): Figure {
  const [count, rows, columns] = images.shape;
  check(count, indices, titles);
  const isAlone = indices.length === 1;
  return pictureGrid({
    count: indices.length,
    ...{ rows, columns, titles },
    colorOf: (picture, row, column) => {
      const grey = PAPER - images.data[(indices[picture] * rows + row) * columns + column];
      return [grey, grey, grey];
    },
    description:
      `${isAlone ? 'A handwritten digit' : `${indices.length} handwritten digits in rows of ${Math.min(4, indices.length)}`}` +
      `, ${rows} by ${columns} pixels${isAlone ? '' : ' each'}: ` +
      `${indices.map((index, position) => (titles ? `${index} (${titles[position]})` : index)).join(', ')}.`,
  });
}

function check(count: number, indices: number[], titles?: string[]): void {
  if (indices.length === 0) {
    throw new RangeError('no image was selected (expected at least one index)');
  }
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new RangeError(`there is no image ${index} (expected 0-${count - 1})`);
    }
  }
  if (titles && titles.length !== indices.length) {
    throw new RangeError(`${titles.length} titles for ${indices.length} images (expected one each)`);
  }
}
