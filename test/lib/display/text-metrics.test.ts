import { textExtent } from 'mnist-lib/dist/display/text-metrics';
import { JSDOM } from 'jsdom';

/** The box of the first element in the markup, which sets the fonts. */
function boxOf(markup: string) {
  const { document } = new JSDOM(`<svg xmlns="http://www.w3.org/2000/svg">${markup}</svg>`).window;
  return textExtent(document.querySelector('svg')!.firstElementChild!);
}

const FONT = 'style="font-family: Arial; font-size: 10px"';

// Helvetica's widths in thousandths of the font size, from Adobe's Helvetica.afm: H 722, i 222, space 278, 0 556.
describe('textExtent(element)', () => {
  test('is as wide as the sum of its characters', () => {
    expect(boxOf(`<text ${FONT}>Hi</text>`).width).toBeCloseTo(7.22 + 2.22, 5);
    expect(boxOf(`<text ${FONT}>0 0</text>`).width).toBeCloseTo(5.56 + 2.78 + 5.56, 5);
  });

  test('is proportional to the font size', () => {
    expect(boxOf('<text style="font-size: 20px">Hi</text>').width).toBeCloseTo(2 * 9.44, 5);
  });

  test.each([
    ['start', 100, 109.44],
    ['middle', 95.28, 104.72],
    ['end', 90.56, 100],
  ])('aligns with its anchor: %s', (anchor, left, right) => {
    const box = boxOf(`<text x="100" y="50" text-anchor="${anchor}" ${FONT}>Hi</text>`);
    expect([box.left, box.right]).toEqual([expect.closeTo(left, 5), expect.closeTo(right, 5)]);
    expect(box.top).toBeLessThan(50); // the baseline is at y: most of the letters is above it
    expect(box.bottom).toBeGreaterThan(50);
  });

  test('applies the translation and rotation of texts in a group', () => {
    const plain = boxOf(`<g><text ${FONT}>Hi</text></g>`);
    const moved = boxOf(`<g><text transform="translate(30,40)" ${FONT}>Hi</text></g>`);
    expect([moved.left, moved.top]).toEqual([expect.closeTo(30, 5), expect.closeTo(40 + plain.top, 5)]);
    const rotated = boxOf(`<g><text transform="rotate(90)" ${FONT}>Hi</text></g>`);
    expect([rotated.width, rotated.height]).toEqual([expect.closeTo(plain.height, 5), expect.closeTo(plain.width, 5)]);
  });

  test('encloses all texts of a group', () => {
    const box = boxOf(`<g><text x="0" ${FONT}>H</text><text x="50" ${FONT}>H</text></g>`);
    expect([box.left, box.right]).toEqual([0, expect.closeTo(57.22, 5)]);
  });

  test('is empty without text', () => {
    expect(boxOf('<g></g>')).toMatchObject({ x: 0, y: 0, width: 0, height: 0 });
  });
});
