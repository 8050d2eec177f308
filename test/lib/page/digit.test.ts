import { loadMnist } from 'mnist-lib';
import { type Point, digitOf, inkOf, linesInPad } from 'mnist-lib/dist/page/digit';

const { testImages } = loadMnist();
const side = 28;
const image = (index: number) => testImages.data.subarray(index * side * side, (index + 1) * side * side);

describe('digitOf', () => {
  // What MNIST's makers did with a digit leaves their own result as it is.
  test("leaves most of MNIST's digits as they are, and all of them where they are to a pixel", () => {
    const count = 200;
    let same = 0;
    for (let index = 0; index < count; index++) {
      const ink = image(index);
      const pixels = digitOf({ width: side, height: side, ink })!;
      const difference = pixels.reduce((sum, pixel, at) => sum + Math.abs(pixel - ink[at]), 0);
      same += difference / ink.reduce((sum, pixel) => sum + pixel, 0) < 0.02 ? 1 : 0;
    }
    expect(same / count).toBeGreaterThan(0.7);
  });

  test.each([2, 7, 10])('gives the same picture for one %i times as large, at another place and fainter', (times) => {
    const ink = image(0);
    const width = side * times + 13;
    const large = new Float32Array(width * width);
    ink.forEach((pixel, index) => {
      const [left, top] = [(index % side) * times + 5, Math.floor(index / side) * times + 11];
      for (let y = top; y < top + times; y++) {
        large.fill(pixel / 8, y * width + left, y * width + left + times);
      }
    });
    expect(digitOf({ width, height: width, ink: large })).toEqual(digitOf({ width: side, height: side, ink }));
  });

  test('centres by the centre of mass, in index 14, and fills a box of 20', () => {
    // A square of 40 x 40 becomes 20 x 20: its centre of mass, 9.5 in the box, comes to 13.5 or 14.5 in the picture.
    const pixels = digitOf({
      width: 50,
      height: 40,
      ink: Uint8Array.from({ length: 2000 }, (_, i) => +(i % 50 >= 10)),
    })!;
    const inked = [...pixels.keys()].filter((index) => pixels[index] > 0);
    expect(inked).toHaveLength(400);
    expect(inked.every((index) => pixels[index] === 255)).toBe(true);
    expect([inked[0] % side, Math.floor(inked[0] / side)].every((first) => [4, 5].includes(first))).toBe(true);
  });

  test('has no answer without ink', () => {
    expect(digitOf({ width: 3, height: 2, ink: [0, 0, 0, 0, 0, 0] })).toBeNull();
    expect(digitOf({ width: 0, height: 0, ink: [] })).toBeNull();
  });

  test('takes a single pixel as it takes everything else', () => {
    const pixels = digitOf({ width: 3, height: 3, ink: [0, 0, 0, 0, 1, 0, 0, 0, 0] })!;
    expect(pixels.filter((pixel) => pixel === 255)).toHaveLength(400);
  });
});

describe('inkOf', () => {
  const stroke: Point[] = [[0.2, 0.2], [0.8, 0.25], [0.4, 0.8]]; // prettier-ignore
  const digit = (strokes: Point[][]) => {
    const ink = inkOf(strokes);
    return ink.kind === 'drawing' ? digitOf(ink.picture) : ink.kind;
  };

  test('does not depend on place and size', () => {
    const small = stroke.map(([x, y]): Point => [0.75 + x / 8, y / 8]);
    const [one, other] = [digit([stroke]), digit([small])] as Uint8Array[];
    one.forEach((pixel, index) => expect(Math.abs(pixel - other[index])).toBeLessThanOrEqual(1));
  });

  test('tells nothing and a dot from a drawing', () => {
    expect(digit([])).toBe('nothing');
    expect(digit([[[2, 2], [3, 3]]])).toBe('nothing'); // prettier-ignore
    expect(digit([[[0.5, 0.5]]])).toBe('dot');
    expect(digit([[[0.5, 0.5], [0.53, 0.5]]])).toBe('dot'); // prettier-ignore
    expect(digit([[[0.5, 0.5], [0.55, 0.5]]])).toBeInstanceOf(Uint8Array); // prettier-ignore
    expect(digit([[[0.1, 0.1]], [[0.9, 0.9]]])).toBeInstanceOf(Uint8Array);
  });

  test('keeps the parts of lines that are in the pad', () => {
    expect(linesInPad([[0.5, 0.5], [1.5, 0.5]])).toEqual([[[0.5, 0.5], [1, 0.5]]]); // prettier-ignore
    expect(linesInPad([[-1, 0.5], [2, 0.5]])).toEqual([[[0, 0.5], [1, 0.5]]]); // prettier-ignore
    expect(linesInPad([[-1, -1], [-1, 2], [2, 2]])).toEqual([]); // prettier-ignore
    expect(linesInPad([[0.5, 0.5]])).toEqual([[[0.5, 0.5], [0.5, 0.5]]]); // prettier-ignore
    expect(linesInPad([[1.5, 0.5]])).toEqual([]);
  });
});
