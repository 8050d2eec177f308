import { weightImages } from 'mnist-lib';
import { renderSvg } from 'mnist-lib/dist/display/svg';
import { signedColor } from 'mnist-lib/dist/figures/picture-grid';
import * as tf from '@tensorflow/tfjs-node';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { pictureOf, textsOf, wordsOf } from '../../helpers/figure-picture';
import { waves } from '../../helpers/waves';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

/** Three neurons on 2 × 2 pixels. */
function network(pixels = 4): tf.Sequential {
  const model = tf.sequential({
    layers: [tf.layers.dropout({ rate: 0.5, inputShape: [pixels] }), tf.layers.dense({ name: 'hidden', units: 3 })],
  });
  const weights = [
    [9, 0.5, 1],
    [9, -1, 0],
    [9, 2, 0],
    [9, 0, 0],
  ]; // prettier-ignore -- [pixels, neurons]
  if (pixels === 4) {
    tf.tidy(() => model.setWeights([tf.tensor2d(weights), tf.zeros([3])]));
  }
  return model;
}

describe('weightImages(model, neurons, layer)', () => {
  let model: tf.Sequential;
  beforeAll(() => {
    model = network();
  });
  afterAll(() => model.dispose());

  test('shows each weight at the place of its pixel, all on the scale of the neurons that are shown', () => {
    expectNoLeak(() => {
      const { color } = pictureOf(weightImages(model, [1, 2]));
      // Pictures of 10 × 10 pixels, 12 from the left and 12 below the titles of 30; the next one 34 further right.
      const [tops, lefts] = [[42, 47], [12, 17]]; // prettier-ignore
      const found = [0, 34].map((right) => tops.map((y) => lefts.map((x) => color(x + right + 2, y + 2))));
      expect(found).toEqual([
        [[0.25, -0.5], [1, 0]].map((row) => row.map(signedColor)), // prettier-ignore
        [[0.5, 0], [0, 0]].map((row) => row.map(signedColor)), // prettier-ignore
      ]);
    });
  });

  test('names neurons and scale', () => {
    const figure = weightImages(model, [1, 2], 'hidden');
    expect(textsOf(figure)).toEqual(['neuron 1', 'neuron 2', '2.0', '0', '−2.0']);
    expect(wordsOf(figure)).toBe(
      'The weights into 2 of the 3 neurons of hidden as pictures of 2 by 2 pixels, vermillion above 0 and blue below; ' +
        'the largest is 2.0 from 0. The neurons: 1, 2.',
    );
  });

  test('is drawn as in the snapshot', () => {
    const pictures = network(784);
    tf.tidy(() => pictures.setWeights([waves([3, 784]).transpose(), tf.zeros([3])]));
    const { data, layout } = weightImages(pictures, [0, 1, 2]);
    expectSvgSnapshot('weight-images', renderSvg(data, layout));
    pictures.dispose();
  });

  test.each<[string, number[], number | undefined]>([
    ['no neuron was selected (expected at least one index)', [], undefined],
    ['hidden has no neuron 3 (expected 0-2)', [0, 3], undefined],
    ['hidden has no neuron 0.5 (expected 0-2)', [0.5], undefined],
    ['the model has no layer 7 (expected the index or the name of one: 0 NAME, 1 hidden)', [0], 7],
  ])('refuses with: %s', (message, neurons, layer) => {
    const named = message.replace('NAME', model.layers[0].name);
    expect(() => weightImages(model, neurons, layer)).toThrow(new RangeError(named));
  });

  test('refuses inputs that are not the pixels of a square', () => {
    const oblong = network(5);
    expect(() => weightImages(oblong, [0])).toThrow(
      new RangeError('hidden has 5 inputs (expected the pixels of a square image, such as 28 · 28)'),
    );
    oblong.dispose();
  });
});
