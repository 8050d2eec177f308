// The pad in real Chromium, with the lecture's network: drawn on by mouse and by touch, and read as it is shown.
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { type MimeBundle, digitPad, flatten, loadMnist, normalize, predict, toLabels } from 'mnist-lib';
import { unpackLayer } from 'mnist-lib/dist/page/network';
import type { DigitPadControl } from 'mnist-lib/dist/page/draw';
import { type Browser, type CDPSession, type Locator, type Page } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../../helpers/browser';
import { exportedPage, openParts } from '../../helpers/page-part';
import { pretrainedNetwork } from '../../helpers/pretrained-network';

type Point = [x: number, y: number];

const { testImages } = loadMnist();
/** The first test digits, as the page gets them. */
const base64Of = (count: number): string => Buffer.from(testImages.data.subarray(0, count * 784)).toString('base64');

/** An arc of an ellipse, with angles in degrees: 0 is right, 90 is down. */
function arc([x, y]: Point, [rx, ry]: Point, from: number, to: number): Point[] {
  const angles = Array.from({ length: 25 }, (_, step) => ((from + ((to - from) * step) / 24) * Math.PI) / 180);
  return angles.map((angle) => [x + rx * Math.cos(angle), y + ry * Math.sin(angle)]);
}

/** Digits as a hand draws them: strokes in a square from 0 to 1. */
const DIGITS: Record<number, Point[][]> = {
  0: [arc([0.5, 0.5], [0.3, 0.42], -90, 270)],
  1: [[[0.55, 0.08], [0.45, 0.92]]], // prettier-ignore
  2: [[...arc([0.5, 0.3], [0.26, 0.22], 190, 400), [0.2, 0.9], [0.82, 0.88]]],
  3: [[...arc([0.45, 0.28], [0.24, 0.2], 210, 440), ...arc([0.45, 0.7], [0.28, 0.22], -80, 150)]],
  4: [[[0.3, 0.08], [0.22, 0.52], [0.8, 0.5]], [[0.7, 0.08], [0.62, 0.95]]], // prettier-ignore
  5: [[[0.75, 0.1], [0.32, 0.12], [0.28, 0.45], ...arc([0.45, 0.67], [0.28, 0.24], -110, 150)]], // prettier-ignore
  7: [[[0.2, 0.12], [0.78, 0.14], [0.42, 0.92]]], // prettier-ignore
};

