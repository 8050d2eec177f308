import type { Figure } from 'mnist-lib/dist/display/plot';
import { PNG } from 'pngjs';

/** The picture behind a figure: its size, and the colour of each pixel. */
export function pictureOf({ layout }: Figure) {
  const [{ source }] = layout.images!;
  const { width, height, data } = PNG.sync.read(Buffer.from(source!.split(',')[1], 'base64'));
  return { width, height, color: (x: number, y: number) => [...data.subarray((y * width + x) * 4).subarray(0, 3)] };
}

/** The description of a figure in words. */
export function wordsOf({ layout }: Figure): string {
  return (layout as { meta: { description: string } }).meta.description;
}

/** All texts in a figure. */
export function textsOf({ data }: Figure): string[] {
  return data.flatMap((trace) => (trace as { text?: string[] }).text ?? []);
}
