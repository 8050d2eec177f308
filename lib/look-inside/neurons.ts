import * as tf from '@tensorflow/tfjs-node';
import { predict } from '../evaluation';
import { type LayerChoice, chosenLayer, kernelOf, modelUpTo } from './layers';

/**
 * The neurons that can move the answer most. The measure is the length (the square root of the sum of squares) of the
 * weights into a neuron times the length of the weights out of it. With ReLU, twice the weights into a neuron and half
 * of those out of it give the same network; this measure stays the same, too.
 *
 * @param model a built model.
 * @param count how many neurons.
 * @param layer the name or index of a Dense layer, by default the first. Up to the next Dense layer, only layers without
 *   weights may follow, such as dropout.
 * @returns indices of neurons, the strongest first.
 * @throws RangeError if the layer is not there or not Dense, if no Dense layer follows it, or if it has fewer neurons.
 * @example const neurons = strongestNeurons(model, 16);
 */
export function strongestNeurons(model: tf.LayersModel, count: number, layer?: LayerChoice): number[] {
  const chosen = chosenLayer(model, layer);
  const weightsIn = kernelOf(chosen); // [inputs, units]
  const next = model.layers.slice(model.layers.indexOf(chosen) + 1).find(({ weights }) => weights.length > 0);
  if (next?.getClassName() !== 'Dense') {
    const follows = next ? `a layer of the kind ${next.getClassName()}` : 'no layer with weights';
    throw new RangeError(`after ${chosen.name} comes ${follows} (expected a Dense layer)`);
  }
  const units = weightsIn.shape[1];
  if (!Number.isInteger(count) || count < 1 || count > units) {
    throw new RangeError(`cannot choose ${count} of the ${units} neurons of ${chosen.name} (expected 1-${units})`);
  }
  return tf.tidy(() => {
    const weightsOut = kernelOf(next); // [units, outputs]
    const strengths = weightsIn.norm(2, 0).mul(weightsOut.norm(2, 1)); // [units]
    return Array.from(tf.topk(strengths, count).indices.dataSync());
  });
}

/**
 * The outputs of a layer, after its activation function: which neurons an image lights up, and how much. Layers that act
 * in training only, such as dropout, do nothing.
 *
 * @param model a built model.
 * @param x [count, ...], the model's inputs: float32, int32 or bool. The caller disposes of it.
 * @param layer the name or index of a layer with outputs of shape [count, units], by default the first Dense layer.
 * @returns float32 [count, units]. The caller disposes of it.
 * @throws RangeError if there is no such layer, or if x does not suit the model.
 * @example const activations = hiddenActivations(model, testX.slice(0, 3)); // [3, 1000]
 */
export function hiddenActivations(model: tf.LayersModel, x: tf.Tensor, layer?: LayerChoice): tf.Tensor2D {
  return predict(modelUpTo(model, chosenLayer(model, layer).output as tf.SymbolicTensor), x);
}
