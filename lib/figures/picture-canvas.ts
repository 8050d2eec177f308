import { PNG } from 'pngjs';

/** Red, green and blue, 0-255. */
export type Color = readonly [number, number, number];

/** The colour of the line around a picture. */
export const FRAME: Color = [0x99, 0x99, 0x99];

const WHITE = 255;

/** A small picture, to be enlarged. */
export interface Picture {
  rows: number;
  columns: number;
  /** Screen pixels per side of each of its pixels. */
  pixel: number;
  colorOf: (row: number, column: number) => Color;
}

/** White paper, on which pictures are enlarged: viewers would blur small ones. It becomes a single PNG. */
export class PictureCanvas {
  private readonly pixels: Buffer;
  private isGrey = true;

  /** Width and height are in screen pixels. */
  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    this.pixels = Buffer.alloc(width * height * 3, WHITE);
  }

  fill(left: number, top: number, width: number, height: number, [red, green, blue]: Color): void {
    this.isGrey &&= red === green && green === blue;
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        this.pixels.set([red, green, blue], (y * this.width + x) * 3);
      }
    }
  }

  /** Draws a picture with its upper left corner at a place, and a frame of one screen pixel around it. */
  draw(left: number, top: number, { rows, columns, pixel, colorOf }: Picture): void {
    this.fill(left - 1, top - 1, columns * pixel + 2, rows * pixel + 2, FRAME);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        this.fill(left + column * pixel, top + row * pixel, pixel, pixel, colorOf(row, column));
      }
    }
  }

  /** All of it, as a `data:` URL of a PNG. */
  toDataUrl(): string {
    const png = Object.assign(new PNG({ width: this.width, height: this.height }), { data: this.pixels });
    const format = { inputColorType: 2, inputHasAlpha: false, filterType: 2, deflateStrategy: 0 } as const;
    const bytes = PNG.sync.write(png, { ...format, colorType: this.isGrey ? 0 : 2 });
    return `data:image/png;base64,${bytes.toString('base64')}`;
  }
}
