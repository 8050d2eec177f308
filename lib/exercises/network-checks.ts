// Checks of networks and their data: numbers, a history, and functions that return tensors or models.
import * as tf from '@tensorflow/tfjs-node';
import { type IdxArray, idxArray } from '../data/idx';
import { callOf } from './call';
import type { Messages } from './messages/en';
import { textOf } from './values';
import { Hint, type Verdict, runCheck } from './verdict';

const INPUTS = 784;
const NUM_CLASSES = 10;
const MAX_PARAMETERS = 100_000;
const TOLERANCE = 1e-3; // of sums of float32

const parameterCount = (units: number): number => INPUTS * units + units + units * NUM_CLASSES + NUM_CLASSES;

/** Checks that a network with this many hidden neurons is the largest one within the limit. */
export function checkUnits(messages: Messages, units: number): Verdict {
  return runCheck(messages, 'units', () => {
    if (!Number.isInteger(units) || units < 1) {
      throw new Hint(messages.units(textOf(units)));
    }
    const count = parameterCount(units);
    if (count > MAX_PARAMETERS || parameterCount(units + 1) <= MAX_PARAMETERS) {
      const { tooMany, moreFit } = messages.remarks;
      const fact = messages.parameters(units, count.toLocaleString('en'), MAX_PARAMETERS.toLocaleString('en'));
      throw new Hint(`${fact} ${count > MAX_PARAMETERS ? tooMany : moreFit}`);
    }
  });
}

/** Checks that training reached an accuracy on the validation data. */
export function checkHistory(messages: Messages, history: unknown, goal: number): Verdict {
  return runCheck(messages, 'history', () => {
    const { loss, val_acc: accuracies } =
      (history as { history?: Partial<Record<string, unknown[]>> } | null | undefined)?.history ?? {};
    if (!Array.isArray(loss) || !Array.isArray(accuracies) || accuracies.length === 0) {
      throw new Hint(messages.notAHistory(textOf(history)));
    }
    const [first, last, accuracy] = [loss[0], loss.at(-1), accuracies.at(-1)] as number[];
    if (!(accuracy >= goal)) {
      const remark = last < first ? messages.remarks.slow : messages.remarks.lossGrew;
      throw new Hint(`${messages.learned(textOf(accuracy), accuracies.length, textOf(goal))} ${remark}`);
    }
  });
}

/** Two pictures whose bytes are 0, 51, 102, 153, 204, 255, and again from the beginning. */
const PICTURES = idxArray(
  [2, 28, 28],
  Uint8Array.from({ length: 2 * INPUTS }, (_, index) => 51 * (index % 6)),
);

/** Checks a function that makes a network's input of pictures. Disposes of the tensor that it returns. */
export function checkPrepare(messages: Messages, prepare: (images: IdxArray) => tf.Tensor): Verdict {
  return runCheck(messages, 'prepare', () => {
    const examine = (result: unknown, call: string): void => {
      if (!(result instanceof tf.Tensor)) {
        throw new Hint(messages.notATensor(call, textOf(result)));
      }
      const tensor = result as tf.Tensor;
      if (tensor.shape.join() !== `2,${INPUTS}`) {
        throw new Hint(messages.shape(call, tensor.shape.join(', '), `2, ${INPUTS}`));
      }
      const { unscaled, twice } = messages.remarks;
      tensor.dataSync().forEach((value, index) => {
        const byte = PICTURES.data[index];
        if (!(Math.abs(value - byte / 255) < TOLERANCE)) {
          const remark = Math.abs(value - byte) < TOLERANCE ? ` ${unscaled}` : value < byte / 255 ? ` ${twice}` : '';
          throw new Hint(messages.pixel(call, byte, textOf(value), textOf(byte / 255)) + remark);
        }
      });
    };
    tf.tidy(() => callOf(messages, 'prepare', prepare, [PICTURES], examine, 'images'));
  });
}

/** Checks a function that builds and compiles a network which classifies digits. Disposes of the network. */
export function checkClassifier(messages: Messages, build: () => tf.LayersModel): Verdict {
  return runCheck(messages, 'buildClassifier', () => {
    callOf(messages, 'buildClassifier', build, [], (model, call) => {
      if (!(model instanceof tf.LayersModel)) {
        throw new Hint(messages.notAModel(call, textOf(model)));
      }
      try {
        tf.tidy(() => examineClassifier(messages, model, call));
      } finally {
        if (model.optimizer) {
          model.optimizer.dispose();
        }
        model.dispose();
      }
    });
  });
}

function examineClassifier(messages: Messages, model: tf.LayersModel, call: string): void {
  const [inputs, outputs] = [model.inputs[0].shape, model.outputs[0].shape];
  if (inputs.length !== 2 || inputs[1] !== INPUTS || outputs[1] !== NUM_CLASSES) {
    const text = (shape: (number | null)[]): string => shape.map((size) => size ?? 'batch').join(', ');
    throw new Hint(
      messages.shape(call, `${text(inputs)}] → [${text(outputs)}`, `batch, ${INPUTS}] → [batch, ${NUM_CLASSES}`),
    );
  }
  const linear = model.layers.slice(0, -1).find((layer) => layer.getConfig().activation === 'linear');
  if (linear) {
    throw new Hint(messages.hiddenLayer(linear.name));
  }
  // Three pictures of the digits 3, 1 and 4, with all shades of grey.
  const digits = [3, 1, 4];
  const x = tf.linspace(0, 1, digits.length * INPUTS).reshape([digits.length, INPUTS]);
  const y = tf.oneHot(tf.tensor1d(digits, 'int32'), NUM_CLASSES).toFloat();
  const probabilities = (model.predict(x) as tf.Tensor2D).arraySync();
  for (const row of probabilities) {
    const total = row.reduce((sum, probability) => sum + probability, 0);
    if (!(Math.abs(total - 1) < TOLERANCE) || Math.min(...row) < 0) {
      throw new Hint(`${messages.outputSums(textOf(total))} ${messages.remarks.noProbabilities}`);
    }
  }
  if (!model.optimizer) {
    throw new Hint(messages.notCompiled(call));
  }
  const expected = digits.reduce((sum, digit, index) => sum - Math.log(probabilities[index][digit]), 0) / digits.length;
  const [loss] = [model.evaluate(x, y)].flat()[0].dataSync();
  if (!(Math.abs(loss - expected) < TOLERANCE * expected)) {
    throw new Hint(`${messages.loss(textOf(loss), textOf(expected))} ${messages.remarks.lossDoesNotFit}`);
  }
}
