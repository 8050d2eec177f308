import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { ownOptimizer } from '../tensorflow/internals';

/** A saved model is missing, damaged or not the expected one. Nothing was loaded from it. */
export class SavedModelError extends Error {
  override name = 'SavedModelError';
}

const SCHEME = 'file://';
const MODEL_FILE = 'model.json';
const LONGEST_SAVING_MS = 60_000;
const WEIGHTS_FILE = /^weights-([0-9a-f]{16})(-[0-9a-f]{8})?\.bin$/;

type ModelArtifacts = Parameters<Parameters<typeof tf.io.withSaveHandler>[0]>[0];

/** model.json, in tfjs's format for layers models. */
type ModelJson = Parameters<typeof tf.io.getModelArtifactsForJSONSync>[0];

/** What a person can do about a model that cannot be loaded, as sentences. */
interface Remedies {
  /** It is missing or damaged. */
  unusable: string;
  /** Its layers are not the expected ones. */
  otherLayers: string;
}

/**
 * Saves a model with its optimizer into a folder, in tfjs's own format (`tf.loadLayersModel` reads it, too). At any
 * moment, the folder holds one complete model, the old or the new one. Several processes may save into the same folder.
 *
 * @param model built; if it is compiled, its optimizer is saved with it, any of tfjs's optimizers.
 * @param url `file://` and the folder, absolute or relative to the working directory. It is created if it is missing.
 * @throws SavedModelError if the URL is of another kind, if the folder cannot be written, or if tfjs cannot save the
 *   model.
 * @example await saveModel(model, 'file://../out/dense-network');
 */
export async function saveModel(model: tf.LayersModel, url: string): Promise<void> {
  await saveIn(folderOf(url), model, Boolean(model.optimizer));
}

/** Saves a model as `saveModel` does, with or without its optimizer. */
export async function saveIn(folder: string, model: tf.LayersModel, includeOptimizer: boolean): Promise<void> {
  const handler = tf.io.withSaveHandler((artifacts) => {
    write(folder, artifacts);
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
  });
  tf.engine().startScope(); // tfjs makes a tensor of the optimizer's step number and does not dispose of it
  try {
    await model.save(handler, { includeOptimizer });
  } catch (error) {
    throw new SavedModelError(`The model could not be saved in ${folder}: ${(error as Error).message}`);
  } finally {
    tf.engine().endScope();
  }
}

/**
 * Loads a model that `saveModel` saved: its layers, its weights and, if it was compiled, its optimizer.
 *
 * @param url as for `saveModel`.
 * @param like a model with the layers that the saved model must have; without it, any layers are accepted.
 * @returns the model. The caller disposes of it.
 * @throws SavedModelError if there is no model, if it is cut short or changed, or if its layers differ from those of
 *   `like`.
 * @example const restored = await loadModel('file://../out/dense-network', model);
 */
export async function loadModel(url: string, like?: tf.LayersModel): Promise<tf.LayersModel> {
  return loadFrom(folderOf(url), like, {
    unusable: 'Save a model there with saveModel.',
    otherLayers: 'Build that network, or save the current one there first.',
  });
}

/** Loads a model as `loadModel` does. Its errors end with the remedies. */
export async function loadFrom(
  folder: string,
  like: tf.LayersModel | undefined,
  { unusable, otherLayers }: Remedies,
): Promise<tf.LayersModel> {
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(read(folder, unusable)));
  ownOptimizer(loaded);
  const [found, expected] = [loaded, like ?? loaded].map(architecture);
  if (found !== expected) {
    loaded.dispose();
    throw new SavedModelError(
      `The model in ${folder} has another architecture: ${found} (expected ${expected}). ${otherLayers}`,
    );
  }
  return loaded;
}

function folderOf(url: string): string {
  if (!url.startsWith(SCHEME) || url === SCHEME) {
    throw new SavedModelError(
      `${url} does not say where the model is (expected file:// and a folder, such as file://../out/model)`,
    );
  }
  return url.slice(SCHEME.length);
}

/** Writes the weights first, under a new name; renaming model.json then replaces weights and layers in one step. */
function write(folder: string, { weightData = [], weightSpecs, ...artifacts }: ModelArtifacts): void {
  const bytes = Buffer.from(Array.isArray(weightData) ? tf.io.CompositeArrayBuffer.join(weightData) : weightData);
  // A name that was never used before: another process may be about to remove a file with the same contents.
  const weightsFile = `weights-${hashOf(bytes)}-${randomBytes(4).toString('hex')}.bin`;
  const json = { ...artifacts, weightsManifest: [{ paths: [weightsFile], weights: weightSpecs }] };
  mkdirSync(folder, { recursive: true });
  const replaced = weightsNamedIn(folder);
  writeWhole(join(folder, weightsFile), bytes);
  writeWhole(join(folder, MODEL_FILE), JSON.stringify(json));
  removeObsolete(weightsNamedIn(folder), replaced, folder);
}

