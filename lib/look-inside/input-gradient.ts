import * as tf from '@tensorflow/tfjs-node';
import { checkInputs } from '../training/check-arguments';
import { logitsOf } from './layers';

/**
 * How the answer of a network changes with each pixel: the gradient of the log-odds log(p / (1 - p)) by the input, where
 * p is the probability of a class. Where it is positive, more ink makes the class more likely.
 *
 * Of the logits z, the log-odds of class c are z_c - log(sum of e^(z_k) over the other classes k). They have the same
 * uphill direction as log p. But the closer p is to 1, the smaller the gradient of log p: it is 1 - p times this one.
 *
 * Source: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", 2013, who take the gradient of
 * z_c.
 *
 * @param model a built model that ends with softmax.
 * @param x float32 [count, ...], the model's inputs. The caller disposes of it.
 * @param labels the class of each input, 0 to numClasses - 1: the one whose probability matters.
 * @returns float32 of the shape of x: change of the log-odds per unit of input. The caller disposes of it.
 * @throws RangeError if the model does not end with softmax, if x does not suit it, if a label is not a class, or if
 *   there is not one label per input.
 * @example const gradients = inputGradient(model, testX.slice(0, 2), [7, 2]);
 */
export function inputGradient(model: tf.LayersModel, x: tf.Tensor, labels: ArrayLike<number>): tf.Tensor {
  const logits = logitsOf(model);
  checkInputs(model, 'x', x);
  const numClasses = model.outputs[0].shape[1]!;
  if (labels.length !== x.shape[0]) {
    throw new RangeError(`${labels.length} labels for ${x.shape[0]} inputs (expected one each)`);
  }
  const classes = Array.from(labels);
  const wrong = classes.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < numClasses));
  if (wrong >= 0) {
    throw new RangeError(`label ${classes[wrong]} at index ${wrong} is not a class (expected 0-${numClasses - 1})`);
  }
  return tf.tidy(() => {
    const isClass = tf.oneHot(tf.tensor1d(classes, 'int32'), numClasses).toBool();
    const logOdds = (inputs: tf.Tensor): tf.Tensor => {
      const z = logits(inputs); // [count, numClasses]
      const others = tf.where(isClass, tf.fill(z.shape, -Infinity), z);
      // The gradient of where is 0 at what it leaves out.
      return tf.sum(tf.where(isClass, z, tf.zerosLike(z))).sub(tf.sum(tf.logSumExp(others, 1)));
    };
    return tf.grad(logOdds)(x.toFloat());
  });
}
