import { activationFigure } from 'mnist-lib';
import { renderSvg } from 'mnist-lib/dist/display/svg';
import { signedColor } from 'mnist-lib/dist/figures/picture-grid';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { pictureOf, textsOf, wordsOf } from '../../helpers/figure-picture';
import { waves } from '../../helpers/waves';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

describe('activationFigure(activations, titles)', () => {
  let activations: tf.Tensor2D; // two images, five neurons: rows of three, the last one with a gap
  beforeAll(() => {
    activations = tf.tensor2d([[0, 1, 2, 3, 4], [4, 0, 0, 0, 8]]); // prettier-ignore
  });
  afterAll(() => activations.dispose());

  test('shows each neuron of an image at the same place, on one scale', () => {
    expectNoLeak(() => {
      const { color } = pictureOf(activationFigure(activations));
      const fields = [0, 15 + 24].map((right) => [14, 19].map((y) => [14, 19, 24].map((x) => color(x + right, y))));
      expect(fields).toEqual([
        [[0, 1 / 8, 2 / 8], [3 / 8, 4 / 8, 0]].map((row) => row.map(signedColor)), // prettier-ignore
        [[4 / 8, 0, 0], [0, 1, 0]].map((row) => row.map(signedColor)), // prettier-ignore
      ]);
    });
  });

  test('lays 1000 neurons out as 40 × 25', () => {
    tf.tidy(() => {
      const { width, height } = pictureOf(activationFigure(tf.zeros([2, 1000])));
      expect(width - 130).toBe(2 * (40 * 5 + 24));
      expect(height).toBeGreaterThanOrEqual(25 * 5 + 24);
    });
  });

  test('describes in words how many neurons are lit', () => {
    const figure = activationFigure(activations, ['a 7', 'a 2']);
    expect(textsOf(figure)).toEqual(['a 7', 'a 2', '8.0', '0', '']);
    expect(wordsOf(figure)).toBe(
      'The activations of 5 neurons, 3 in a row, for 2 images, the larger the darker; the largest is 8.0. ' +
        'Neurons that are not 0: 4 (a 7), 2 (a 2).',
    );
  });

  test('is drawn as in the snapshot, also below 0', () => {
    tf.tidy(() => {
      const { data, layout } = activationFigure(waves([2, 1000]), ['a 7', 'a 2']);
      expectSvgSnapshot('activation-figure', renderSvg(data, layout));
    });
  });

  test.each<[string, () => tf.Tensor2D, string[] | undefined]>([
    [
      'the activations have the shape [0, 5] (expected at least one image and neuron)',
      () => tf.zeros([0, 5]),
      undefined,
    ],
    ['1 titles for 2 images (expected one each)', () => tf.zeros([2, 5]), ['one']],
    ['the activation of neuron 1 is NaN (expected a finite number)', () => tf.tensor2d([[0, NaN]]), undefined],
  ])('refuses with: %s', (message, make, titles) => {
    tf.tidy(() => expect(() => activationFigure(make(), titles)).toThrow(new RangeError(message)));
  });
});
