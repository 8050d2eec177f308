import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type IdxArray, loadMnist } from 'mnist-lib';

/** Writes the first digits of MNIST as files into a folder for MNIST_DIR. */
export function writeSmallData(folder: string, trainCount: number, testCount: number): void {
  const { trainImages, trainLabels, testImages, testLabels } = loadMnist();
  const write = (name: string, { shape, data }: IdxArray, count: number): void => {
    const sizes = [count, ...shape.slice(1)];
    const header = Buffer.alloc(4 + 4 * sizes.length);
    header.set([0, 0, 8, sizes.length]);
    sizes.forEach((size, index) => header.writeUInt32BE(size, 4 + 4 * index));
    writeFileSync(join(folder, name), Buffer.concat([header, data.subarray(0, (data.length / shape[0]) * count)]));
  };
  write('train-images-idx3-ubyte', trainImages, trainCount);
  write('train-labels-idx1-ubyte', trainLabels, trainCount);
  write('t10k-images-idx3-ubyte', testImages, testCount);
  write('t10k-labels-idx1-ubyte', testLabels, testCount);
}
