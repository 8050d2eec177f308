import { inflateSync } from 'node:zlib';
import { PixelCanvas } from 'mnist-lib/dist/display/pixel-canvas';

/** Reads an RGBA picture back, independently of pngjs, by sections 5 and 9 of the PNG specification. */
function decode(url: string): { width: number; height: number; pixel: (x: number, y: number) => number[] } {
  const png = Buffer.from(url.replace('data:image/png;base64,', ''), 'base64');
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  expect(png.subarray(12, 16).toString('latin1')).toBe('IHDR');
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const dataLength = png.readUInt32BE(33);
  expect(png.subarray(37, 41).toString('latin1')).toBe('IDAT');
  const rows = inflateSync(png.subarray(41, 41 + dataLength)); // each row begins with its filter type, 0
  expect(rows).toHaveLength(height * (1 + 4 * width));
  return {
    width,
    height,
    pixel: (x, y) => [...rows.subarray(y * (1 + 4 * width) + 1 + 4 * x).subarray(0, 4)],
  };
}

describe('PixelCanvas', () => {
  test('writes a PNG whose pixels can be read back', () => {
    const canvas = new PixelCanvas(3, 2);
    const image = canvas.createImageData(3, 2);
    image.data.set([255, 0, 0, 255], 4); // pixel (1, 0)
    image.data.set([1, 2, 3, 4], 20); // pixel (2, 1)
    canvas.putImageData(image);
    const { width, height, pixel } = decode(canvas.toDataURL());
    expect([width, height]).toEqual([3, 2]);
    expect([pixel(0, 0), pixel(1, 0), pixel(2, 1)]).toEqual([
      [0, 0, 0, 0],
      [255, 0, 0, 255],
      [1, 2, 3, 4],
    ]);
  });

  test('ends with the checksum that the PNG specification gives for IEND', () => {
    const png = Buffer.from(new PixelCanvas(1, 1).toDataURL().split(',')[1], 'base64');
    expect(png.subarray(-12).toString('hex')).toBe('0000000049454e44ae426082');
  });

  test('fills rectangles, from either corner, and clips them', () => {
    const canvas = new PixelCanvas(4, 4);
    canvas.fillStyle = 'rgb(10, 20, 30)';
    canvas.fillRect(2, 3, -2, -2); // columns 0-1, rows 1-2
    canvas.fillStyle = 'rgba(1, 2, 3, 0.2)';
    canvas.fillRect(3, -5, 100, 6); // column 3, row 0
    const { pixel } = decode(canvas.toDataURL());
    const filled = [10, 20, 30, 255];
    const empty = [0, 0, 0, 0];
    expect([pixel(0, 1), pixel(1, 2), pixel(2, 1), pixel(0, 0), pixel(0, 3)]).toEqual([
      filled,
      filled,
      empty,
      empty,
      empty,
    ]);
    expect([pixel(3, 0), pixel(3, 1)]).toEqual([[1, 2, 3, 51], empty]); // 51 = 0.2 × 255
  });
});
