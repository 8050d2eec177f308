import type { IdxArray } from '../data/idx';
import { type Color, PictureCanvas } from './picture-canvas';

const PAPER = 255;

/** Where an image goes: its index, and its upper left corner in pixels of the picture. */
interface PlacedImage {
  index: number;
  left: number;
  top: number;
}

/**
 * One greyscale PNG of several framed digits, dark ink on white paper. Enlarged here, as viewers would blur small pictures.
 *
 * @param images uint8 [count, rows, columns], raw bytes 0-255 (0: paper, 255: ink).
 * @param cells the images to draw, each with one pixel of room around it for its frame.
 * @param pixel screen pixels per pixel of an image.
 * @param width of the picture in screen pixels.
 * @param height of the picture in screen pixels.
 * @returns a `data:` URL.
 * @example digitPicture(testImages, [{ index: 0, left: 1, top: 1 }], 5, 142, 142)
 */
export function digitPicture(
  images: IdxArray,
  cells: PlacedImage[],
  pixel: number,
  width: number,
  height: number,
): string {
  const [, rows, columns] = images.shape;
  const canvas = new PictureCanvas(width, height);
  for (const { index, left, top } of cells) {
    canvas.draw(left, top, { rows, columns, pixel, colorOf: (row, column) => inkColor(images, index, row, column) });
  }
  return canvas.toDataUrl();
}

/** The grey of a pixel of a digit, as dark ink on white paper. */
export function inkColor(
  { data, shape: [, rows, columns] }: IdxArray,
  index: number,
  row: number,
  column: number,
): Color {
  const grey = PAPER - data[(index * rows + row) * columns + column];
  return [grey, grey, grey];
}

/** Checks that indices name images. */
export function checkIndices(count: number, indices: number[]): void {
  if (indices.length === 0) {
    throw new RangeError('no image was selected (expected at least one index)');
  }
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new RangeError(`there is no image ${index} (expected 0-${count - 1})`);
    }
  }
}
