import { networkDiagram } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { JSDOM } from 'jsdom';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

function drawn(model: tf.LayersModel) {
  const { 'image/svg+xml': svg, 'text/plain': words } = networkDiagram(model) as Record<string, string>;
  const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window; // throws if it is not well-formed
  const circles = [...document.querySelectorAll('circle')].map((circle) => circle.getAttribute('cx'));
  return {
    svg,
    words,
    texts: [...document.querySelectorAll('text')].map(({ textContent }) => textContent).filter(Boolean),
    circles: [...new Set(circles)].map((x) => circles.filter((other) => other === x).length),
    lines: [...document.querySelectorAll('path')].map((path) => path.getAttribute('d')!.split('L').length - 1),
  };
}

const lecture = () =>
  tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', inputShape: [784], units: 1000, activation: 'relu' }),
      tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }),
    ],
  });

describe('networkDiagram(model)', () => {
  test("is drawn as in the snapshot for the lecture's network", () => {
    expectSvgSnapshot('network-diagram', drawn(lecture()).svg);
  });

  test('draws eight circles in place of many and all of ten, a line for each pair, and the counts', () => {
    const { circles, lines, texts, words } = drawn(lecture());
    expect(circles).toEqual([8, 8, 10]);
    expect(lines).toEqual([8 * 8, 8 * 10]);
    expect(texts).toEqual(
      expect.arrayContaining(['784 inputs', '1000 neurons', 'relu', '10 neurons', 'softmax', '0', '9']),
    );
    expect(texts.filter((text) => text === '⋮')).toHaveLength(2);
    expect(words).toBe(
      'The network from left to right, as circles: input (784); hidden (1000, relu); output (10, softmax). ' +
        'Lines are weights.',
    );
  });

  test('connects circle with circle only before Dense layers', () => {
    const { circles, lines, texts } = drawn(
      tf.sequential({
        layers: [
          tf.layers.reshape({ name: 'picture', inputShape: [4], targetShape: [2, 2, 1] }),
          tf.layers.conv2d({ name: 'conv', filters: 3, kernelSize: 2, activation: 'relu' }),
          tf.layers.flatten({ name: 'flat' }),
          tf.layers.dense({ name: 'answer', units: 2 }),
        ],
      }),
    );
    expect(circles).toEqual([4, 4, 3, 3, 2]);
    expect(lines).toEqual([0, 0, 0, 3 * 2]);
    expect(texts).toEqual(expect.arrayContaining(['2 × 2 × 1 values', 'Conv2D, relu', 'Flatten', '2 neurons']));
  });

  test('refuses a model without layers', () => {
    expect(() => networkDiagram(tf.sequential())).toThrow(
      new RangeError('the model has no layers: add one, then draw it'),
    );
  });
});
