import { type LayerShape, divide, weightsOf } from 'mnist-lib/dist/training/fused/layer-parts';

const dense = (inputs: number, units: number): LayerShape => ({
  kind: 'dense',
  inputs,
  units,
  activation: 'relu',
  hasBias: true,
});
const before = process.env.TF_NUM_INTEROP_THREADS;
beforeEach(() => {
  process.env.TF_NUM_INTEROP_THREADS = '2';
});
afterAll(() => {
  delete process.env.TF_NUM_INTEROP_THREADS;
  Object.assign(process.env, before !== undefined && { TF_NUM_INTEROP_THREADS: before });
});

const sizesOf = (layers: LayerShape[]): [string, 0 | 1, number[]][] =>
  weightsOf(divide(layers)).map(({ name, axis, sizes }) => [name, axis, sizes]);

test("the lecture's hidden layer is divided by units: columns of its kernel, its bias, rows of the next kernel", () => {
  const layers = [dense(784, 1000), dense(1000, 10)];
  expect(sizesOf(layers)).toEqual([
    ['kernel0', 1, [256, 256, 240, 248]],
    ['bias0', 0, [256, 256, 240, 248]],
    ['kernel1', 0, [256, 256, 240, 248]],
    ['bias1', 0, [10]],
  ]);
});

test.each([
  [1, 1000, [512, 488]],
  [3, 1000, [176, 160, 176, 160, 176, 152]],
  [4, 1000, [256, 256, 240, 248]],
  [8, 1000, [128, 128, 128, 128, 112, 128, 128, 120]],
  [64, 1000, [128, 128, 128, 128, 112, 128, 128, 120]],
  [2, 64, [64]],
  [2, 65, [48, 17]],
  [2, 130, [80, 50]], // not three for two threads
  [8, 130, [48, 48, 34]],
  [2, 200, [48, 64, 48, 40]],
  [2, 1, [1]],
])('with %d threads, %d units are divided into parts of %j', (threads, units, expected) => {
  process.env.TF_NUM_INTEROP_THREADS = String(threads);
  expect(sizesOf([dense(784, units), dense(units, 10)])[0]).toEqual(['kernel0', 1, expected]);
});

test('every other layer is divided, whatever is between them, and the last one never', () => {
  const layers: LayerShape[] = [
    { kind: 'shift', side: 28, pixels: 1 },
    dense(784, 100),
    { kind: 'dropout', rate: 0.5 },
    dense(100, 200),
    dense(200, 300),
  ];
  expect(sizesOf(layers)).toEqual([
    ['kernel1', 1, [64, 36]],
    ['bias1', 0, [64, 36]],
    ['kernel3', 0, [64, 36]],
    ['bias3', 0, [200]],
    ['kernel4', 1, [300]],
    ['bias4', 0, [300]],
  ]);
});
