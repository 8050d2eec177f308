import type * as tf from '@tensorflow/tfjs-node';
import { instance } from '@viz-js/viz';
import type { MimeBundle } from '../display/display';
import { PALE_BLUE, escapeXml } from './style';

/**
 * The layers of a model as boxes from input to output, each with its input and output shape. Drawn by Graphviz
 * (@viz-js/viz: compiled to WebAssembly, nothing to install).
 *
 * @param model a built model. The first dimension of each shape is the batch size, which is not fixed: it reads
 *   `batch`.
 * @returns a bundle for `display`: SVG, and a description in words.
 * @throws RangeError if the model has no layers.
 * @example display(await layerDiagram(model));
 */
export async function layerDiagram(model: tf.LayersModel): Promise<MimeBundle> {
  if (model.layers.length === 0) {
    throw new RangeError('the model has no layers: add one, then draw it');
  }
  const viz = await instance();
  const layers = model.layers.map((layer) => ({
    name: layer.name,
    kind: activationOf(layer),
    input: shapes(layer.input),
    output: shapes(layer.output),
  }));
  const rendered = viz.render(
    {
      directed: true,
      graphAttributes: { rankdir: 'TB', bgcolor: 'white', pad: 0.2, ranksep: 0.35 },
      nodeAttributes: { shape: 'plain', fontname: 'Arial' },
      nodes: layers.map(({ name, kind, input, output }, index) => ({
        name: String(index),
        attributes: { label: { html: table(`${name}: ${kind}`, input, output) } },
      })),
      edges: layers.slice(1).map((_, index) => ({ tail: String(index), head: String(index + 1) })),
    },
    { format: 'svg' },
  );
  if (rendered.status === 'failure') {
    throw new Error(`Graphviz could not draw the layers: ${rendered.errors.map((error) => error.message).join('; ')}`);
  }
  const words = layers.map(({ name, kind, input, output }) => `${name} (${kind}) takes ${input} and returns ${output}`);
  return {
    // Without the XML declaration and the DOCTYPE, which are not allowed inside a page.
    'image/svg+xml': rendered.output
      .slice(rendered.output.indexOf('<svg'))
      .replace('<svg ', '<svg style="max-width: 100%; height: auto;" '),
    'text/plain': `The layers in order: ${words.join('; ')}.`,
  };
}

function activationOf(layer: tf.layers.Layer): string {
  const { activation } = layer.getConfig();
  return typeof activation === 'string' ? `${layer.getClassName()}, ${activation}` : layer.getClassName();
}

function shapes(tensors: tf.SymbolicTensor | tf.SymbolicTensor[]): string {
  return [tensors]
    .flat()
    .map(({ shape }) => `[${shape.map((size) => size ?? 'batch').join(', ')}]`)
    .join(', ');
}

function table(heading: string, input: string, output: string): string {
  const cell = (text: string, attributes = ''): string => `<td align="left" ${attributes}>${escapeXml(text)}</td>`;
  return (
    '<table border="0" cellborder="1" cellspacing="0" cellpadding="6">' +
    `<tr><td colspan="2" bgcolor="${PALE_BLUE}"><b>${escapeXml(heading)}</b></td></tr>` +
    `<tr>${cell('input')}${cell(input)}</tr><tr>${cell('output')}${cell(output)}</tr></table>`
  );
}
