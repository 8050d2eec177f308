import './tensorflow/node-compat';
import './tensorflow/optimizers';

export { type CheckpointOptions, checkpoint, loadCheckpoint } from './training/checkpoint';
export { type MimeBundle, type Display, display, newDisplay } from './display/display';
export { earlyStopping } from './training/early-stopping';
export {
  type BatchOptions,
  type ClassScores,
  accuracy,
  classReport,
  confidentMistakes,
  confusionMatrix,
  evaluate,
  predict,
  toLabels,
  wrongPredictions,
} from './evaluation';
export { type Calibration, type CalibrationBin, calibration } from './calibration';
export { type Trial, accuracyDots } from './figures/accuracy-dots';
export { activationCurves } from './figures/activation-curves';
export { activationFigure } from './figures/activation-figure';
export { activationMap } from './figures/activation-map';
export { answersFigure } from './figures/answers-figure';
export { confusionExplorer } from './figures/confusion-explorer';
export { confusionFigure } from './figures/confusion-figure';
export { crossEntropyCurve } from './figures/cross-entropy-curve';
export { digitGrid } from './figures/digit-grid';
export { type DigitPad, digitPad } from './figures/digit-pad';
export { gradientDescentFigure } from './figures/gradient-descent-figure';
export { gradientFigure } from './figures/gradient-figure';
export { historyCurves } from './figures/history-curves';
export { layerDiagram } from './figures/layer-diagram';
export { morphFrames } from './figures/morph-frames';
export { networkDiagram } from './figures/network-diagram';
export { neuronDiagram } from './figures/neuron-diagram';
export { oneHotFigure } from './figures/one-hot-figure';
export { probabilityBars } from './figures/probability-bars';
export { reliabilityFigure } from './figures/reliability-figure';
export { softmaxBars } from './figures/softmax-bars';
export { weightImages } from './figures/weight-images';
export { type Checks, type Language, checks } from './exercises/checks';
export type { Verdict } from './exercises/verdict';
export { DataError, type IdxArray, firstOf, parseIdx } from './data/idx';
export { type Mnist, loadMnist } from './data/mnist';
export { type RandomShiftOptions, randomShift } from './layers/random-shift';
export { type Config, type Figure, type Layout, type Plot, plot } from './display/plot';
export { flatten, normalize, oneHot } from './data/preprocess';
export { sample, setSeed } from './tensorflow/random';
export { renew } from './tensorflow/renew';
export { loadPretrained } from './training/pretrained';
export { SavedModelError, loadModel, saveModel } from './training/saved-model';
export { tensorflowVersion } from './tensorflow/version';
export { type TrainingHistory, fit } from './training/fit';
export { inputGradient } from './look-inside/input-gradient';
export { type Morph, morph } from './look-inside/morph';
export { hiddenActivations, strongestNeurons } from './look-inside/neurons';
export { type PrincipalComponents, principalComponents } from './look-inside/principal-components';
