import { renew } from 'mnist-lib';
import * as tf from '@tensorflow/tfjs-node';

describe('renew(name, value)', () => {
  test('disposes of the previous value of the name, and of nothing else', () => {
    const other = renew('other', tf.scalar(0));
    const first = renew('value', tf.scalar(1));
    const second = renew('value', tf.scalar(2));
    expect([other, first, second].map((tensor) => tensor.isDisposed)).toEqual([false, true, false]);
  });

  test('keeps a value that is passed a second time', () => {
    const value = renew('same', tf.scalar(1));
    expect(renew('same', value)).toBe(value);
    expect(value.isDisposed).toBe(false);
  });

  test('leaks no tensors of a model', () => {
    const build = () => renew('model', tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] }));
    build();
    const { numTensors } = tf.memory();
    for (let run = 0; run < 5; run++) {
      build();
    }
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('accepts that a model was disposed of already', () => {
    const build = () => renew('freed', tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] }));
    build().dispose();
    expect(build).not.toThrow();
  });
});
