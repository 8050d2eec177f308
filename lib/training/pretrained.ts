import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { checkCompiled } from './check-arguments';
import type { TrainingHistory } from './fit';
import { loadFrom, saveIn } from './saved-model';

/**
 * The network that the lecture trains, in the format of `saveModel`, 3.2 MB. `npm run pretrained` makes it. Weights
 * of 16 bits would halve the size, but would change an answer after about one training in 20.
 */
const FOLDER = join(__dirname, '..', '..', 'pretrained');

/** What is saved beside the network: a plain copy of tfjs's History. */
type Saved = Pick<tf.History, 'epoch' | 'history'>;

/**
 * Gives a model the weights of the network that the lecture trains, and returns the history of that training: takes the
 * place of `fit` if there is no time to train. They come with the library, so it works offline and from any folder.
 *
 * The weights are complete (float32), so that all results are those of the training. The optimizer is not part of them:
 * that of the model stays as it is. `fit` can train further from there, but Adam begins without the past gradients.
 *
 * @param model the lecture's network (784 pixels, 1000 neurons `hidden`, 10 `output`), built and compiled. Its weights
 *   are replaced.
 * @returns the history, as from `fit`: 10 epochs of `loss`, `acc`, `val_loss` and `val_acc`; `stopped` is null.
 * @throws RangeError if the model is not compiled, and SavedModelError if its layers are others, or if the files of the
 *   network are missing or damaged. The model is not changed then.
 * @example const history = await loadPretrained(model);
 */
export async function loadPretrained(model: tf.LayersModel): Promise<TrainingHistory> {
  checkCompiled(model);
  const pretrained = await loadFrom(FOLDER, model, {
    unusable: 'Make it again with `npm run pretrained`.',
    otherLayers: 'Build that network, or train yours with fit.',
  });
  model.setWeights(pretrained.getWeights());
  const saved = pretrained.getUserDefinedMetadata() as Saved;
  pretrained.dispose();
  return Object.assign(new tf.History(), saved, { stopped: null });
}

/**
 * Saves the network for `loadPretrained`, without its optimizer, which would triple the size.
 *
 * @param model the lecture's network, trained.
 * @param history the result of `fit`.
 * @throws Error if training was stopped early, and SavedModelError if the files cannot be written. The earlier network
 *   is kept then.
 * @example await savePretrained(model, history);
 */
export async function savePretrained(
  model: tf.LayersModel,
  { epoch, history, stopped }: TrainingHistory,
): Promise<void> {
  if (stopped) {
    throw new Error(`The network was not trained to its end, and is not saved. ${stopped}`);
  }
  const saved: Saved = { epoch, history };
  model.setUserDefinedMetadata(saved);
  await saveIn(FOLDER, model, false);
}
