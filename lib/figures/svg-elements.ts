import { FONT, INK, TEXT_SIZE, escapeXml } from './style';

/** An SVG picture on a white card. It shrinks with the place where it is shown. */
export function svgPicture(width: number, height: number, elements: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `style="max-width: 100%; height: auto;" font-family="${FONT}" font-size="${TEXT_SIZE}" fill="${INK}">`,
    `<rect width="${width}" height="${height}" fill="#FFFFFF"/>`,
    ...elements,
    '</svg>',
  ].join('\n');
}

/** The address of an SVG picture: a `data:` URL. */
export function svgAddress(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

/** A line of text; `anchor` says which end of it x is, y is its baseline. */
export function svgText(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  more = '',
): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${more}>${escapeXml(content)}</text>`;
}

/** A coordinate in pixels, with one decimal. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
