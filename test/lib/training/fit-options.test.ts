import * as tf from '@tensorflow/tfjs-node';
import { fit, setSeed } from 'mnist-lib';

const [COUNT, INPUTS, CLASSES] = [24, 4, 3];

/** Examples of four small whole numbers, 0 and 1, so that every dtype holds them exactly. */
function examples(dtype: 'float32' | 'int32' | 'bool' = 'float32'): { x: tf.Tensor2D; y: tf.Tensor2D } {
  const bits = Array.from({ length: COUNT }, (_, row) => Array.from({ length: INPUTS }, (_, bit) => (row >> bit) & 1));
  const rows = bits.map((_, row) => Array.from({ length: CLASSES }, (_, label) => Number(label === (row * row) % 3)));
  return { x: tf.tensor2d(bits, [COUNT, INPUTS], dtype), y: tf.tensor2d(rows, [COUNT, CLASSES], dtype) };
}

function network(): tf.Sequential {
  const hidden = tf.layers.dense({ inputShape: [INPUTS], units: 5, activation: 'relu' });
  const model = tf.sequential({
    layers: [hidden, tf.layers.dense({ name: 'classes', units: CLASSES, activation: 'softmax' })],
  });
  model.compile({ loss: 'categoricalCrossentropy', optimizer: 'adam', metrics: ['accuracy'] });
  return model;
}

type Train = (model: tf.LayersModel, x: tf.Tensor, y: tf.Tensor, options: tf.ModelFitArgs) => Promise<tf.History>;
const byTfjs: Train = (model, x, y, options) => model.fit(x, y, options);

/** Trains a new network, the same each time. Returns the history and the weights. */
async function run(train: Train, options: tf.ModelFitArgs, dtype?: 'int32' | 'bool') {
  setSeed(13);
  const [model, data] = [network(), examples(dtype)];
  try {
    setSeed(7);
    const defaults = { batchSize: 6, shuffle: false, verbose: 0 as const };
    const { history, epoch } = await train(model, data.x, data.y, { ...defaults, ...options });
    return { epoch, history, weights: model.getWeights().map((weight) => Array.from(weight.dataSync())) };
  } finally {
    model.dispose();
    tf.dispose(data);
  }
}

type Result = Awaited<ReturnType<typeof run>>;
const rounded = ({ epoch, history, weights }: Result): unknown => {
  const round = (values: unknown[]): unknown[] => values.map((value) => expect.closeTo(value as number, 4) as unknown);
  return {
    epoch,
    history: Object.fromEntries(Object.entries(history).map(([name, all]) => [name, round(all)])),
    weights: weights.map(round),
  };
};

/** How an option is held: it has the effect that it has in model.fit, or `fit` refuses it. */
type Held =
  | { as: (seen: unknown[]) => tf.ModelFitArgs; unlike?: (seen: unknown[]) => tf.ModelFitArgs }
  | { refused: tf.ModelFitArgs; message: string; byTfjs: string | null };

const weights = { 0: 5, 1: 1, 2: 0.5 };
const validation = examples();
const recorder = (seen: unknown[]): tf.CustomCallbackArgs => ({
  onBatchEnd: (batch, logs) => void seen.push([batch, Object.keys(logs!).sort()]),
  nextFrameFunc: () => Promise.resolve(void seen.push('frame')),
});
/** Counts a second at each look at the clock. */
const slowly = (seen: unknown[]): tf.CustomCallbackArgs => {
  let milliseconds = 0;
  return {
    onYield: (epoch, batch, logs) => void seen.push([epoch, batch, Object.keys(logs).sort()]),
    nowFunc: () => (milliseconds += 1000),
  };
};

