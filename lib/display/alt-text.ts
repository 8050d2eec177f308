import type { Layout, Plot } from 'nodeplotlib';

/**
 * Describes a figure in words, for viewers without pictures and for readers who cannot see them.
 *
 * @param data plotly.js traces.
 * @param layout plotly.js layout; `meta.description`, the figure's own description, is returned if there is one.
 * @returns one or two sentences.
 * @example altText([{ type: 'bar', x: ['a', 'b'], y: [1, 2] }], {}) // 'Figure: bar (2 values, 1 to 2).'
 */
export function altText(data: Plot[], layout: Layout): string {
  const { meta, title } = layout as { meta?: { description?: unknown }; title?: string | { text?: string } };
  if (typeof meta?.description === 'string') {
    return meta.description;
  }
  const heading = (typeof title === 'string' ? title : title?.text) ?? '';
  const traces = data.map((trace) => {
    const values = [trace.z ?? trace.y ?? trace.x ?? []]
      .flat(Infinity)
      .filter((value): value is number => typeof value === 'number');
    const [least, most] = [Math.min, Math.max].map((outermost) =>
      values.reduce((extreme, value) => outermost(extreme, value), values[0]),
    );
    const range = values.length > 0 ? ` (${values.length} values, ${rounded(least)} to ${rounded(most)})` : '';
    return `${trace.name ?? trace.type ?? 'scatter'}${range}`;
  });
  return `Figure${heading && ` "${heading}"`}: ${traces.join('; ') || 'empty'}.`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
