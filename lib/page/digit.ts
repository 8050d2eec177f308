// Converts ink to the network's input, as the makers of MNIST did it: "normalized to fit in a 20x20 pixel box
// while preserving their aspect ratio", with anti-aliasing, then "centered in a 28x28 image by computing the center of mass of
// the pixels" (Y. LeCun, C. Cortes, C. Burges: The MNIST database of handwritten digits). Neither Node nor a page is needed.

/** A picture of ink: 0 is paper; more is more ink. */
export interface Picture {
  width: number;
  height: number;
  /** Row by row. */
  ink: ArrayLike<number>;
}

/** A point of a stroke, in pads: the pad reaches from 0 to 1, to the right and down. */
export type Point = readonly [x: number, y: number];

/** The side of the picture that a network gets to see, in pixels. */
export const SIDE = 28;
const BOX = 20;
/** Where the centre of mass of MNIST's digits is: the middle of the pixel with index 14. */
const CENTRE = 14.5;
/** Ink fainter than this fraction of the darkest is ignored, as a shadow. */
const SHADOW = 0.1;
const LARGEST_BYTE = 255;

/** The width of a pen in pixels of the box: as thick as the average line in MNIST. */
const PEN = 2.6;
/** The pixels per pixel of the box in which strokes are drawn. */
const FINE = 4;
/** Less than this, in pads, is a dot. */
const DOT = 0.04;

/**
 * Brings a picture of ink into the form of MNIST.
 *
 * @param picture of one digit, of any size, at any place and as faint as may be.
 * @returns uint8 [784], 28 rows of 28 pixels, 0 (paper) to 255 (ink); null if there is no ink.
 * @example const pixels = digitOf({ width: 280, height: 280, ink });
 */
export function digitOf({ width, height, ink }: Picture): Uint8Array | null {
  let darkest = 0;
  for (let index = 0; index < ink.length; index++) {
    darkest = Math.max(darkest, ink[index]);
  }
  if (!(darkest > 0)) {
    return null;
  }
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0, index = 0; y < height; y++) {
    for (let x = 0; x < width; x++, index++) {
      if (ink[index] >= SHADOW * darkest) {
        [left, top, right, bottom] = [
          Math.min(left, x),
          Math.min(top, y),
          Math.max(right, x + 1),
          Math.max(bottom, y + 1),
        ];
      }
    }
  }
  const pixel = Math.max(right - left, bottom - top) / BOX; // the side of a pixel of the box, in pixels of the picture
  const box = new Float64Array(BOX * BOX);
  // Each pixel of the box gets the ink of the area that it covers.
  for (let y = top; y < bottom; y++) {
    const rows = coverage((y - top) / pixel, (y + 1 - top) / pixel);
    for (let x = left; x < right; x++) {
      const value = ink[y * width + x];
      if (value > 0) {
        for (const [column, across] of coverage((x - left) / pixel, (x + 1 - left) / pixel)) {
          for (const [row, down] of rows) {
            box[row * BOX + column] += value * across * down;
          }
        }
      }
    }
  }
  return centred(box, Math.ceil((right - left) / pixel - 1e-9), Math.ceil((bottom - top) / pixel - 1e-9));
}

/** How much of the interval from `start` to `end` lies in each pixel. */
function coverage(start: number, end: number): [pixel: number, length: number][] {
  const found: [number, number][] = [];
  for (let pixel = Math.floor(start); pixel < Math.min(end, BOX); pixel++) {
    found.push([pixel, Math.min(end, pixel + 1) - Math.max(start, pixel)]);
  }
  return found;
}

/** Puts the box where its centre of mass is the middle of the picture, to a whole pixel so that edges stay sharp. */
function centred(box: Float64Array, width: number, height: number): Uint8Array {
  let [mass, momentX, momentY, darkest] = [0, 0, 0, 0];
  box.forEach((value, index) => {
    mass += value;
    momentX += value * ((index % BOX) + 0.5);
    momentY += value * (Math.floor(index / BOX) + 0.5);
    darkest = Math.max(darkest, value);
  });
  const offset = (moment: number, size: number) =>
    Math.min(Math.max(Math.round(CENTRE - moment / mass), 0), SIDE - size); // all ink stays in the picture
  const [offsetX, offsetY] = [offset(momentX, width), offset(momentY, height)];
  const pixels = new Uint8Array(SIDE * SIDE);
  box.forEach((value, index) => {
    if (value > 0) {
      const [x, y] = [(index % BOX) + offsetX, Math.floor(index / BOX) + offsetY];
      pixels[y * SIDE + x] = Math.round((LARGEST_BYTE * value) / darkest);
    }
  });
  return pixels;
}

