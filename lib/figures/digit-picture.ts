import { PNG } from 'pngjs';
import type { IdxArray } from '../data/idx';

const PAPER = 255;
const FRAME = 0x99;

/** Where an image goes: its index, and its upper left corner in pixels of the picture. */
export interface PlacedImage {
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
  const paper = Buffer.alloc(width * height, PAPER);
  for (const { index, left, top } of cells) {
    const [right, bottom] = [left + columns * pixel, top + rows * pixel];
    for (let y = top - 1; y <= bottom; y++) {
      paper.fill(FRAME, y * width + left - 1, y * width + right + 1);
    }
    for (let y = top; y < bottom; y++) {
      const start = (index * rows + Math.floor((y - top) / pixel)) * columns;
      for (let x = left; x < right; x++) {
        paper[y * width + x] = PAPER - images.data[start + Math.floor((x - left) / pixel)];
      }
    }
  }
  const png = Object.assign(new PNG({ width, height }), { data: paper });
  const format = { colorType: 0, inputColorType: 0, inputHasAlpha: false, filterType: 2, deflateStrategy: 0 } as const;
  return `data:image/png;base64,${PNG.sync.write(png, format).toString('base64')}`;
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
