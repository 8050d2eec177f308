import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { fit, loadModel, predict, randomShift, saveModel, setSeed } from 'mnist-lib';
import { expectNoLeak } from '../../helpers/expect-no-leak';
import { compiled, smallMnist, smallNetwork } from '../../helpers/small-mnist';

beforeEach(() => setSeed(13));

/*
 * The digit [[1, 2, 3], [4, 5, 6], [7, 8, 9]] moved by -1, 0 and 1 down, and within these by -1, 0 and 1 to the right, as
 * numpy 2.2.6 gives it: p = np.pad(digit, 1); p[1 - down : 4 - down, 1 - right : 4 - right].ravel()
 */
const DIGIT = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const MOVED = [
  [5, 6, 0, 8, 9, 0, 0, 0, 0],
  [4, 5, 6, 7, 8, 9, 0, 0, 0],
  [0, 4, 5, 0, 7, 8, 0, 0, 0],
  [2, 3, 0, 5, 6, 0, 8, 9, 0],
  [1, 2, 3, 4, 5, 6, 7, 8, 9],
  [0, 1, 2, 0, 4, 5, 0, 7, 8],
  [0, 0, 0, 2, 3, 0, 5, 6, 0],
  [0, 0, 0, 1, 2, 3, 4, 5, 6],
  [0, 0, 0, 0, 1, 2, 0, 4, 5],
];

function shifted(rows: number[][], pixels: number): number[][] {
  return tf.tidy(() => {
    const moved = randomShift({ pixels }).apply(tf.tensor2d(rows), { training: true });
    return (moved as tf.Tensor2D).arraySync();
  });
}

describe('randomShift({ pixels })', () => {
  test("moves each digit by its own of nine shifts of one pixel, numpy's, all about equally often", () => {
    const count = 9000;
    const rows = shifted(new Array<number[]>(count).fill(DIGIT), 1).map(String);
    for (const moved of MOVED) {
      const times = rows.filter((row) => row === String(moved)).length;
      expect(Math.abs(times - count / 9)).toBeLessThan(5 * Math.sqrt((count * 8) / 81)); // 5 standard deviations
    }
    expect(new Set(rows).size).toBe(9);
  });

  test('moves by up to two pixels down and across if asked', () => {
    // Only the pixel in the middle has ink, so that its place shows the shift.
    const digit = Array.from({ length: 25 }, (_, index) => Number(index === 12));
    const places = shifted(new Array<number[]>(2000).fill(digit), 2).map((row) => row.indexOf(1));
    expect([...new Set(places)].sort((a, b) => a - b)).toEqual(digit.map((_, index) => index));
  });

  test('gives the same shifts after the same seed, and others in the next batch', () => {
    const rows = new Array<number[]>(50).fill(DIGIT);
    const draw = (): string => String(shifted(rows, 1));
    const first = draw();
    expect(draw()).not.toBe(first);
    setSeed(13);
    expect(draw()).toBe(first);
  });

  test('changes nothing when the network predicts', () => {
    const { x, y } = smallMnist(20);
    const model = tf.sequential({ layers: [randomShift({ pixels: 1, inputShape: [784] })] });
    expect(predict(model, x).dataSync()).toEqual(x.dataSync());
    tf.dispose([x, y]);
    model.dispose();
  });

  test('passes gradients back to where the pixels came from', () => {
    const [digits, weights] = [tf.randomUniform([4, 9]), tf.randomUniform([4, 9])];
    const layer = randomShift({ pixels: 1 });
    const value = (x: tf.Tensor): tf.Scalar => {
      setSeed(7);
      return tf.sum(tf.mul(layer.apply(x, { training: true }) as tf.Tensor, weights));
    };
    const gradient = tf.grad(value)(digits).dataSync();
    const numbers = Array.from(digits.dataSync());
    gradient.forEach((derivative, index) => {
      const [above, below] = [0.5, -0.5].map((by) =>
        value(tf.tensor2d(Object.assign([...numbers], { [index]: numbers[index] + by }), [4, 9])).dataSync(),
      );
      expect(derivative).toBeCloseTo(above[0] - below[0], 5); // the shift is linear
    });
    tf.disposeVariables();
  });

  test('leaks no tensors', () => {
    const x = tf.zeros([5, 784]);
    const layer = randomShift({ pixels: 1 });
    expectNoLeak(() => tf.dispose(layer.apply(x, { training: true }) as tf.Tensor));
    x.dispose();
  });

  test('keeps the shape, as the summary shows', () => {
    const lines: string[] = [];
    const shift = randomShift({ pixels: 1, inputShape: [784], name: 'shift' });
    smallNetwork([shift]).summary(undefined, undefined, (line) => void lines.push(String(line)));
    expect(lines.find((line) => line.includes('shift'))).toMatch(
      /^shift \(RandomShift\) +\[\[null,784\]\] +\[null,784\] +0 /,
    );
  });

  test('is saved and loaded with its model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'random-shift-'));
    const { x, y } = smallMnist(100);
    const model = compiled(smallNetwork([randomShift({ pixels: 2, inputShape: [784] })]));
    await fit(model, x, y, { verbose: 0 });
    await saveModel(model, `file://${folder}`);
    const restored = await loadModel(`file://${folder}`, model);
    expect(restored.layers[0].getConfig()).toMatchObject({ pixels: 2 });
    expect(predict(restored, x).dataSync()).toEqual(predict(model, x).dataSync());
    rmSync(folder, { recursive: true });
    tf.dispose([x, y]);
    [model, restored].forEach((each) => each.dispose());
  });

  test.each<[string, () => void]>([
    ['pixels is 0 (expected a whole number, 1 or more)', () => randomShift({ pixels: 0 })],
    ['pixels is 1.5 (expected a whole number, 1 or more)', () => randomShift({ pixels: 1.5 })],
    ['pixels is 3 for digits of 3 × 3 (expected less than 3)', () => shifted([DIGIT], 3)],
    ['expected an input shape such as [784], 28 × 28; found [8]', () => shifted([DIGIT.slice(1)], 1)],
    [
      'expected an input shape such as [784], 28 × 28; found [28, 28]',
      () => tf.sequential({ layers: [randomShift({ pixels: 1, inputShape: [28, 28] })] }),
    ],
  ])('refuses what it cannot do: %s', (message, wrong) => {
    expect(wrong).toThrow(RangeError);
    expect(wrong).toThrow(message);
  });
});
