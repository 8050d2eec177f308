import { join } from 'node:path';
import { type PrincipalComponents, activationMap, firstOf, loadMnist } from 'mnist-lib';
import { DIGIT_COLORS } from 'mnist-lib/dist/page/scatter-scale';
import { type Browser, type Locator, type Page } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../../helpers/browser';
import { openParts } from '../../helpers/page-part';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';

const { testImages, testLabels } = loadMnist();
// Four digits (7, 2, 1, 0) at the corners of a square and a 4 in its middle.
const images = firstOf(testImages, 5);
const positions = [[-1, 1], [1, 1], [-1, -1], [1, -1], [0, 0]]; // prettier-ignore
const components: PrincipalComponents = { positions, components: [[], []], explained: [0.25, 0.125] };
const bundle = activationMap(images, testLabels.data, components) as { 'text/html': string; 'text/plain': string };
const still = Buffer.from(
  /src="data:image\/svg\+xml;base64,([^"]+)"/.exec(bundle['text/html'])![1],
  'base64',
).toString();

describe('activationMap(images, labels, components)', () => {
  test('says in words what is on it', () => {
    expect(bundle['text/plain']).toBe(
      'A map of 5 digits by the first two principal components of their activations (25.0 % of the variance and 12.5 % of ' +
        'the variance), each written as its label.',
    );
  });

  test('has a still picture as in the snapshot', () => {
    expectSvgSnapshot('activation-map', still);
  });

  test('keeps 2000 digits below 0.4 MB', () => {
    const count = 2000;
    const many = Array.from({ length: count }, (_, index) => [Math.sin(index) * 9, Math.cos(index * 7) * 9]);
    const large = activationMap(firstOf(testImages, count), testLabels.data, { ...components, positions: many });
    expect((large['text/html'] as string).length).toBeLessThan(400_000);
  });

  test.each<[string, PrincipalComponents, number[]]>([
    ['there is 1 component (expected at least two)', { ...components, explained: [1] }, [7, 2, 1, 0, 4]],
    [
      'there are 4 positions and 5 labels for 5 images (expected one each)',
      { ...components, positions: positions.slice(1) },
      [7, 2, 1, 0, 4],
    ],
    ['there are 5 positions and 2 labels for 5 images (expected one each)', components, [7, 2]],
    ['label 10 at index 1 is not a digit (expected 0-9)', components, [7, 10, 1, 0, 4]],
  ])('refuses with: %s', (message, found, labels) => {
    expect(() => activationMap(images, labels, found)).toThrow(new RangeError(message));
  });
});

