type Point = [number, number];

/** The box of a text, in pixels, with y growing downwards. */
export interface Box {
  x: number;
  y: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
  width: number;
  height: number;
}

// Widths of the characters from space to ~ in Helvetica, in thousandths of the font size: Adobe's font metrics
// (Helvetica.afm), which Arial and Liberation Sans share.
const HELVETICA_WIDTHS = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
  260, 334, 584,
];
const FIRST_CHARACTER = 32;
const OTHER_WIDTH = 556;
// Korean letters come from another font, such as Noto Sans CJK or Malgun Gothic, where they are as wide in bold.
const HANGUL_WIDTH = 920;
const BOLD = 1.07;
// Verdana, the second font in plotly's default list, is wider by this factor.
const VERDANA = 1.17;
const LINE_HEIGHT = 1.3;
const ASCENT = 0.93;

/**
 * Computes the box of an SVG text element, or around all texts in a group, from font metrics: close to a browser's
 * layout, without a browser, and the same on every machine.
 *
 * @param element a `text`, a `tspan`, or a group of them.
 * @returns its box in pixels; an empty box at the origin if there is no text.
 * @example textExtent(svgText).width
 */
export function textExtent(element: Element): Box {
  const texts: Element[] = element.matches('text, tspan') ? [element] : [...element.querySelectorAll('text')];
  const corners = texts.filter((text) => text.textContent).flatMap((text) => cornersOf(text, element));
  if (corners.length === 0) {
    return box(0, 0, 0, 0);
  }
  const [left, right] = [Math.min, Math.max].map((outermost) =>
    corners.map(([x]) => x).reduce((a, b) => outermost(a, b)),
  );
  const [top, bottom] = [Math.min, Math.max].map((outermost) =>
    corners.map(([, y]) => y).reduce((a, b) => outermost(a, b)),
  );
  return box(left, top, right, bottom);
}

function box(left: number, top: number, right: number, bottom: number): Box {
  return { x: left, y: top, left, top, right, bottom, width: right - left, height: bottom - top };
}

/** The corners of a text, in the coordinates of the element around it. */
function cornersOf(text: Element, around: Element): Point[] {
  const lines = [...text.querySelectorAll('tspan.line')];
  const width = Math.max(...(lines.length > 0 ? lines : [text]).map(widthOf));
  const size = fontSize(text);
  const anchor = styleOf(text, 'text-anchor');
  const left = coordinate(text, 'x') - (anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0);
  const top = coordinate(text, 'y') - ASCENT * size;
  const right = left + width;
  const bottom = top + Math.max(lines.length, 1) * LINE_HEIGHT * size;
  let corners: Point[] = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
  for (let element: Element | null = text; element && element !== around; element = element.parentElement) {
    const transform = element.getAttribute('transform') ?? '';
    corners = corners.map((corner) => transformed(transform, corner));
  }
  return corners;
}

function coordinate(text: Element, name: 'x' | 'y'): number {
  return Number(text.getAttribute(name) ?? 0);
}

/** Applies SVG's `translate` and `rotate`, which plotly puts on texts; the last one applies first. */
function transformed(transform: string, point: Point): Point {
  return [...transform.matchAll(/(translate|rotate)\(([^)]*)\)/g)].reduceRight(([x, y], [, kind, list]): Point => {
    const [first, second = 0, third = 0] = list.split(/[ ,]+/).map(Number);
    if (kind === 'translate') {
      return [x + first, y + second];
    }
    const angle = (first * Math.PI) / 180;
    const [dx, dy] = [x - second, y - third];
    return [second + dx * Math.cos(angle) - dy * Math.sin(angle), third + dx * Math.sin(angle) + dy * Math.cos(angle)];
  }, point);
}

function widthOf(node: Element): number {
  let width = 0;
  for (const child of node.childNodes) {
    width +=
      child.nodeType === child.TEXT_NODE ? widthOfString(child.textContent ?? '', node) : widthOf(child as Element);
  }
  return width;
}

function widthOfString(string: string, styled: Element): number {
  const weight = styleOf(styled, 'font-weight');
  const bold = weight === 'bold' || Number(weight) >= 600 ? BOLD : 1;
  const family = /verdana/i.test(styleOf(styled, 'font-family') ?? '') ? VERDANA : 1;
  const thousandths = Array.from(string, (character) => {
    const code = character.codePointAt(0)!;
    if (code === 0x200b) {
      return 0;
    }
    return /\p{Script=Hangul}/u.test(character)
      ? HANGUL_WIDTH
      : (HELVETICA_WIDTHS[code - FIRST_CHARACTER] ?? OTHER_WIDTH) * bold * family;
  }).reduce((sum, width) => sum + width, 0);
  return (thousandths / 1000) * fontSize(styled);
}

/** The font size in pixels; a percentage (plotly's sub- and superscripts) is relative to the parent's. */
function fontSize(element: Element): number {
  const own = ownStyle(element, 'font-size');
  const parent = (): number => (element.parentElement ? fontSize(element.parentElement) : 12);
  if (!own) {
    return parent();
  }
  return own.endsWith('%') ? (parent() * parseFloat(own)) / 100 : parseFloat(own);
}

function styleOf(element: Element | null, property: string): string | null {
  return element && (ownStyle(element, property) || styleOf(element.parentElement, property));
}

function ownStyle(element: Element, property: string): string {
  return (element as SVGElement).style?.getPropertyValue(property) || (element.getAttribute(property) ?? '');
}
