import { deflateSync } from 'node:zlib';

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BYTES_PER_PIXEL = 4;

/**
 * As much of CanvasRenderingContext2D as plotly.js needs to draw heat maps and images: filled rectangles, pixels, PNG.
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
    // plotly draws from right to left or upwards where an axis is reversed: a width or height may be negative.
    const [left, right] = [Math.min(x, x + width), Math.max(x, x + width)].map(Math.round);
    const [top, bottom] = [Math.min(y, y + height), Math.max(y, y + height)].map(Math.round);
    for (let row = Math.max(top, 0); row < Math.min(bottom, this.height); row++) {
      for (let column = Math.max(left, 0); column < Math.min(right, this.width); column++) {
        this.pixels.set([red, green, blue, alpha * 255], (row * this.width + column) * BYTES_PER_PIXEL);
      }
    }
  }

  /** The picture as a `data:` URL of an 8-bit RGBA PNG (PNG specification, third edition, sections 5 and 11). */
  toDataURL(): string {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(this.width, 0);
    header.writeUInt32BE(this.height, 4);
    header.set([8, 6, 0, 0, 0], 8); // 8 bits a channel, RGBA, deflate, no filter method but 0, not interlaced
    const rowBytes = this.width * BYTES_PER_PIXEL;
    const rows = Buffer.alloc((rowBytes + 1) * this.height); // each row begins with its filter type, 0: none
    for (let row = 0; row < this.height; row++) {
      rows.set(this.pixels.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
    }
    const png = [
      PNG_SIGNATURE,
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(rows)),
      chunk('IEND', Buffer.alloc(0)),
    ];
    return `data:image/png;base64,${Buffer.concat(png).toString('base64')}`;
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checked = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(checked));
  return Buffer.concat([length, checked, check]);
}

// zlib.crc32 came with Node 20.15; this serves every Node 20.
function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return ~crc >>> 0;
}
