import { layerDiagram } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { JSDOM } from 'jsdom';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

const lecture = () =>
  tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', inputShape: [784], units: 1000, activation: 'relu' }),
      tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }),
    ],
  });

async function drawn(model: tf.LayersModel) {
  const bundle = (await layerDiagram(model)) as { 'image/svg+xml': string; 'text/plain': string };
  const svg = bundle['image/svg+xml'];
  const { document } = new JSDOM(svg, { contentType: 'image/svg+xml' }).window; // throws if it is not well-formed
  const texts = [...document.querySelectorAll('text')].map(({ textContent }) => textContent);
  return { svg, document, texts, words: bundle['text/plain'] };
}

describe('layerDiagram(model)', () => {
  test("shows the lecture's two layers with their input and output shapes", async () => {
    const { texts, words, document } = await drawn(lecture());
    expect(texts).toEqual([
      ...['hidden: Dense, relu', 'input', '[batch, 784]', 'output', '[batch, 1000]'],
      ...['output: Dense, softmax', 'input', '[batch, 1000]', 'output', '[batch, 10]'],
    ]);
    expect(words).toBe(
      'The layers in order: hidden (Dense, relu) takes [batch, 784] and returns [batch, 1000]; ' +
        'output (Dense, softmax) takes [batch, 1000] and returns [batch, 10].',
    );
    expect(document.querySelectorAll('g.edge')).toHaveLength(1);
  });

  test('is drawn as in the snapshot', async () => {
    expectSvgSnapshot('layer-diagram', (await drawn(lecture())).svg);
  });

  test('begins with the svg element, so that it can be part of a page', async () => {
    expect((await drawn(lecture())).svg).toMatch(/^<svg /);
  });

  test('shows a layer name that contains markup as text, in SVG and inside a page', async () => {
    const name = '<script>alert("1")</script>&amp;';
    const model = lecture();
    model.layers[0].name = name; // set afterwards: tfjs refuses to build a layer of that name
    const { svg, texts, document } = await drawn(model);
    expect(texts[0]).toBe(`${name}: Dense, relu`);
    expect(document.querySelectorAll('script')).toHaveLength(0);
    const page = new JSDOM(`<body>${svg}</body>`).window.document;
    expect(page.querySelectorAll('script')).toHaveLength(0);
    expect(page.querySelector('svg text')!.textContent).toBe(`${name}: Dense, relu`);
  });

  test('labels layers without an activation by their class, and draws a single layer without arrows', async () => {
    const flat = tf.layers.flatten({ name: 'flat', inputShape: [2, 3] });
    const { texts, document } = await drawn(tf.sequential({ layers: [flat] }));
    expect(texts).toEqual(['flat: Flatten', 'input', '[batch, 2, 3]', 'output', '[batch, 6]']);
    expect(document.querySelectorAll('g.edge')).toHaveLength(0);
  });

  test('refuses a model without layers', async () => {
    await expect(layerDiagram(tf.sequential())).rejects.toThrow(RangeError);
  });
});