// A new option of tfjs fails the type check here.
const OPTIONS: Record<keyof tf.ModelFitArgs, Held[]> = {
  batchSize: [{ as: () => ({ batchSize: 5 }) }],
  epochs: [{ as: () => ({ epochs: 3 }) }],
  initialEpoch: [{ as: () => ({ initialEpoch: 1, epochs: 3 }), unlike: () => ({ epochs: 3 }) }],
  verbose: [{ as: () => ({ verbose: 0, epochs: 2 }) }], // more on it below
  callbacks: [
    { as: (seen) => ({ callbacks: recorder(seen), yieldEvery: 'never' }) },
    { as: (seen) => ({ callbacks: [recorder(seen), recorder(seen)], yieldEvery: 'never' }) },
    { as: (seen) => ({ callbacks: [new tf.CustomCallback(recorder(seen), 'never')] }) },
  ],
  yieldEvery: [
    {
      as: (seen) => ({ callbacks: slowly(seen), yieldEvery: 2500 }),
      unlike: (seen) => ({ callbacks: slowly(seen), yieldEvery: 'auto' }),
    },
    {
      as: (seen) => ({ callbacks: recorder(seen), yieldEvery: 'batch' }),
      unlike: (seen) => ({ callbacks: recorder(seen), yieldEvery: 'epoch' }),
    },
    {
      as: (seen) => ({ callbacks: recorder(seen), yieldEvery: 'epoch' }),
      unlike: (seen) => ({ callbacks: recorder(seen), yieldEvery: 'never' }),
    },
  ],
  validationSplit: [{ as: () => ({ validationSplit: 0.3 }) }],
  validationData: [
    { as: () => ({ validationData: [validation.x, validation.y] }) },
    {
      refused: { validationData: [validation.x, validation.y, tf.ones([COUNT])] },
      message: 'validationData has 3 elements (expected [x, y]: tfjs has no weights for single examples)',
      byTfjs: 'validationData including sample weights is not supported yet.',
    },
  ],
  shuffle: [
    { as: () => ({ shuffle: true }) },
    {
      refused: { shuffle: 'batch' as unknown as boolean },
      message: 'shuffle is batch (expected true or false)',
      byTfjs: 'batch shuffling is not implemneted yet',
    },
  ],
  classWeight: [
    { as: () => ({ classWeight: weights }) },
    { as: () => ({ classWeight: weights, validationSplit: 0.3, epochs: 2 }) },
    { as: () => ({ classWeight: [weights] }) },
    { as: () => ({ classWeight: { classes: weights } }) },
    {
      refused: { classWeight: { 0: 5, 2: 1 } },
      message: 'classWeight of the class 1 is undefined (expected a number for each class that is in y)',
      byTfjs: 'The class 1 exists in the data but not in classWeight',
    },
  ],
  sampleWeight: [
    {
      refused: { sampleWeight: tf.ones([COUNT]) },
      message: 'fit does not take sampleWeight: tfjs has no weights for single examples; classWeight sets one for each',
      byTfjs: 'sample weight is not supported yet.',
    },
  ],
  stepsPerEpoch: [
    {
      refused: { stepsPerEpoch: 2 },
      message: 'fit does not take stepsPerEpoch: tfjs has no steps for tensors; an epoch takes all examples, batchSize',
      byTfjs: null,
    },
  ],
  validationSteps: [
    {
      refused: { validationSteps: 2 },
      message: 'fit does not take validationSteps: tfjs has no steps for tensors; validation takes all examples',
      byTfjs: null,
    },
  ],
};

afterEach(() => {
  delete process.env.FUSED_TRAINING;
});

