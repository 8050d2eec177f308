/** What checks say in English. `Messages`, the type of every language, is made from it. */
export const en = {
  verdicts: { right: 'Right', wrong: 'Not yet' },
  right: (name: string) => `${name} gives what is expected.`,

  // What came out, and what was expected.
  returned: (call: string, result: string, expected: string) => `${call} returned ${result} (expected ${expected}).`,
  threw: (call: string, error: string) => `${call} threw an error: ${error}`,
  notAFunction: (name: string, text: string) => `${name} is ${text} (expected a function).`,
  changedInput: (call: string, before: string, after: string) =>
    `${call} changed what it was given, ${before}, into ${after}. The caller may still need it: make a new list instead.`,
  units: (units: string) => `units is ${units} (expected a whole number, 1 or more).`,
  parameters: (units: number, count: string, limit: string) =>
    `units = ${units} makes a network of ${count} parameters (expected as many as possible, up to ${limit}).`,
  notAHistory: (text: string) =>
    `The history is ${text} (expected the result of mnist.fit with validation data and the metric accuracy).`,
  learned: (accuracy: string, epochs: number, goal: string) =>
    `val_acc is ${accuracy} after epoch ${epochs} (expected at least ${goal}).`,
  notATensor: (call: string, text: string) => `${call} returned ${text} (expected a tensor).`,
  shape: (call: string, shape: string, expected: string) =>
    `${call} returned a tensor of the shape [${shape}] (expected [${expected}]).`,
  pixel: (call: string, byte: number, value: string, expected: string) =>
    `${call} made ${value} of a pixel with the byte ${byte} (expected ${expected}).`,
  notAModel: (call: string, text: string) => `${call} returned ${text} (expected a model, such as of tf.sequential).`,
  outputSums: (total: string) => `For one picture, the outputs of the network add up to ${total} (expected 1).`,
  hiddenLayer: (layer: string) => `The layer ${layer} has a linear activation (expected a non-linear one).`,
  notCompiled: (call: string) => `${call} returned a model that is not compiled (expected a call of model.compile).`,
  loss: (loss: string, expected: string) =>
    `For three pictures, the loss of the network is ${loss}, while the mean of −log p for their digits is ${expected} ` +
    '(expected the same).',
  pair: (call: string, picture: number, label: string, expected: number) =>
    `After ${call}, picture ${picture} has the label ${label} (expected ${expected}, as before).`,
  count: (call: string, name: string, count: string, expected: number) =>
    `${call} returned ${count} elements in ${name} (expected ${expected}).`,
  inBoth: (call: string, index: string) =>
    `${call} put digit ${index} into training and into test (expected one of them).`,
  inNone: (call: string, index: number) =>
    `${call} put digit ${index} into neither training nor test (expected one of them).`,
  unchanged: (call: string) =>
    `${call} returned the pictures in the order in which they came (expected another order).`,

  remarks: {
    // Of any task
    nothing: 'Nothing is returned: does every way through the function end with return?',
    promise: 'That is a promise of a result: the function must not be async.',
    notANumber: 'The result should be a number.',
    notAList: 'The result should be a list, written in square brackets.',
    notFinite: 'NaN and Infinity come from dividing by 0, from numbers that are too large, or from missing elements.',
    length: 'The list has another length.',
    // pixelIndex
    columnsFirst: 'The flattened picture has whole rows one after another, not whole columns.',
    countedFromOne: 'The first pixel has the index 0, not 1.',
    rowFromOne: 'Rows are counted from 0: no row comes before row 0, one before row 1.',
    lastIndex: 'Columns go from 0 to 27: how many are that?',
    // scale and prepare
    unscaled: 'The numbers are still bytes.',
    by256: 'The largest byte, 255, should become exactly 1.',
    byOwnLargest: 'The divisor depends on the picture, so the same ink gets another number in a lighter picture.',
    rounded: 'Grey is lost: there are numbers between 0 and 1.',
    twice: 'These are very small numbers: how often are they divided?',
    // oneHot
    oneTooEarly: 'Positions in a list are counted from 0, like the digits.',
    alwaysTen: 'The number of classes is not always 10.',
    labelAsValue: 'The label decides where the number stands, not how large it is.',
    onlyZeros: 'No position is hot.',
    // units
    tooMany: 'That is too many: each neuron has a weight per input and a bias, and a weight per output.',
    moreFit: 'There is room for more neurons.',
    // parameterCount
    noBiases: 'Each neuron has one more number than weights.',
    biasOfInputs: 'A bias belongs to each neuron of the layer, not to each of its inputs.',
    oneBiasPerLayer: 'Each neuron of a layer has a bias of its own.',
    firstLayerOnly: 'Layers after the first have parameters, too.',
    // neuron
    noBias: 'One of the three arguments has no effect.',
    biasPerInput: 'The bias is added more than once.',
    noActivation: 'ReLU does not let such a number pass.',
    sumsMultiplied: 'Each input has a weight of its own: multiply first, then add.',
    // softmax
    noExponential: 'Each logit is divided by their sum: which function comes before that?',
    notDivided: 'Probabilities add up to 1.',
    overLargest: 'The largest one gets 1, whatever the others are: probabilities add up to 1.',
    eachAlone: 'Each number was computed without the others, as by a sigmoid: probabilities add up to 1.',
    overflow:
      'The exponential function of 1000 is too large for a number, that of −1000 is 0. The probabilities stay the ' +
      'same if the same number is subtracted from all logits: which one helps?',
    // crossEntropy
    noMinus: 'The logarithm of a probability is negative, but a loss should not be.',
    base10: 'Math.log10 is the logarithm to the base 10; the lecture uses the natural one.',
    base2: 'Math.log2 is the logarithm to the base 2; the lecture uses the natural one.',
    allProbabilities: 'Only one of the probabilities counts: which one?',
    largestProbability: 'The largest probability need not be that of the right digit.',
    labelFromOne: 'Positions in a list are counted from 0, like the digits.',
    noLogarithm: 'That is how much is missing to 1; the loss is a logarithm.',
    // gradientStep
    uphill: 'The loss grows in the direction of the gradient.',
    noLearningRate: 'The learning rate has no effect.',
    onlyTheStep: 'That is the step: where does one arrive by it?',
    weightsScaled: 'The learning rate sets the length of the step: it multiplies the gradient.',
    // learns
    lossGrew: 'The loss does not fall: steps that are too long jump over the minimum.',
    slow: 'The loss falls, but slowly: the steps are short.',
    // accuracy
    notDividedByCount: 'That is a number of digits; the accuracy is a fraction of them.',
    percent: 'The accuracy lies between 0 and 1.',
    errorRate: 'That is the fraction of wrong answers.',
    aboveHalf: 'The largest probability decides, even if it is below one half.',
    smallest: 'The answer is the class with the largest probability, not with the smallest.',
    meanProbability: 'An answer is right or wrong: its probability does not count.',
    // mostConfused
    diagonal: 'The diagonal counts the digits that were recognised.',
    columnBeforeRow: 'The row is the label, the column the prediction.',
    theCount: 'That is how often it happened: which label was taken for which?',
    // classMeans
    sums: 'These are the sums.',
    overAllPictures: 'Divide by the number of pictures of this class, not of all.',
    labelsIgnored: 'All classes have the same mean: which pictures belong to a class?',
    onePixel: 'Each class needs a mean picture, with a mean for each pixel.',
    // nearestMean
    farthest: 'That is the mean that differs most.',
    theDistance: 'That is the distance: to which of the means?',
    theRoot: 'That is the distance: to which of the means?',
    signsCancel: 'Differences of both signs cancel each other.',
    // classifier
    noProbabilities: 'They are no probabilities: look at the activation of the last layer.',
    lossDoesNotFit: 'This loss was made for other outputs than the probabilities of ten classes.',
    // shuffleTogether
    notTogether: 'Pictures and labels need the same order.',
    lostOrTwice: 'Each picture should occur once.',
  },
};

export type Messages = typeof en;
/** A remark on what is off: the second sentence of a hint. */
export type Remark = keyof Messages['remarks'];
