import './tensorflow/node-compat';
import './tensorflow/optimizers';

export { type CheckpointOptions, checkpoint, loadCheckpoint } from './training/checkpoint';
export { type MimeBundle, type Display, display, newDisplay } from './display/display';
export { earlyStopping } from './training/early-stopping';
export {
  type BatchOptions,
  accuracy,
  confusionMatrix,
  evaluate,
  predict,
  toLabels,
  wrongPredictions,
} from './evaluation';
export { activationCurves } from './figures/activation-curves';
export { confusionFigure } from './figures/confusion-figure';
export { crossEntropyCurve } from './figures/cross-entropy-curve';
export { digitGrid } from './figures/digit-grid';
export { type DigitPad, digitPad } from './figures/digit-pad';
export { gradientDescentFigure } from './figures/gradient-descent-figure';
export { historyCurves } from './figures/history-curves';
export { layerDiagram } from './figures/layer-diagram';
export { networkDiagram } from './figures/network-diagram';
export { neuronDiagram } from './figures/neuron-diagram';
export { oneHotFigure } from './figures/one-hot-figure';
export { probabilityBars } from './figures/probability-bars';
export { softmaxBars } from './figures/softmax-bars';
export { type Checks, type Language, checks } from './exercises/checks';
export type { Verdict } from './exercises/verdict';
export { DataError, type IdxArray, firstOf, parseIdx } from './data/idx';
export { type Mnist, loadMnist } from './data/mnist';
export { type Config, type Figure, type Layout, type Plot, plot } from './display/plot';
export { flatten, normalize, oneHot } from './data/preprocess';
export { sample, setSeed } from './tensorflow/random';
export { renew } from './tensorflow/renew';
export { loadPretrained } from './training/pretrained';
export { SavedModelError, loadModel, saveModel } from './training/saved-model';
export { tensorflowVersion } from './tensorflow/version';
export { type TrainingHistory, fit } from './training/fit';