describe.each([
  ['fused', '1'],
  ["by tfjs's own operations", '0'],
])('fit, %s, holds an option of model.fit:', (_how, FUSED_TRAINING) => {
  const cases = Object.entries(OPTIONS).flatMap(([name, all]) => all.map((held) => [name, held] as const));

  test.each(cases)('%s', async (_name, held) => {
    process.env.FUSED_TRAINING = FUSED_TRAINING;
    const before = tf.memory().numTensors;
    if ('refused' in held) {
      await expect(run(fit, held.refused)).rejects.toThrow(RangeError);
      await expect(run(fit, held.refused)).rejects.toThrow(held.message);
    } else {
      const [ours, theirs]: unknown[][] = [[], []];
      const [found, expected] = [await run(fit, held.as(ours)), await run(byTfjs, held.as(theirs))];
      expect(found).toEqual(rounded(expected));
      expect(ours).toEqual(theirs);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('in model.fit,', () => {
  const honoured = Object.entries(OPTIONS).flatMap(([name, all]) =>
    all.flatMap((held) => ('as' in held && name !== 'verbose' ? [[name, held] as const] : [])),
  );
  test.each(honoured)(
    '%s changes numbers or calls, so that a fit that ignored it would be seen',
    async (_name, held) => {
      const [withIt, without]: unknown[][] = [[], []];
      const result = await run(byTfjs, held.as(withIt));
      const other = await run(byTfjs, held.unlike?.(without) ?? {});
      expect([result, withIt]).not.toEqual([rounded(other), without]);
    },
  );

  const refused = Object.entries(OPTIONS).flatMap(([name, all]) =>
    all.flatMap((held) => ('refused' in held ? [[name, held] as const] : [])),
  );
  test.each(refused)('%s is refused or ignored, too', async (_name, { refused: options, byTfjs: message }) => {
    if (message === null) {
      expect(await run(byTfjs, options)).toEqual(await run(byTfjs, {}));
    } else {
      await expect(run(byTfjs, options)).rejects.toThrow(message);
    }
  });
});

test('verbose: 0 prints nothing, and otherwise training is shown', async () => {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await run(fit, { verbose: 0 });
    expect(write.mock.calls.join('')).not.toContain('epoch');
    for (const verbose of [1, 2, undefined] as const) {
      write.mockClear();
      await run(fit, { verbose });
      expect(write.mock.calls.join('')).toContain('epoch 1 of 1: loss ');
    }
  } finally {
    write.mockRestore();
  }
});

describe.each([
  ['fused', '1'],
  ["by tfjs's own operations", '0'],
])('fit, %s, trains as model.fit does', (_how, FUSED_TRAINING) => {
  test.each(['int32', 'bool'] as const)(
    'with x and y of the dtype %s, and disposes of what it converts',
    async (dtype) => {
      process.env.FUSED_TRAINING = FUSED_TRAINING;
      const before = tf.memory().numTensors;
      const data = examples(dtype);
      for (const more of [{ validationSplit: 0.3 }, { validationData: [data.x, data.y] as [tf.Tensor, tf.Tensor] }]) {
        const options = { epochs: 3, ...more };
        const [found, asFloats] = [await run(fit, options, dtype), await run(fit, options)];
        expect(found).toEqual(rounded(await run(byTfjs, options, dtype)));
        expect(found).toEqual(rounded(asFloats));
      }
      tf.dispose(data);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

describe('fit refuses', () => {
  test.each<[string, object, string]>([
    ['the spelling of Keras', { batch_size: 5 }, 'fit has no option batch_size (did you mean batchSize?)'],
    ['the singular', { epoch: 5 }, 'fit has no option epoch (did you mean epochs?)'],
    ['another case', { ValidationData: [] }, 'fit has no option ValidationData (did you mean validationData?)'],
    [
      'a name like no other',
      { rate: 0.1 },
      'fit has no option rate (expected batchSize, epochs, initialEpoch, verbose, callbacks, validationSplit, ' +
        'validationData, shuffle, classWeight, or yieldEvery)',
    ],
    ['a name that every object has', { toString: 1 }, 'fit has no option toString (expected batchSize'],
    [
      'a split that leaves nothing',
      { validationSplit: 0.99 },
      'validationSplit is 0.99 and x holds 24 examples: none is',
    ],
    [
      'a class weight that is no number',
      { classWeight: { 0: 1, 1: NaN, 2: 1 } },
      'classWeight of the class 1 is NaN (expected a number for each class that is in y)',
    ],
  ])('%s', async (_what, options, message) => {
    await expect(run(fit, options)).rejects.toThrow(RangeError);
    await expect(run(fit, options)).rejects.toThrow(message);
  });

  test('strings in x', async () => {
    const model = network();
    await expect(fit(model, tf.tensor2d([['a', 'b', 'c', 'd']]), tf.zeros([1, CLASSES]))).rejects.toThrow(
      'x has the dtype string (expected float32, int32, or bool)',
    );
    model.dispose();
  });

  test('accepts an unused option that is undefined or null, as model.fit does', async () => {
    const unused = {
      sampleWeight: undefined,
      stepsPerEpoch: null,
      classWeight: undefined,
    } as unknown as tf.ModelFitArgs;
    expect(await run(fit, unused)).toEqual(await run(fit, {}));
  });
});
