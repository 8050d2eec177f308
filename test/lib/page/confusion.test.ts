import { join } from 'node:path';
import {
  type MimeBundle,
  calibration,
  confidentMistakes,
  confusionExplorer,
  flatten,
  loadMnist,
  loadPretrained,
  normalize,
  predict,
} from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';
import { type Browser, type Locator, type Page } from 'playwright-core';
import { describeInBrowser, launchBrowser, screenshots } from '../../helpers/browser';
import { openParts } from '../../helpers/page-part';
import { compiled } from '../../helpers/small-mnist';

/*
 * What the lecture's network answers to the 10,000 test digits, computed without TensorFlow by numpy 2.4.6 in 64 bits from
 * the weights in lib/pretrained: softmax(maximum(x @ W1 + b1, 0) @ W2 + b2). From it,
 * MATRIX: scikit-learn 1.9.1, confusion_matrix(y, p.argmax(1))
 * SCORES: scikit-learn 1.9.1, precision_recall_fscore_support(y, p.argmax(1))[:3], by '%.3f'
 * CALIBRATION_ERROR: netcal 1.4.0, ECE(15).measure(p, y)
 */
const MATRIX = [
  [971, 0, 0, 0, 0, 0, 4, 1, 4, 0],
  [0, 1124, 4, 0, 0, 1, 2, 1, 3, 0],
  [1, 0, 1011, 3, 2, 0, 3, 5, 7, 0],
  [0, 0, 5, 995, 0, 3, 0, 2, 3, 2],
  [1, 0, 1, 1, 970, 0, 5, 1, 0, 3],
  [2, 0, 0, 10, 1, 870, 3, 0, 5, 1],
  [1, 2, 1, 1, 1, 2, 950, 0, 0, 0],
  [0, 5, 5, 1, 1, 0, 0, 1007, 4, 5],
  [0, 0, 2, 2, 3, 4, 2, 2, 957, 2],
  [1, 2, 0, 7, 10, 7, 1, 1, 6, 974],
];
const SCORES = [
  ...['0.994 0.991 0.992', '0.992 0.990 0.991', '0.983 0.980 0.981', '0.975 0.985 0.980', '0.982 0.988 0.985'],
  ...['0.981 0.975 0.978', '0.979 0.992 0.985', '0.987 0.980 0.983', '0.968 0.983 0.975', '0.987 0.965 0.976'],
].map((line) => line.split(' '));
const CALIBRATION_ERROR = 0.0069879;
const MOST_CONFIDENT = [9587, 2654, 3520, 1112]; // np.argsort(-p.max(1)), of the wrong answers

const { testImages, testLabels } = loadMnist();
const labels = Array.from(testLabels.data);

