/** The colours of the ten digits. Those of digits that lie close to each other differ most; each is dark enough on white. */
export const DIGIT_COLORS = [
  ...['#222222', '#1B7F79', '#882255', '#332288', '#0072B2'],
  ...['#707018', '#AA4499', '#117733', '#C4465A', '#B84F00'],
];

/** A point in the picture, in pixels from the upper left corner. */
export type Point = [left: number, top: number];

/** Puts points into a picture, as large as it allows, with the same scale in both directions. y grows upwards. */
export function scaledToFit(points: Point[], width: number, height: number, margin: number): Point[] {
  const [xs, ys] = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return { middle: (least + most) / 2, length: most - least };
  });
  const scale = Math.min((width - 2 * margin) / (xs.length || 1), (height - 2 * margin) / (ys.length || 1));
  return points.map(([x, y]) => [width / 2 + (x - xs.middle) * scale, height / 2 - (y - ys.middle) * scale]);
}
