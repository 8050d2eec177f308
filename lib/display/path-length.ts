type Point = [number, number];

/**
 * The length of an SVG path of straight lines, which plotly measures to place arrowheads.
 *
 * @param path a path's `d`, of absolute M and L commands only.
 * @returns the length in pixels.
 * @throws Error if there is another command.
 * @example pathLength('M0,0L3,4') // 5
 */
export function pathLength(path: string): number {
  return segmentsOf(path).reduce((sum, { length }) => sum + length, 0);
}

/** The point at a distance from the start of such a path, along it. */
export function pointAtLength(path: string, distance: number): { x: number; y: number } {
  const segments = segmentsOf(path);
  let rest = distance;
  for (const { from, to, length } of segments) {
    if (rest <= length || to === segments.at(-1)!.to) {
      const part = length === 0 ? 0 : Math.min(1, Math.max(0, rest / length));
      return { x: from[0] + part * (to[0] - from[0]), y: from[1] + part * (to[1] - from[1]) };
    }
    rest -= length;
  }
  throw new Error(`the path ${path} has no line`);
}

function segmentsOf(path: string): { from: Point; to: Point; length: number }[] {
  if (!/^M[^A-Za-z]+(L[^A-Za-z]+)+$/.test(path)) {
    throw new Error(`the length of the path ${path} is not known without a browser (expected straight lines)`);
  }
  const points = path
    .split(/[ML]/)
    .slice(1)
    .map((pair) => pair.trim().split(/[ ,]+/).map(Number) as Point);
  return points.slice(1).map((to, index) => {
    const from = points[index];
    return { from, to, length: Math.hypot(to[0] - from[0], to[1] - from[1]) };
  });
}
