import { historyCurves } from 'mnist-lib';

const HISTORY = {
  val_loss: [0.14, 0.09, 0.07],
  val_acc: [0.958, 0.973, 0.978],
  loss: [0.27, 0.11, 0.07],
  acc: [0.924, 0.968, 0.98],
};

describe('historyCurves(history)', () => {
  test('draws the losses on the left and the accuracies on the right, over epochs counted from 1', () => {
    const { data } = historyCurves(HISTORY);
    expect(data.map(({ name, yaxis, x, y }) => ({ name, yaxis, x, y }))).toEqual([
      { name: 'loss', yaxis: 'y', x: [1, 2, 3], y: HISTORY.loss },
      { name: 'val_loss', yaxis: 'y', x: [1, 2, 3], y: HISTORY.val_loss },
      { name: 'acc', yaxis: 'y2', x: [1, 2, 3], y: HISTORY.acc },
      { name: 'val_acc', yaxis: 'y2', x: [1, 2, 3], y: HISTORY.val_acc },
    ]);
  });

  test('distinguishes training and validation by colour, dash and marker', () => {
    const looks = historyCurves(HISTORY).data.map(({ line, marker }) => [line!.color, line!.dash, marker!.symbol]);
    expect(looks[0]).toEqual(looks[2]);
    expect(looks[1]).toEqual(looks[3]);
    looks[0].forEach((look, index) => expect(look).not.toEqual(looks[1][index]));
  });

  test('accepts a history without validation', () => {
    expect(historyCurves({ loss: [1], acc: [0.5] }).data.map(({ name }) => name)).toEqual(['loss', 'acc']);
  });

  test('accepts typed arrays', () => {
    const { data } = historyCurves({ loss: Float64Array.of(2, 1), acc: Float64Array.of(0.5, 0.75) });
    expect(data[0].y).toEqual([2, 1]);
  });

  test.each([1, 10, 100])('has at most ten ticks for %p epochs, all at whole epochs', (epochs) => {
    const { layout } = historyCurves({ loss: new Array<number>(epochs).fill(1) });
    const { dtick } = layout.xaxis as { dtick: number };
    expect(Number.isInteger(dtick)).toBe(true);
    expect(epochs / dtick).toBeLessThanOrEqual(10);
  });

  test('describes the last values in words', () => {
    const { meta } = historyCurves(HISTORY).layout as { meta: object };
    expect(meta).toEqual({
      description:
        'Two charts of loss and accuracy over 3 epochs; at the end: ' +
        'loss 0.0700, val_loss 0.0700, acc 0.9800, val_acc 0.9780.',
    });
  });

  test.each([[{}], [{ loss: [] }], [{ other: [1] }]])('refuses %j, which has no epoch', (history) => {
    expect(() => historyCurves(history)).toThrow(RangeError);
    expect(() => historyCurves(history)).toThrow('the history has no epoch: train first, then draw the curves');
  });
});
