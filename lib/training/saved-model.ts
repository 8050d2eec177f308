import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { ownOptimizer } from '../tensorflow/internals';

/** A saved model that is missing, damaged or not the one that was expected; nothing of it was loaded. */
export class SavedModelError extends Error {
  override name = 'SavedModelError';
}

const SCHEME = 'file://';
const MODEL_FILE = 'model.json';
const LONGEST_SAVING_MS = 60_000;
const WEIGHTS_FILE = /^weights-([0-9a-f]{16})\.bin$/;

type ModelArtifacts = Parameters<Parameters<typeof tf.io.withSaveHandler>[0]>[0];

/** What is read here of model.json, in tfjs's format for layers models. */
interface ModelJson {
  modelTopology: object;
  weightsManifest: { paths: string[] }[];
}

/**
 * Saves a model with its optimizer into a folder, in tfjs's own format (`tf.loadLayersModel` reads it, too). Whatever
 * happens meanwhile, the folder holds one whole model: the old one, or the new one. Several processes may save into it.
 *
 * @param model built; if it is compiled, its optimizer is saved with it.
 * @param url `file://` and the folder, relative to where the process runs or absolute. It is made if it is missing.
 * @throws SavedModelError for another kind of URL, and when the folder cannot be written.
 * @example await saveModel(model, 'file://../out/dense-network');
 */
export async function saveModel(model: tf.LayersModel, url: string): Promise<void> {
  const folder = folderOf(url);
  const handler = tf.io.withSaveHandler((artifacts) => {
    write(folder, artifacts);
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
  });
  tf.engine().startScope(); // tfjs makes a tensor of the optimizer's step number, and forgets it
  try {
    await model.save(handler, { includeOptimizer: Boolean(model.optimizer) });
  } finally {
    tf.engine().endScope();
  }
}

/**
 * Loads a model that `saveModel` has saved: its layers, its weights and, compiled, its optimizer.
 *
 * @param url as for `saveModel`.
 * @param like a model whose layers the saved one must have, for example the one to go on with; without it, any.
 * @returns the model. The caller disposes of it.
 * @throws SavedModelError when there is none, when it is cut short or changed, or when its layers are not those of `like`.
 * @example const restored = await loadModel('file://../out/dense-network', model);
 */
export async function loadModel(url: string, like?: tf.LayersModel): Promise<tf.LayersModel> {
  const folder = folderOf(url);
  checkFiles(folder);
  const loaded = await tf.loadLayersModel(`${SCHEME}${join(folder, MODEL_FILE)}`);
  ownOptimizer(loaded);
  const [found, expected] = [loaded, like ?? loaded].map(architecture);
  if (found !== expected) {
    loaded.dispose();
    throw new SavedModelError(
      `The model in ${folder} has another architecture: ${found} (expected ${expected}). ` +
        'Build that network, or save the present one there first.',
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

/** The weights first, under a name of their own; the renaming of model.json then exchanges everything at once. */
function write(folder: string, { weightData, weightSpecs, ...artifacts }: ModelArtifacts): void {
  const bytes = Buffer.from(tf.io.CompositeArrayBuffer.join(weightData));
  const weightsFile = `weights-${hashOf(bytes)}.bin`;
  const json = { ...artifacts, weightsManifest: [{ paths: [weightsFile], weights: weightSpecs }] };
  try {
    mkdirSync(folder, { recursive: true });
    const replaced = weightsNamedIn(folder);
    writeWhole(join(folder, weightsFile), bytes);
    writeWhole(join(folder, MODEL_FILE), JSON.stringify(json));
    removeAllBut(weightsNamedIn(folder), replaced, folder);
  } catch (error) {
    throw new SavedModelError(`The model could not be saved in ${folder}: ${(error as Error).message}`);
  }
}

/** The files of weights that the model in a folder consists of; none where there is no model. */
function weightsNamedIn(folder: string): string[] {
  try {
    return weightsOf(readJson(join(folder, MODEL_FILE), ''));
  } catch {
    return [];
  }
}

/**
 * Removes the weights that were replaced, and what a process that was killed has left. Another notebook may be saving into
 * the same folder: what is new and not yet named is left alone.
 */
function removeAllBut(named: string[], replaced: string[], folder: string): void {
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

function checkFiles(folder: string): void {
  const path = join(folder, MODEL_FILE);
  if (!existsSync(path)) {
    throw new SavedModelError(
      `There is no saved model in ${folder} (expected ${MODEL_FILE} there): save one with saveModel first.`,
    );
  }
  const again = 'Save it again.';
  for (const name of weightsOf(readJson(path, again))) {
    const weights = join(folder, name);
    const sum = WEIGHTS_FILE.exec(name)?.[1];
    if (!existsSync(weights)) {
      throw new SavedModelError(`The model in ${folder} is not whole: ${name} is missing. ${again}`);
    }
    if (sum && hashOf(readFileSync(weights)) !== sum) {
      throw new SavedModelError(`The model in ${folder} is damaged: ${name} was cut short or changed. ${again}`);
    }
  }
}

function readJson(path: string, remedy: string): ModelJson {
  let json: Partial<ModelJson> | null = null;
  try {
    json = JSON.parse(readFileSync(path, 'utf8')) as Partial<ModelJson> | null;
  } catch {
    // Said below.
  }
  if (!json?.modelTopology || !Array.isArray(json.weightsManifest)) {
    throw new SavedModelError(
      `${path} is cut short, or not a model of tfjs's (expected layers and weights in it). ${remedy}`,
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

/** The layers in words: what two models must share, so that one can take the other's place. */
function architecture(model: tf.LayersModel): string {
  const layers = model.layers.map((layer) => {
    const { activation } = layer.getConfig();
    const shape = [layer.output].flat()[0].shape.map((size) => size ?? 'batch');
    return `${layer.name} (${layer.getClassName()}${typeof activation === 'string' ? `, ${activation}` : ''}) [${shape.join(', ')}]`;
  });
  const input = model.inputs[0].shape.map((size) => size ?? 'batch');
  return `[${input.join(', ')}] -> ${layers.join(' -> ')}`;
}
