import type * as tf from '@tensorflow/tfjs-node';
import type { IdxArray } from '../data/idx';
import { checkIndices, inkColor } from './digit-picture';
import { pictureGrid, scaleOf, signedColor } from './picture-grid';
import type { Figure } from './style';

const PER_ROW = 4;

/**
 * Images, and below each the gradient by its pixels: on vermillion, more ink makes the class more likely, on blue less
 * likely. Each gradient has its own scale: its largest number, in either direction, has the full colour.
 *
 * @param images uint8 [n, rows, columns], raw bytes 0-255.
 * @param indices the images that the gradients belong to.
 * @param gradients float32 [count, rows * columns], one for each index, as `inputGradient` returns them. The caller
 *   disposes of it.
 * @param titles one line above each image; optional.
 * @returns the figure.
 * @throws RangeError if an index is not one of `images`, if a gradient is not a number, or if the numbers of indices,
 *   gradients, titles or pixels differ.
 * @example plot(gradientFigure(testImages, [0, 1], inputGradient(model, testX.slice(0, 2), [7, 2])));
 */
export function gradientFigure(
  images: IdxArray,
  indices: number[],
  gradients: tf.Tensor,
  titles: string[] = indices.map(() => ''),
): Figure {
  const [available, rows, columns] = images.shape;
  const [count, size] = [indices.length, rows * columns];
  if (count === 0 || gradients.size !== count * size || gradients.shape[0] !== count) {
    throw new RangeError(
      `the gradients have the shape [${gradients.shape.join(', ')}] for ${count} images of ${rows} by ${columns} pixels ` +
        `(expected [${Math.max(1, count)}, ${size}])`,
    );
  }
  checkIndices(available, indices);
  if (titles.length !== count) {
    throw new RangeError(`${titles.length} titles for ${count} images (expected one each)`);
  }
  const values = gradients.dataSync<'float32'>();
  if (!values.every(Number.isFinite)) {
    throw new RangeError('a gradient has a value that is not a number (expected finite numbers)');
  }
  const scales = indices.map((_, image) => scaleOf(values.subarray(image * size, (image + 1) * size)));
  // Rows of images and rows of gradients take turns.
  const order = indices.flatMap((_, image) => {
    const inRow = indices.slice(image, image + PER_ROW).map((__, offset) => image + offset);
    return image % PER_ROW === 0
      ? [...inRow.map((of) => ({ of, isImage: true })), ...inRow.map((of) => ({ of, isImage: false }))]
      : [];
  });
  return pictureGrid({
    count: order.length,
    ...{ rows, columns },
    perRow: Math.min(count, PER_ROW),
    colorOf: (picture, row, column) => {
      const { of, isImage } = order[picture];
      return isImage
        ? inkColor(images, indices[of], row, column)
        : signedColor(values[of * size + row * columns + column] / scales[of]);
    },
    titles: order.map(({ of, isImage }) => (isImage ? titles[of] : '')),
    legend: ['more likely', '0', 'less likely'],
    description:
      `${count} image${count === 1 ? '' : 's'} of ${rows} by ${columns} pixels, and below each the gradient by its pixels, ` +
      'vermillion where more ink makes the class more likely and blue where less: ' +
      `${indices.map((index, image) => (titles[image] ? `${index} (${titles[image]})` : index)).join(', ')}.`,
  });
}
