import { type IdxArray, gradientFigure, loadMnist } from 'mnist-lib';
import { renderSvg } from 'mnist-lib/dist/display/svg';
import { signedColor } from 'mnist-lib/dist/figures/picture-grid';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { pictureOf, textsOf, wordsOf } from '../../helpers/figure-picture';
import { waves } from '../../helpers/waves';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

// Six images of 1 × 2 pixels, the last ones not used.
const images: IdxArray = {
  dtype: 'uint8',
  shape: [6, 1, 2],
  data: Uint8Array.of(0, 255, 51, 0, 255, 255, 0, 0, 1, 2, 3, 4),
};

describe('gradientFigure(images, indices, gradients, titles)', () => {
  let gradients: tf.Tensor2D;
  beforeAll(() => {
    gradients = tf.tensor2d([[1, -2], [0.1, 0]]); // prettier-ignore
  });
  afterAll(() => gradients.dispose());

  test('shows each image, and below it its gradient on its own scale', () => {
    expectNoLeak(() => {
      const { color } = pictureOf(gradientFigure(images, [1, 0], gradients));
      const rows = [44, 44 + 30 + 5 + 24].map((y) => [14, 19, 48, 53].map((x) => color(x, y)));
      expect(rows).toEqual([[204, 255, 255, 0].map((grey) => [grey, grey, grey]), [0.5, -1, 1, 0].map(signedColor)]);
    });
  });

  test('begins a new row of images after four', () => {
    tf.tidy(() => {
      const titles = textsOf(gradientFigure(images, [0, 1, 2, 3, 4], tf.zeros([5, 2]), ['a', 'b', 'c', 'd', 'e']));
      expect(titles.slice(0, 10)).toEqual(['a', 'b', 'c', 'd', '', '', '', '', 'e', '']);
    });
  });

  test('says in words what the colours mean', () => {
    const figure = gradientFigure(images, [1, 0], gradients, ['a 7', 'a 2']);
    expect(textsOf(figure)).toEqual(['a 7', 'a 2', '', '', 'more likely', '0', 'less likely']);
    expect(wordsOf(figure)).toBe(
      '2 images of 1 by 2 pixels, and below each the gradient by its pixels, vermillion where more ink makes the class ' +
        'more likely and blue where less: 1 (a 7), 0 (a 2).',
    );
  });

  test('is drawn as in the snapshot', () => {
    tf.tidy(() => {
      const { data, layout } = gradientFigure(loadMnist().testImages, [0, 1], waves([2, 784]), ['a 7', 'a 2']);
      expectSvgSnapshot('gradient-figure', renderSvg(data, layout));
    });
  });

  test.each<[string, number[], number[][], string[] | undefined]>([
    ['there is no image 6 (expected 0-5)', [6], [[0, 0]], undefined],
    [
      'the gradients have the shape [1, 2] for 2 images of 1 by 2 pixels (expected [2, 2])',
      [0, 1],
      [[0, 0]],
      undefined,
    ],
    ['the gradients have the shape [1, 2] for 0 images of 1 by 2 pixels (expected [1, 2])', [], [[0, 0]], undefined],
    ['2 titles for 1 images (expected one each)', [0], [[0, 0]], ['a', 'b']],
    ['a gradient has a value that is not a number (expected finite numbers)', [0], [[0, NaN]], undefined],
  ])('refuses with: %s', (message, indices, values, titles) => {
    tf.tidy(() => {
      expect(() => gradientFigure(images, indices, tf.tensor2d(values), titles)).toThrow(new RangeError(message));
    });
  });
});
