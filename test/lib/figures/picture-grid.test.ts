import { signedColor } from 'mnist-lib/dist/figures/picture-grid';

type Color = readonly number[];

/** Linear light of a channel 0-255, by the definition of sRGB (IEC 61966-2-1). */
const linear = (channel: number) => {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
};

// G. Machado, M. Oliveira, L. Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009:
// the matrices for linear light and complete deficiency (severity 1.0).
const EYES: Record<string, number[][]> = {
  'usual ones': [[1, 0, 0], [0, 1, 0], [0, 0, 1]], // prettier-ignore
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]], // prettier-ignore
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]], // prettier-ignore
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]], // prettier-ignore
};

/** CIE L*a*b* (white D65) of what eyes see of a colour. */
function seen(color: Color, eyes: number[][]): number[] {
  const light = color.map(linear);
  const [r, g, b] = eyes.map((row) =>
    Math.max(
      0,
      row.reduce((sum, weight, index) => sum + weight * light[index], 0),
    ),
  );
  const [x, y, z] = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The difference of two colours (CIE 1976): about 2 is just noticeable. */
const difference = (a: Color, b: Color, eyes: number[][]) =>
  Math.hypot(...seen(a, eyes).map((value, index) => value - seen(b, eyes)[index]));

describe('signedColor(value)', () => {
  test('is white at 0, blue below and vermillion above, and stays at the ends beyond 1', () => {
    expect([0, -1, 1].map(signedColor)).toEqual([[255, 255, 255], [0, 0x72, 0xb2], [0xd5, 0x5e, 0]]); // prettier-ignore
    expect([-3, 3].map(signedColor)).toEqual([-1, 1].map(signedColor));
  });

  test.each(Object.entries(EYES))('tells signs and sizes apart for %s', (_name, eyes) => {
    for (const size of [0.25, 0.5, 0.75, 1]) {
      expect(difference(signedColor(size), signedColor(-size), eyes)).toBeGreaterThan(20 * size);
      for (const sign of [-1, 1]) {
        expect(difference(signedColor(sign * size), signedColor(sign * (size - 0.25)), eyes)).toBeGreaterThan(8);
      }
    }
  });
});