/** The names of the weights files of the model in a folder; none if there is no model. */
function weightsNamedIn(folder: string): string[] {
  try {
    return weightsOf(readJson(join(folder, MODEL_FILE), ''));
  } catch {
    return [];
  }
}

/**
 * Removes the weights that were replaced, and old files that a killed process left behind. Another notebook may be
 * saving into the same folder, so new files that model.json does not name yet are kept.
 */
function removeObsolete(named: string[], replaced: string[], folder: string): void {
  const isOld = (name: string): boolean => {
    const stats = statSync(join(folder, name), { throwIfNoEntry: false });
    return stats !== undefined && Date.now() - stats.mtimeMs > LONGEST_SAVING_MS;
  };
  const isOurs = (name: string): boolean => WEIGHTS_FILE.test(name) || name.endsWith('.partial');
  for (const name of readdirSync(folder)) {
    if (isOurs(name) && !named.includes(name) && (replaced.includes(name) || isOld(name))) {
      rmSync(join(folder, name), { force: true });
    }
  }
}

function writeWhole(path: string, contents: string | Buffer): void {
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, contents, { flush: true });
  renameSync(partial, path);
}

/**
 * Reads a complete model into memory. If another process saves into the folder meanwhile, the weights may be gone by the
 * time they are read: then its model is read.
 */
function read(folder: string, remedy: string): ModelArtifacts {
  const path = join(folder, MODEL_FILE);
  if (!existsSync(path)) {
    throw new SavedModelError(`There is no saved model in ${folder} (expected ${MODEL_FILE} there). ${remedy}`);
  }
  const json = readJson(path, remedy);
  const names = weightsOf(json);
  const files = names.map((name) => readIfPresent(join(folder, name)));
  const missing = names.find((_, index) => !files[index]);
  if (missing !== undefined) {
    if (String(weightsNamedIn(folder)) !== String(names)) {
      return read(folder, remedy);
    }
    throw new SavedModelError(`The model in ${folder} is incomplete: ${missing} is missing. ${remedy}`);
  }
  for (const [index, name] of names.entries()) {
    const expectedHash = WEIGHTS_FILE.exec(name)?.[1];
    if (expectedHash && hashOf(files[index]!) !== expectedHash) {
      throw new SavedModelError(`The model in ${folder} is damaged: ${name} was cut short or changed. ${remedy}`);
    }
  }
  const specs = json.weightsManifest.flatMap((group) => group.weights);
  const weightData = files.map((file) => new Uint8Array(file!).buffer);
  return tf.io.getModelArtifactsForJSONSync(json, specs, weightData);
}

function readIfPresent(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return null;
    }
    throw error;
  }
}

function readJson(path: string, remedy: string): ModelJson {
  let json: Partial<ModelJson> | null = null;
  try {
    json = JSON.parse(readFileSync(path, 'utf8')) as Partial<ModelJson> | null;
  } catch {
    // Reported below.
  }
  if (!json?.modelTopology || !Array.isArray(json.weightsManifest)) {
    throw new SavedModelError(
      `${path} is cut short, or not a model of TensorFlow.js (expected layers and weights in it). ${remedy}`,
    );
  }
  return json as ModelJson;
}

function weightsOf({ weightsManifest }: ModelJson): string[] {
  return weightsManifest.flatMap(({ paths }) => paths);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** Describes the layers in words. Two models with the same description can replace each other. */
function architecture(model: tf.LayersModel): string {
  const layers = model.layers.map((layer) => {
    const { activation, useBias } = layer.getConfig();
    const shape = [layer.output].flat()[0].shape.map((size) => size ?? 'batch');
    const kind = [
      layer.getClassName(),
      typeof activation === 'string' ? activation : '',
      useBias === false && 'no bias',
    ];
    return `${layer.name} (${kind.filter(Boolean).join(', ')}) [${shape.join(', ')}]`;
  });
  const input = model.inputs[0].shape.map((size) => size ?? 'batch');
  return `[${input.join(', ')}] -> ${layers.join(' -> ')}`;
}
