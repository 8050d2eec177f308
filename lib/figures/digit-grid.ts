import type { IdxArray } from '../data/idx';
import { checkIndices, inkColor } from './digit-picture';
import { pictureGrid } from './picture-grid';
import type { Figure } from './style';

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
  checkIndices(count, indices);
  if (titles && titles.length !== indices.length) {
    throw new RangeError(`${titles.length} titles for ${indices.length} images (expected one each)`);
  }
  const isAlone = indices.length === 1;
  return pictureGrid({
    count: indices.length,
    ...{ rows, columns, titles },
    colorOf: (picture, row, column) => inkColor(images, indices[picture], row, column),
    description:
      `${isAlone ? 'A handwritten digit' : `${indices.length} handwritten digits in rows of ${Math.min(4, indices.length)}`}` +
      `, ${rows} by ${columns} pixels${isAlone ? '' : ' each'}: ` +
      `${indices.map((index, position) => (titles ? `${index} (${titles[position]})` : index)).join(', ')}.`,
  });
}