test('each of the ten colours has a contrast of 4.5 to 1 with white (Web Content Accessibility Guidelines 2.2, 1.4.3)', () => {
  expect(new Set(DIGIT_COLORS).size).toBe(10);
  for (const color of DIGIT_COLORS) {
    const [red, green, blue] = [1, 3, 5]
      .map((start) => parseInt(color.slice(start, start + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    const contrast = 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
    expect(`${color} ${contrast}`).toBe(`${color} ${Math.max(4.5, contrast)}`);
  }
});

describeInBrowser('the map in the page', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

  const map = () => page.getByRole('application');
  const picture = () => page.getByRole('img');
  const words = () => page.locator('.side p').first().innerText();

  /** Where the map shows a digit, in pixels of the page: the corners of the square, and its middle. */
  async function placeOf(index: number): Promise<[number, number]> {
    const { x, y, width, height } = (await map().boundingBox())!;
    const half = height / 2 - 30;
    return [x + width / 2 + positions[index][0] * half, y + height / 2 - positions[index][1] * half];
  }

  /** The ink of a picture in 16 levels, as it is in the page. */
  const ink = (canvas: Locator) =>
    canvas.evaluate((element: HTMLCanvasElement) => {
      const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
      return [...data].filter((_, channel) => channel % 4 === 0).map((grey) => Math.round((255 - grey) / 17));
    });
  const expectedInk = (index: number) =>
    [...testImages.data.subarray(index * 784, (index + 1) * 784)].map((byte) => Math.round(byte / 17));

  test('shows the picture of the digit that the mouse points at, and none from the start', async () => {
    page = await openParts(browser, [bundle]);
    expect(await picture().getAttribute('aria-label')).toBe('No digit is chosen');
    for (const index of [0, 3, 4, 1, 2]) {
      await page.mouse.move(...(await placeOf(index)));
      expect(await words()).toBe(`A ${testLabels.data[index]}: number ${index} of 5`);
      expect(await ink(picture())).toEqual(expectedInk(index));
    }
  });

  test('keeps the digit where the pointer is far from all', async () => {
    page = await openParts(browser, [bundle]);
    const [left, top] = await placeOf(0);
    await page.mouse.move(left + 3, top + 3);
    await page.mouse.move(left + 60, top);
    expect(await words()).toBe('A 7: number 0 of 5');
  });

  test('shows the picture of a digit that a finger touches', async () => {
    page = await openParts(browser, [bundle], { hasTouch: true });
    await page.touchscreen.tap(...(await placeOf(2)));
    expect(await words()).toBe('A 1: number 2 of 5');
    expect(await ink(picture())).toEqual(expectedInk(2));
  });

  test('is moved over by the arrow keys, and left by Escape; the page does not scroll', async () => {
    page = await openParts(browser, [bundle], { viewport: { width: 600, height: 300 } });
    await map().focus();
    const at: string[] = [];
    for (const key of ['ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowUp', 'ArrowLeft', 'Escape']) {
      const scrolled = await page.evaluate(() => window.scrollY);
      await page.keyboard.press(key);
      expect(await page.evaluate(() => window.scrollY)).toBe(scrolled);
      at.push((await words()).slice(0, 3));
    }
    // The middle first; from there to the first of two equal corners, the 2; no digit is above it; the 7 is in its row.
    expect(at).toEqual(['A 4', 'A 2', 'A 2', 'A 2', 'A 7', '']);
    expect(await picture().getAttribute('aria-label')).toBe('No digit is chosen');
  });

  test('highlights the digits of one kind, and only these can be chosen then', async () => {
    page = await openParts(browser, [bundle]);
    const button = page.getByRole('button', { name: '7', exact: true });
    const before = await map().screenshot();
    await button.click();
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    expect((await map().screenshot()).equals(before)).toBe(false);
    await page.mouse.move(...(await placeOf(3)));
    expect(await words()).toBe('');
    await page.mouse.move(...(await placeOf(0)));
    expect(await words()).toBe('A 7: number 0 of 5');
    await button.click();
    await page.mouse.move(...(await placeOf(3)));
    expect(await words()).toBe('A 0: number 3 of 5');
  });

  test('tells screen readers what it is, and what was chosen', async () => {
    page = await openParts(browser, [bundle]);
    expect(await map().getAttribute('aria-label')).toBe(bundle['text/plain']);
    const hint = await map().evaluate((canvas: HTMLElement) => {
      const root = canvas.getRootNode() as ShadowRoot;
      return root.getElementById(canvas.getAttribute('aria-describedby')!)!.textContent;
    });
    expect(hint).toMatch(/arrow keys/);
    expect(await page.locator('[aria-live=polite]').count()).toBe(1);
  });

  test.each([
    ['dark', { colorScheme: 'dark' as const, viewport: { width: 1000, height: 640 } }],
    ['narrow', { viewport: { width: 320, height: 640 } }],
    ['at-200-percent', { deviceScaleFactor: 2, viewport: { width: 500, height: 640 } }],
  ])('fits into a page that is %s, and is sharp there', async (look, options) => {
    page = await openParts(browser, [bundle], options);
    await page.mouse.move(...(await placeOf(1)));
    await page.screenshot({ path: join(screenshots, `map-${look}.png`) });
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1]);
    const [pixels, width, density] = await map().evaluate((canvas: HTMLCanvasElement) => [
      canvas.width,
      canvas.clientWidth,
      window.devicePixelRatio,
    ]);
    expect(Math.abs(pixels - width * density)).toBeLessThanOrEqual(1);
  });
});
