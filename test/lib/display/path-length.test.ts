import { pathLength, pointAtLength } from 'mnist-lib/dist/display/path-length';

describe('pathLength(path)', () => {
  test('adds up straight lines', () => {
    expect(pathLength('M0,0L3,4')).toBe(5);
    expect(pathLength('M 1 1 L 1 3 L -4.5 3')).toBe(7.5);
  });

  test.each(['', 'M1,2', 'M0,0C1,1 2,2 3,3', 'M0,0l3,4', 'M0,0H5'])('refuses %j', (path) => {
    expect(() => pathLength(path)).toThrow('is not known without a browser (expected straight lines)');
  });
});

describe('pointAtLength(path, distance)', () => {
  test.each([
    [0, { x: 0, y: 0 }],
    [2.5, { x: 1.5, y: 2 }],
    [5, { x: 3, y: 4 }],
    [6, { x: 4, y: 4 }],
    [100, { x: 5, y: 4 }], // the end, as in browsers
    [-1, { x: 0, y: 0 }],
  ])('finds the point at %p', (distance, point) => {
    expect(pointAtLength('M0,0L3,4L5,4', distance)).toEqual(point);
  });
});
