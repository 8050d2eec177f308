import * as tf from '@tensorflow/tfjs-node';
import { checkSingle } from '../training/check-arguments';

/** A layer of a model: its name, or its index in `model.layers`. */
export type LayerChoice = string | number;

/** Finds a layer; by default the first Dense layer, in the lecture the hidden one. */
export function chosenLayer(model: tf.LayersModel, choice?: LayerChoice): tf.layers.Layer {
  const { layers } = model;
  const index = layers.findIndex((layer, position) =>
    choice === undefined ? layer.getClassName() === 'Dense' : choice === layer.name || choice === position,
  );
  if (index < 0) {
    const names = layers.map(({ name }, position) => `${position} ${name}`).join(', ') || 'none';
    throw new RangeError(
      choice === undefined
        ? `the model has no Dense layer (its layers: ${names})`
        : `the model has no layer ${choice} (expected the index or the name of one: ${names})`,
    );
  }
  return layers[index];
}

/** The weights of a Dense layer, float32 [inputs, units]. They belong to the layer. */
export function kernelOf(layer: tf.layers.Layer): tf.Tensor2D {
  if (layer.getClassName() !== 'Dense') {
    throw new RangeError(`${layer.name} is a layer of the kind ${layer.getClassName()} (expected Dense)`);
  }
  return layer.weights[0].read() as tf.Tensor2D;
}

/** The part of a model up to a tensor inside. It shares the layers with the model: do not dispose of it. */
export function modelUpTo(model: tf.LayersModel, outputs: tf.SymbolicTensor): tf.LayersModel {
  checkSingle(model, 'choose a model with one of each');
  return tf.model({ inputs: model.inputs, outputs });
}

/**
 * The logits of a model, as a function of its inputs: what its softmax turns into probabilities. Where a probability is
 * rounded to 1 or 0, the logits still differ.
 *
 * @param model whose last activation is softmax: that of a Dense layer, or a layer of its own.
 * @returns maps float32 [count, ...] to float32 [count, numClasses]; gradients go through it.
 * @throws RangeError if the model ends with anything else.
 */
export function logitsOf(model: tf.LayersModel): (x: tf.Tensor) => tf.Tensor {
  const last = model.layers[model.layers.length - 1];
  const kind = last?.getClassName();
  const { activation } = last?.getConfig() ?? {};
  const isSoftmax = kind === 'Softmax' || activation === 'softmax';
  if (!isSoftmax || !['Dense', 'Activation', 'Softmax'].includes(kind)) {
    const found = last
      ? `${last.name} (${kind}${typeof activation === 'string' ? `, ${activation}` : ''})`
      : 'no layer';
    throw new RangeError(`the model ends with ${found} (expected a layer with the activation softmax)`);
  }
  const before = modelUpTo(model, last.input as tf.SymbolicTensor);
  const [kernel, bias] = last.weights.map((weight) => weight.read() as tf.Tensor2D); // none if softmax is a layer of its own
  return (x) => {
    const inputs = before.apply(x) as tf.Tensor;
    const products = kernel ? tf.matMul(inputs, kernel) : inputs;
    return bias ? products.add(bias) : products;
  };
}