/** What strokes are: none, no more than a dot, or a drawing. */
type Strokes = { kind: 'nothing' } | { kind: 'dot' } | { kind: 'drawing'; picture: Picture };

/**
 * Draws strokes as large as the box that MNIST's digits fit into, with a pen as thick as there: how large the drawing is, and
 * how thick it looks on the pad, does not matter.
 *
 * @param strokes the points of each; what is outside of the pad does not count.
 * @returns the picture for `digitOf`, if it is more than a dot.
 * @example inkOf([[[0.5, 0.1], [0.5, 0.9]]]) // a vertical line
 */
export function inkOf(strokes: Point[][]): Strokes {
  const lines = strokes.flatMap(linesInPad);
  if (lines.length === 0) {
    return { kind: 'nothing' };
  }
  const xs = lines.flatMap(([[x1], [x2]]) => [x1, x2]);
  const ys = lines.flatMap(([[, y1], [, y2]]) => [y1, y2]);
  const [left, top] = [least(xs), least(ys)];
  const [width, height] = [-least(xs.map((x) => -x)) - left, -least(ys.map((y) => -y)) - top];
  const extent = Math.max(width, height);
  if (extent < DOT) {
    return { kind: 'dot' };
  }
  const scale = ((BOX - PEN) * FINE) / extent;
  const radius = (PEN * FINE) / 2;
  const picture = {
    width: Math.ceil(width * scale + 2 * radius) + 2,
    height: Math.ceil(height * scale + 2 * radius) + 2,
    ink: new Float32Array(0),
  };
  picture.ink = new Float32Array(picture.width * picture.height);
  for (const line of lines) {
    const [from, to] = line.map(([x, y]) => [(x - left) * scale + radius + 1, (y - top) * scale + radius + 1] as const);
    addLine(picture, from, to, radius);
  }
  return { kind: 'drawing', picture };
}

function least(values: number[]): number {
  return values.reduce((smallest, value) => Math.min(smallest, value), Infinity);
}

/** Adds a line with round ends; a pixel at its edge is covered in part. */
function addLine(
  { width, height, ink }: Picture & { ink: Float32Array },
  from: Point,
  to: Point,
  radius: number,
): void {
  const [[x1, y1], [x2, y2]] = [from, to];
  const [dx, dy] = [x2 - x1, y2 - y1];
  const reach = radius + 1;
  const lastY = Math.min(Math.max(y1, y2) + reach, height - 1);
  const lastX = Math.min(Math.max(x1, x2) + reach, width - 1);
  for (let y = Math.max(Math.floor(Math.min(y1, y2) - reach), 0); y <= lastY; y++) {
    for (let x = Math.max(Math.floor(Math.min(x1, x2) - reach), 0); x <= lastX; x++) {
      const [toX, toY] = [x + 0.5 - x1, y + 0.5 - y1];
      const along = Math.min(Math.max((toX * dx + toY * dy) / (dx * dx + dy * dy || 1), 0), 1);
      const distance = Math.hypot(toX - along * dx, toY - along * dy);
      const covered = Math.min(Math.max(radius + 0.5 - distance, 0), 1);
      ink[y * width + x] = Math.max(ink[y * width + x], covered);
    }
  }
}

/**
 * The lines of a stroke, as far as they are in the pad; a single point is a line without a length.
 *
 * @param stroke its points, some of which may be outside of the pad.
 * @returns the two ends of each line.
 * @example linesInPad([[0.5, 0.5], [1.5, 0.5]]) // [[[0.5, 0.5], [1, 0.5]]]
 */
export function linesInPad(stroke: Point[]): [Point, Point][] {
  const ends = stroke.length === 1 ? [stroke[0], stroke[0]] : stroke;
  return ends.slice(1).flatMap((to, index) => clipped(ends[index], to));
}

/** The part of a line that is in the pad, if there is one: by Liang and Barsky's method. */
function clipped(from: Point, to: Point): [Point, Point][] {
  let [first, last] = [0, 1];
  for (const axis of [0, 1] as const) {
    const [start, way] = [from[axis], to[axis] - from[axis]];
    if (way === 0 && (start < 0 || start > 1)) {
      return [];
    }
    if (way !== 0) {
      const [one, other] = [-start / way, (1 - start) / way];
      first = Math.max(first, Math.min(one, other));
      last = Math.min(last, Math.max(one, other));
    }
  }
  const at = (part: number): Point => [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
  return first > last ? [] : [[at(first), at(last)]];
}
