import { neuronDiagram } from 'mnist-lib';
import { JSDOM } from 'jsdom';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

const { 'image/svg+xml': svg, 'text/plain': words } = neuronDiagram() as Record<string, string>;

describe('neuronDiagram()', () => {
  test('is drawn as in the snapshot', () => {
    expectSvgSnapshot('neuron-diagram', svg);
  });

  test('names inputs, weights, bias, weighted sum, activation and output', () => {
    const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window; // throws if it is not well-formed
    const texts = [...document.querySelectorAll('text')].map(({ textContent }) => textContent);
    expect(texts).toEqual(
      expect.arrayContaining([
        'x1',
        'x2',
        'xn',
        'w1',
        'w2',
        'wn',
        'b',
        'Σ',
        'z',
        'z = w1x1 + w2x2 + … + wnxn + b',
        'y = h(z)',
      ]),
    );
    expect(texts).toEqual(
      expect.arrayContaining(['inputs', 'weights', 'bias', 'weighted sum', 'activation h', 'output']),
    );
  });

  test('is described in words', () => {
    expect(words).toMatch(/^A neuron: .* weight .* bias .* activation/);
  });
});