describeInBrowser('the pad', () => {
  let browser: Browser;
  let model: tf.Sequential;
  let bundle: MimeBundle;
  let labels: number[]; // what the network answers for each of the first 1000 test digits
  let quantised: tf.Tensor2D; // the probabilities of the network with the same weights of 8 bits
  beforeAll(async () => {
    model = await pretrainedNetwork();
    const pad = digitPad(model, testImages);
    bundle = (pad as unknown as Record<symbol, () => MimeBundle>)[Symbol.for('Jupyter.display')]();
    const x = tf.tidy(() => normalize(flatten(testImages)).slice([0, 0], [1000, 784]));
    labels = toLabels(predict(model, x));
    const [hidden, output] = pad.layers.map(unpackLayer);
    const weights = [hidden.kernel, hidden.bias, output.kernel, output.bias];
    model.setWeights(model.getWeights().map((weight, index) => tf.tensor(weights[index], weight.shape)));
    quantised = predict(model, x);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    model.dispose();
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

  const open = (options = {}): Promise<Page> => openParts(browser, [bundle], options);
  const pad = (page: Page): Locator => page.locator('.pad');
  const guess = (page: Page): Promise<string> => page.locator('.guess').innerText();
  const digit = async (page: Page): Promise<number> => parseInt(await guess(page));
  /** The pixels that the network gets to see: 0 is paper. */
  const seen = (page: Page): Promise<number[]> =>
    page.locator('figure canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, 28, 28);
      return Array.from({ length: 784 }, (_, index) => 255 - data[4 * index]);
    });

  /** Draws with the mouse; a stroke's points are in pads. */
  async function draw(page: Page, strokes: Point[][]): Promise<void> {
    const { x, y, width, height } = (await pad(page).boundingBox())!;
    for (const [first, ...rest] of strokes) {
      await page.mouse.move(x + first[0] * width, y + first[1] * height);
      await page.mouse.down();
      for (const point of rest) {
        await page.mouse.move(x + point[0] * width, y + point[1] * height);
      }
      await page.mouse.up();
    }
  }

  /** Puts a digit's square at a place of the pad, in pads. */
  const placed = (strokes: Point[][], left: number, top: number, size: number): Point[][] =>
    strokes.map((stroke) => stroke.map(([x, y]) => [left + x * size, top + y * size]));

  async function clear(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Clear' }).click();
  }

  test.each(Object.entries(DIGITS))(
    'recognises a %s drawn by mouse, wherever and however small',
    async (label, strokes) => {
      const page = await open();
      const places = {
        middle: [0.1, 0.1, 0.8],
        corner: [0.02, 0.02, 0.2],
        'other corner': [0.82, 0.82, 0.15],
        high: [0.35, 0, 0.35],
        low: [0.35, 0.64, 0.35],
        'as large as the pad': [0.01, 0.01, 0.98],
      };
      const answers: Record<string, number> = {};
      for (const [place, [left, top, size]] of Object.entries(places)) {
        await draw(page, placed(strokes, left, top, size));
        answers[place] = await digit(page);
        await clear(page);
      }
      expect(answers).toEqual(Object.fromEntries(Object.keys(places).map((place) => [place, Number(label)])));
    },
  );

  test('shows ten bars that follow the hand, and what the network sees', async () => {
    const page = await open();
    const { x, y, width } = (await pad(page).boundingBox())!;
    await page.mouse.move(x + 0.2 * width, y + 0.15 * width);
    await page.mouse.down();
    await page.mouse.move(x + 0.8 * width, y + 0.15 * width, { steps: 5 });
    const nextFrame = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))); // prettier-ignore
    await nextFrame();
    const onTheWay = await page.locator('.bars').innerText();
    await page.mouse.move(x + 0.4 * width, y + 0.9 * width, { steps: 10 });
    await nextFrame();
    expect(await digit(page)).toBe(7); // the button is still down
    expect(await page.locator('.bars').innerText()).not.toBe(onTheWay);
    await page.mouse.up();

    // The bars are those that the network has for the picture beside them.
    const picture = await seen(page);
    const rows = await page.locator('.bars .row').evaluateAll((all) =>
      all.map((row) => {
        const [outer, bar] = ['.bar', '.bar > div'].map(
          (name) => row.querySelector(name)!.getBoundingClientRect().width,
        );
        return bar / outer;
      }),
    );
    const expected = tf.tidy(() => predict(model, tf.tensor2d(picture, [1, 784]).div(255)).dataSync());
    expect(rows).toHaveLength(10);
    rows.forEach((share, index) => expect([index, Math.abs(share - expected[index]) < 0.01]).toEqual([index, true]));

    // As MNIST's makers did: within 20 × 20, and centred by the centre of mass.
    const inked = [...picture.keys()].filter((index) => picture[index] > 0);
    const extent = (values: number[]) => Math.max(...values) - Math.min(...values) + 1;
    expect(Math.max(extent(inked.map((i) => i % 28)), extent(inked.map((i) => Math.floor(i / 28))))).toBe(20);
    const mass = inked.reduce((sum, i) => sum + picture[i], 0);
    const centre = [(i: number) => i % 28, (i: number) => Math.floor(i / 28)].map(
      (along) => inked.reduce((sum, i) => sum + picture[i] * along(i), 0) / mass,
    );
    centre.forEach((middle) => expect(Math.abs(middle - 14)).toBeLessThanOrEqual(0.5));
    expect(Math.max(...picture)).toBe(255);
    expect(picture.some((value) => value > 50 && value < 200)).toBe(true); // anti-aliased
  });

  test('says so if nothing is drawn, or no more than a dot', async () => {
    const page = await open();
    const shownBars = page.locator('.bars .value:visible');
    expect([await guess(page), await shownBars.count()]).toEqual(['Nothing is drawn yet.', 0]);
    expect(Math.max(...(await seen(page)))).toBe(0);
    await draw(page, [[[0.5, 0.5]]]);
    expect([await guess(page), await shownBars.count()]).toEqual(['This is only a dot: draw a digit.', 0]);
    await draw(page, DIGITS[7]);
    expect(await shownBars.count()).toBe(10);
  });

  test('leaves no gaps in quick strokes', async () => {
    const page = await open();
    await draw(page, [[[0.5, 0.02], [0.5, 0.98]]]); // prettier-ignore
    const picture = await seen(page);
    const rows = Array.from({ length: 28 }, (_, row) => Math.max(...picture.slice(28 * row, 28 * row + 28)));
    expect(rows.filter((most) => most > 200)).toHaveLength(20);
    expect(rows.map((most) => (most > 0 ? '#' : ' ')).join('').trim()).toMatch(/^#+$/); // prettier-ignore
    expect(await digit(page)).toBe(1);
  });

  test('continues a stroke that leaves the pad and comes back, without what was outside', async () => {
    const page = await open();
    await draw(page, DIGITS[0]);
    const without = await seen(page);
    await clear(page);
    // A 7 whose corner is outside of the pad
    await draw(page, [[[0.5, 0.2], [1.3, 0.2], [1.3, 0.4], [0.9, 0.4], [0.6, 0.9]]]); // prettier-ignore
    const paths = await page.locator('.pad path').getAttribute('d');
    const numbers = paths!.match(/[\d.-]+/g)!.map(Number);
    expect([Math.min(...numbers) >= 0, Math.max(...numbers) <= 280]).toEqual([true, true]);
    expect(paths!.match(/M280\.0/g)).toHaveLength(1); // it comes back at the edge
    expect(await seen(page)).not.toEqual(without);
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await guess(page)).toBe('Nothing is drawn yet.'); // it was one stroke
  });

  test('answers the same for a thick and a thin pen', async () => {
    const page = await open();
    const slider = page.getByRole('slider', { name: 'Pen' });
    const pictures = [];
    for (const key of ['Home', 'End']) {
      await slider.press(key);
      await draw(page, DIGITS[5]);
      const width = await page.locator('.pad path').evaluate((path) => parseFloat(getComputedStyle(path).strokeWidth));
      pictures.push([width, await digit(page), await seen(page)] as const);
      await clear(page);
    }
    const [thin, thick] = pictures;
    expect([thin[0], thick[0], thin[1], thick[1]]).toEqual([4, 28, 5, 5]);
    expect(thin[2]).toEqual(thick[2]);
  });

  test('undoes and clears by keyboard and by buttons, and brings back what was cleared', async () => {
    const page = await open();
    await draw(page, DIGITS[4]);
    expect(await digit(page)).toBe(4);
    const paths = page.locator('.pad path');
    await page.keyboard.press('Control+z'); // the pad has the focus
    expect(await paths.count()).toBe(1);
    await page.keyboard.press('Delete');
    expect([await paths.count(), await guess(page)]).toEqual([0, 'Nothing is drawn yet.']);
    await page.keyboard.press('Control+z');
    expect(await paths.count()).toBe(1);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.querySelector('div > div')!.shadowRoot!.activeElement!.textContent)).toBe('Undo'); // prettier-ignore
    await page.keyboard.press('Enter');
    expect(await paths.count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Undo' }).isDisabled()).toBe(true);
  });

  test('tells screen readers the three best guesses when the hand rests', async () => {
    const page = await open();
    const status = page.getByRole('status');
    await draw(page, DIGITS[3]);
    expect(await status.textContent()).toMatch(/^3 with >?\d+ %, then \d with <?\d+ %, then \d with <?\d+ %\.$/);
    await page.keyboard.press('Delete');
    expect(await status.textContent()).toBe('Nothing is drawn yet.');
    await page.getByRole('img', { name: 'Pad to draw a digit on' }).waitFor();
    await page.getByRole('img', { name: 'The drawing as the network sees it' }).waitFor();
  });

  describe('by touch', () => {
    const tall = { hasTouch: true, viewport: { width: 400, height: 500 } };
    const touch = async (client: CDPSession, type: string, points: Point[]) =>
      client.send('Input.dispatchTouchEvent', {
        type: type as 'touchStart',
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });

    test('a finger draws without scrolling the page, and scrolls it elsewhere', async () => {
      const page = await open(tall);
      await page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<div style="height: 3000px"></div>'));
      const client = await page.context().newCDPSession(page);
      const { x, y, width } = (await pad(page).boundingBox())!;
      for (const stroke of DIGITS[7]) {
        const [first, ...rest] = stroke.map(([across, down]): Point => [x + across * width, y + down * width]);
        await touch(client, 'touchStart', [first]);
        for (const point of rest) {
          await touch(client, 'touchMove', [point]);
        }
        await touch(client, 'touchEnd', []);
      }
      await page.waitForFunction(() => true);
      expect([await digit(page), await page.evaluate(() => scrollY)]).toEqual([7, 0]);

      const { y: below } = (await page.locator('figcaption').boundingBox())!;
      await touch(client, 'touchStart', [[100, below]]);
      for (let up = 10; up <= 200; up += 10) {
        await touch(client, 'touchMove', [[100, below - up]]);
      }
      await touch(client, 'touchEnd', []);
      await page.waitForFunction(() => scrollY > 0);
    });

    test('a second finger draws nothing', async () => {
      const page = await open(tall);
      const client = await page.context().newCDPSession(page);
      const { x, y, width } = (await pad(page).boundingBox())!;
      const at = (across: number, down: number): Point => [x + across * width, y + down * width];
      await touch(client, 'touchStart', [at(0.5, 0.1)]);
      await touch(client, 'touchStart', [at(0.5, 0.1), at(0.1, 0.9)]);
      await touch(client, 'touchMove', [at(0.5, 0.9), at(0.9, 0.9)]);
      await touch(client, 'touchEnd', []);
      expect([await page.locator('.pad path').count(), await digit(page)]).toEqual([1, 1]);
    });
  });

  /** Calls a function of the pad's property in the page. */
  type Control = { digitPad: DigitPadControl };

  test("has the network's probabilities for 1000 test digits to 1e-5, with the same weights", async () => {
    const page = await open();
    const images = base64Of(1000);
    const inPage = await page.locator('.pad').evaluate((element, base64) => {
      const all = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const { digitPad } = (element.getRootNode() as ShadowRoot).host as unknown as Control;
      return Array.from({ length: 1000 }, (_, index) =>
        digitPad.probabilities(all.slice(index * 784, index * 784 + 784)),
      );
    }, images);
    const expected = quantised.dataSync();
    const differences = inPage.flat().map((value, index) => Math.abs(value - expected[index]));
    expect(differences).toHaveLength(10_000);
    expect(differences.reduce((most, value) => Math.max(most, value))).toBeLessThan(1e-5);
  });

  test('answers test digits of any size, at any place and as faint as may be, as the network answers the originals', async () => {
    const page = await open();
    const count = 500;
    const images = base64Of(count);
    const answers = await page.locator('.pad').evaluate((element, base64) => {
      const all = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const shadow = element.getRootNode() as ShadowRoot;
      const { digitPad } = shadow.host as unknown as Control;
      let seed = 1;
      const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647; // Park and Miller
      const [small, large] = [28, 280].map((side) => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [side, side];
        return canvas.getContext('2d', { willReadFrequently: true })!;
      });
      return Array.from({ length: all.length / 784 }, (_, index) => {
        const image = small.createImageData(28, 28);
        all.slice(index * 784, index * 784 + 784).forEach((ink, pixel) => image.data.set([0, 0, 0, ink], 4 * pixel));
        small.putImageData(image, 0, 0);
        const size = 280 * (0.25 + 0.75 * random());
        large.clearRect(0, 0, 280, 280);
        large.globalAlpha = 0.1 + 0.9 * random();
        large.drawImage(small.canvas, random() * (280 - size), random() * (280 - size), size, size);
        const { data } = large.getImageData(0, 0, 280, 280);
        digitPad.show({ width: 280, height: 280, ink: data.filter((_, byte) => byte % 4 === 3) });
        return parseInt(shadow.querySelector('.guess')!.textContent);
      });
    }, images);
    const agreeing = answers.filter((answer, index) => answer === labels[index]).length;
    expect(agreeing / count).toBeGreaterThanOrEqual(0.97); // 495 of 500 when this was written
  });

  test('works in the page of npm run lecture, and asks no other host', async () => {
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.setContent(exportedPage(bundle));
    await draw(page, DIGITS[2]);
    expect(await digit(page)).toBe(2);
    expect(requests.filter((address) => !address.startsWith('data:'))).toEqual([]);
  });

  test('looks well: light, dark, narrow, at 200 %, and without scripts', async () => {
    const looks = {
      light: {},
      dark: { colorScheme: 'dark' },
      narrow: { viewport: { width: 320, height: 900 } },
      'double-size': { viewport: { width: 640, height: 500 }, deviceScaleFactor: 2 },
    };
    for (const [name, options] of Object.entries(looks)) {
      const page = await open(options);
      await draw(page, DIGITS[3]);
      await page.screenshot({ path: join(screenshots, `pad-${name}.png`) });
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      await page.close();
    }
    const still = await open({ javaScriptEnabled: false });
    await still.screenshot({ path: join(screenshots, 'pad-still.png') });
    expect(await still.getByRole('img').getAttribute('alt')).toBe(bundle['text/plain']);
  });
});
