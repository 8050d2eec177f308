import { textExtent } from 'mnist-lib/dist/display/text-metrics';
import { JSDOM } from 'jsdom';

/** The box of the first element in the markup; fonts are given in the markup. */
function boxOf(markup: string) {
  const { document } = new JSDOM(`<svg xmlns="http://www.w3.org/2000/svg">${markup}</svg>`).window;
  return textExtent(document.querySelector('svg')!.firstElementChild!);
}

const FONT = 'style="font-family: Arial; font-size: 10px"';

// Helvetica's widths in thousandths of the font size, from Adobe's Helvetica.afm: H 722, i 222, space 278, 0 556.
describe('textExtent(element)', () => {
  test('is as wide as its characters together', () => {
    expect(boxOf(`<text ${FONT}>Hi</text>`).width).toBeCloseTo(7.22 + 2.22, 5);
    expect(boxOf(`<text ${FONT}>0 0</text>`).width).toBeCloseTo(5.56 + 2.78 + 5.56, 5);
  });

  test('grows with the font', () => {
    expect(boxOf('<text style="font-size: 20px">Hi</text>').width).toBeCloseTo(2 * 9.44, 5);
  });

  test.each([
    ['start', 100, 109.44],
    ['middle', 95.28, 104.72],
    ['end', 90.56, 100],
  ])('stands at its anchor: %s', (anchor, left, right) => {
    const box = boxOf(`<text x="100" y="50" text-anchor="${anchor}" ${FONT}>Hi</text>`);
    expect([box.left, box.right]).toEqual([expect.closeTo(left, 5), expect.closeTo(right, 5)]);
    expect(box.top).toBeLessThan(50); // the baseline is at y: the letters stand above it
    expect(box.bottom).toBeGreaterThan(50);
  });

  test('of a group follows how its texts are moved and turned', () => {
    const plain = boxOf(`<g><text ${FONT}>Hi</text></g>`);
    const moved = boxOf(`<g><text transform="translate(30,40)" ${FONT}>Hi</text></g>`);
    expect([moved.left, moved.top]).toEqual([expect.closeTo(30, 5), expect.closeTo(40 + plain.top, 5)]);
    const turned = boxOf(`<g><text transform="rotate(90)" ${FONT}>Hi</text></g>`);
    expect([turned.width, turned.height]).toEqual([expect.closeTo(plain.height, 5), expect.closeTo(plain.width, 5)]);
  });

  test('of a group reaches around all its texts', () => {
    const box = boxOf(`<g><text x="0" ${FONT}>H</text><text x="50" ${FONT}>H</text></g>`);
    expect([box.left, box.right]).toEqual([0, expect.closeTo(57.22, 5)]);
  });

  test('is empty without text', () => {
    expect(boxOf('<g></g>')).toMatchObject({ x: 0, y: 0, width: 0, height: 0 });
  });
});
