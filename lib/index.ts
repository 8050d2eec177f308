import './node-compat';

export { type MimeBundle, type Output, display, newOutput } from './display';
export { accuracy, confusionMatrix, toLabels, wrongPredictions } from './evaluation';
export { activationCurves } from './figures/activation-curves';
export { digitGrid } from './figures/digit-grid';
export type { Figure } from './figures/figure';
export { historyCurves } from './figures/history-curves';
export { layerDiagram } from './figures/layer-diagram';
export { softmaxBars } from './figures/softmax-bars';
export { DataError, type IdxArray, parseIdx } from './idx';
export { type Mnist, loadMnist } from './mnist';
export { type Config, type Layout, type Plot, plot } from './plot';
export { flatten, normalize, oneHot } from './preprocess';
export { sample, setSeed } from './random';
export { renew } from './renew';
export { tensorflowVersion } from './tensorflow-version';