describeInBrowser("the lecture's network, explored in the page", () => {
  let browser: Browser;
  let bundle: MimeBundle;
  let probabilities: tf.Tensor2D;
  beforeAll(async () => {
    const model = compiled(
      tf.sequential({
        layers: [
          tf.layers.dense({ name: 'hidden', inputShape: [784], units: 1000, activation: 'relu' }),
          tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }),
        ],
      }),
    );
    await loadPretrained(model);
    probabilities = tf.tidy(() => predict(model, normalize(flatten(testImages))));
    model.dispose();
    bundle = confusionExplorer(testImages, labels, probabilities);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    probabilities.dispose();
    await browser.close();
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

  /** The cell of a label and a prediction. */
  const cell = (page: Page, label: number, predicted: number): Locator =>
    page.getByRole('gridcell', { name: new RegExp(`^Label ${label}, predicted ${predicted}:`) });
  const status = (page: Page) => page.getByRole('status').innerText();
  /** The pictures that are shown: their names, and their pixels as the bytes of ink. */
  const pictures = (page: Page) =>
    page.locator('canvas').evaluateAll((canvases: HTMLCanvasElement[]) =>
      canvases.map((canvas) => ({
        name: canvas.ariaLabel!,
        ink: Array.from(canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data)
          .filter((_, index) => index % 4 === 0)
          .map((paper) => 255 - paper),
      })),
    );
  const bytesOf = (index: number) => Array.from(testImages.data.subarray(784 * index, 784 * (index + 1)));

  test("shows scikit-learn's matrix, precision, recall and F1", async () => {
    const page = await openParts(browser, [bundle]);
    const rows = await page
      .getByRole('row')
      .evaluateAll((all) =>
        all.map((each) => [...each.querySelectorAll('[role=gridcell]')].map(({ textContent }) => textContent)),
      );
    const expected = MATRIX.map((counts, label) => [...counts.map((count) => String(count || '')), ...SCORES[label]]);
    expect(rows.slice(2)).toEqual(expected);
    await page.screenshot({ path: join(screenshots, 'confusion-light.png'), fullPage: true });
  });

  test("finds numpy's most confident mistakes, and netcal's expected calibration error", () => {
    expect(confidentMistakes(labels, probabilities, 4)).toEqual(MOST_CONFIDENT);
    expect(calibration(labels, probabilities).error).toBeCloseTo(CALIBRATION_ERROR, 5);
  });

  test('is smaller than 0.5 MB', () => {
    expect((bundle['text/html'] as string).length).toBeLessThan(500_000);
  });

  test('shows the largest confusion first, and another one after a click, pixel by pixel', async () => {
    const page = await openParts(browser, [bundle]);
    expect(await status(page)).toBe('5 taken for 3: 10 digits, the most certain first.');
    await cell(page, 9, 4).click();
    expect(await status(page)).toBe('9 taken for 4: 10 digits, the most certain first.');
    expect(await page.locator('[aria-selected=true]').getAttribute('aria-label')).toMatch(/^Label 9, predicted 4:/);
    const shown = await pictures(page);
    expect(shown).toHaveLength(10);
    const [{ name, ink }] = shown;
    expect(name).toBe(`digit ${MOST_CONFIDENT[0]}: label 9, answer 4 with >0.999`);
    expect(ink).toEqual(bytesOf(MOST_CONFIDENT[0]));
    for (const picture of shown) {
      const index = Number(/^digit (\d+): label 9, answer 4 with /.exec(picture.name)![1]);
      expect(labels[index]).toBe(9);
      expect(picture.ink).toEqual(bytesOf(index));
    }
  });

  test('says what it shows of many digits, of one, and of none', async () => {
    const page = await openParts(browser, [bundle]);
    const after = async (label: number, predicted: number) => {
      await cell(page, label, predicted).click();
      return [await status(page), await page.locator('canvas').count()];
    };
    expect(await after(4, 4)).toEqual(['4 recognised: 970 digits; here are the 10 least certain.', 10]);
    expect(await after(4, 0)).toEqual(['4 taken for 0: 1 digit.', 1]);
    expect(await after(0, 1)).toEqual(['No 0 was taken for 1.', 0]);
  });

  test('tells the shares of the cell under the pointer, and what a score means', async () => {
    const page = await openParts(browser, [bundle]);
    await cell(page, 9, 4).hover();
    // 10 of 1009 digits 9, and of 988 answers 4
    expect(await page.locator('p').first().innerText()).toBe(
      'Label 9, predicted 4: 10 digits, 1.0 % of the digits 9 and 1.0 % of the answers 4.',
    );
    await page.getByRole('gridcell', { name: /^recall 0\.965/ }).hover();
    expect(await page.locator('p').first().innerText()).toBe('Recall of 9: of 1009 digits 9, 974 are recognised.');
    expect(await status(page)).toMatch(/^5 taken for 3/); // pointing chooses nothing
  });

  test('is used by keyboard: Tab enters it, arrows move, Enter and space choose, and the page stays where it is', async () => {
    const page = await openParts(browser, [{ 'text/html': '<button>before</button>' }, bundle, { 'text/html': '<button style="margin-bottom: 3000px">after</button>' }]); // prettier-ignore
    const focused = () =>
      page.evaluate(() => {
        const outer = document.activeElement!;
        return outer.shadowRoot?.activeElement?.ariaLabel ?? outer.textContent;
      });
    const press = async (...keys: string[]) => {
      for (const key of keys) {
        await page.keyboard.press(key);
      }
      return (await focused()).split(':')[0];
    };
    expect(await press('Tab', 'Tab')).toBe('Label 5, predicted 3');
    expect(await press('ArrowDown', 'ArrowRight')).toBe('Label 6, predicted 4');
    expect(await status(page)).toMatch(/^5 taken for 3/);
    await press('Enter');
    expect(await status(page)).toBe('6 taken for 4: 1 digit.');
    expect(await press('ArrowUp', 'ArrowLeft', 'ArrowLeft', ' ')).toBe('Label 5, predicted 2');
    expect(await status(page)).toBe('No 5 was taken for 2.');
    expect(await press('Home', 'ArrowLeft')).toBe('Label 5, predicted 0'); // there is nothing further to the left
    expect(await press('End')).toMatch(/^F1 0\.978/);
    await press('Enter'); // a score has no digits
    expect(await status(page)).toBe('No 5 was taken for 2.');
    expect(await press(...Array<string>(9).fill('ArrowDown'))).toMatch(/^F1 0\.976/); // the last row
    expect(await page.evaluate(() => scrollY)).toBe(0);
    expect(await press('Tab')).toBe('after'); // one stop, not 130
  });

  test('names its parts for screen readers: a grid with headers, whose cells tell what stands in them', async () => {
    const page = await openParts(browser, [bundle]);
    expect(await page.getByRole('grid', { name: /^Confusion matrix\./ }).count()).toBe(1);
    expect(await page.getByRole('rowheader').allInnerTexts()).toEqual(MATRIX.map((_, label) => String(label)));
    expect(await page.getByRole('columnheader', { name: 'precision' }).count()).toBe(1);
    expect(await page.getByRole('gridcell').count()).toBe(10 * 13);
    expect(await page.getByRole('img').count()).toBe(10);
  });

  test.each(['light', 'dark'] as const)('has texts with a contrast of 4.5 to 1 and more, %s', async (colorScheme) => {
    const page = await openParts(browser, [bundle], { colorScheme });
    await page.screenshot({ path: join(screenshots, `confusion-${colorScheme}.png`), fullPage: true });
    const pairs = await page.locator('body > div > div').evaluate(({ shadowRoot }) => {
      // A canvas turns every notation of a colour into bytes.
      const context = document.createElement('canvas').getContext('2d')!;
      const bytes = (color: string) => {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        return Array.from(context.getImageData(0, 0, 1, 1).data.slice(0, 3));
      };
      const paper = getComputedStyle(shadowRoot!.host).backgroundColor;
      return [...shadowRoot!.querySelectorAll('td, th, p, li, small')].map((element) => {
        const { color, backgroundColor } = getComputedStyle(element);
        return [bytes(color), bytes(backgroundColor === 'rgba(0, 0, 0, 0)' ? paper : backgroundColor)];
      });
    });
    // The contrast ratio of the Web Content Accessibility Guidelines 2.2.
    const luminance = (channels: number[]) => {
      const [red, green, blue] = channels.map((byte) => {
        const c = byte / 255;
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    for (const pair of pairs) {
      const [darker, lighter] = pair.map(luminance).sort((a, b) => a - b);
      expect(lighter / darker).toBeGreaterThanOrEqual(4.5);
    }
    const lightness = pairs.map(([, background]) => luminance(background));
    expect(Math.min(...lightness) < 0.1).toBe(colorScheme === 'dark');
  });

  test('fits a narrow page, as at 200 % zoom: the matrix scrolls by itself, and a key brings each cell into view', async () => {
    const page = await openParts(browser, [bundle], { viewport: { width: 360, height: 700 }, deviceScaleFactor: 2 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await cell(page, 5, 3).focus();
    await page.keyboard.press('End');
    const { x, width } = (await page.getByRole('gridcell', { name: /^F1 0\.978/ }).boundingBox())!;
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(360);
    await page.screenshot({ path: join(screenshots, 'confusion-narrow.png'), fullPage: true });
  });

  test('is used by touch', async () => {
    const page = await openParts(browser, [bundle], { hasTouch: true, viewport: { width: 800, height: 900 } });
    await cell(page, 9, 3).tap();
    expect(await status(page)).toBe('9 taken for 3: 7 digits, the most certain first.');
  });

  test('shows a picture of matrix and confusions where scripts do not run', async () => {
    const page = await openParts(browser, [bundle], { javaScriptEnabled: false });
    const picture = page.getByRole('img', {
      name: /^A table of 10 by 10 counts.* 9829 of 10000 predictions are right/,
    });
    expect(await picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(720);
    await page.screenshot({ path: join(screenshots, 'confusion-still.png'), fullPage: true });
  });
});
