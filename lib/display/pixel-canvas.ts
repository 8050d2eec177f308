import { PNG } from 'pngjs';

const BYTES_PER_PIXEL = 4;

/**
 * The part of CanvasRenderingContext2D that plotly.js needs for heat maps and images: filled rectangles, pixels, PNG.
 *
 * @example const canvas = new PixelCanvas(28, 28);
 */
export class PixelCanvas {
  /** The colour of the next rectangle: `rgb(r, g, b)` or `rgba(r, g, b, a)`, r, g and b 0-255, a 0-1. */
  fillStyle = 'rgb(0,0,0)';
  private readonly pixels: Uint8ClampedArray;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Uint8ClampedArray(width * height * BYTES_PER_PIXEL);
  }

  createImageData(width: number, height: number): { data: Uint8ClampedArray } {
    return { data: new Uint8ClampedArray(width * height * BYTES_PER_PIXEL) };
  }

  putImageData(image: { data: Uint8ClampedArray }): void {
    this.pixels.set(image.data);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    const [red, green, blue, alpha = 1] = (this.fillStyle.match(/[\d.]+/g) ?? []).map(Number);
    // A width or height may be negative: plotly draws from right to left or upwards if an axis is reversed.
    const [left, right] = [Math.min(x, x + width), Math.max(x, x + width)].map(Math.round);
    const [top, bottom] = [Math.min(y, y + height), Math.max(y, y + height)].map(Math.round);
    for (let row = Math.max(top, 0); row < Math.min(bottom, this.height); row++) {
      for (let column = Math.max(left, 0); column < Math.min(right, this.width); column++) {
        this.pixels.set([red, green, blue, alpha * 255], (row * this.width + column) * BYTES_PER_PIXEL);
      }
    }
  }

  /** The picture as a `data:` URL of a PNG. */
  toDataURL(): string {
    const png = new PNG({ width: this.width, height: this.height });
    png.data = Buffer.from(this.pixels.buffer);
    // Rows of one colour compress best as they are, by a strategy (zlib's default) that finds repeated rows.
    return `data:image/png;base64,${PNG.sync.write(png, { filterType: 0, deflateStrategy: 0 }).toString('base64')}`;
  }
}
