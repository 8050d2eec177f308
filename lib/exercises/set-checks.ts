// Checks of functions that rearrange examples, whose results may be random: what must hold for each of them.
import { callOf, remarkOnKind } from './call';
import type { Messages } from './messages/en';
import { textOf } from './values';
import { Hint, type Verdict, runCheck } from './verdict';

/** Pictures and their labels, in the same order. */
export interface Examples {
  pictures: number[][];
  labels: number[];
}

const COUNT = 20; // unchanged by chance in one of 20! shuffles

/** Checks a function that shuffles pictures and labels: each picture once, with its label, in another order. */
export function checkShuffle(
  messages: Messages,
  shuffle: (pictures: number[][], labels: number[]) => Examples,
): Verdict {
  const name = 'shuffleTogether';
  const pictures = Array.from({ length: COUNT }, (_, index) => [index]);
  const labels = pictures.map(([pixel]) => pixel % 10);
  return runCheck(messages, name, () => {
    const examine = (result: unknown, call: string): void => {
      const shuffled = parts(messages, result, call, { pictures: COUNT, labels: COUNT });
      const order = shuffled.pictures.map((picture) => (picture as number[])[0]);
      const wrong = order.findIndex((picture, position) => shuffled.labels[position] !== picture % 10);
      const missing = pictures.findIndex(([pixel]) => !order.includes(pixel));
      if (missing >= 0) {
        const occurrences = order.map((picture) => textOf(picture)).join(', ');
        const all = pictures.flat().join(', ');
        throw new Hint(`${messages.returned(call, occurrences, all)} ${messages.remarks.lostOrTwice}`);
      }
      if (wrong >= 0) {
        const [picture, label] = [order[wrong], textOf(shuffled.labels[wrong])];
        throw new Hint(`${messages.pair(call, picture, label, picture % 10)} ${messages.remarks.notTogether}`);
      }
      if (order.every((picture, position) => picture === position)) {
        throw new Hint(messages.unchanged(call));
      }
    };
    callOf(messages, name, shuffle, [pictures, labels], examine, 'pictures, labels');
  });
}

/** Checks a function that splits the indices of digits: each is in one part. */
export function checkSplit(
  messages: Messages,
  split: (count: number, numTest: number) => { training: number[]; test: number[] },
): Verdict {
  const [name, numTest] = ['split', 5];
  return runCheck(messages, name, () => {
    callOf(messages, name, split, [COUNT, numTest], (result, call) => {
      const { training, test } = parts(messages, result, call, { test: numTest });
      if (!Array.isArray(training) || training.length > COUNT) {
        parts(messages, result, call, { training: COUNT - numTest });
      }
      const both = test.find((index) => training.includes(index));
      if (both !== undefined) {
        throw new Hint(messages.inBoth(call, textOf(both)));
      }
      const all = Array.from({ length: COUNT }, (_, index) => index);
      const none = all.find((index) => !training.includes(index) && !test.includes(index));
      if (none !== undefined) {
        throw new Hint(messages.inNone(call, none));
      }
      parts(messages, result, call, { training: COUNT - numTest });
    });
  });
}

/** The lists in an object. Throws a `Hint` if one is missing or has another length than expected. */
function parts<Name extends string>(
  messages: Messages,
  result: unknown,
  call: string,
  lengths: Record<Name, number>,
): Record<string, unknown[]> {
  const kind = remarkOnKind(result, null);
  if (kind || typeof result !== 'object' || result === null) {
    const expected = `{ ${Object.keys(lengths).join(', ')} }`;
    throw new Hint(`${messages.returned(call, textOf(result), expected)} ${kind ? messages.remarks[kind] : ''}`.trim());
  }
  for (const [name, length] of Object.entries<number>(lengths)) {
    const list = (result as Record<string, unknown>)[name];
    if (!Array.isArray(list) || list.length !== length) {
      throw new Hint(messages.count(call, name, Array.isArray(list) ? String(list.length) : textOf(list), length));
    }
  }
  return result as Record<string, unknown[]>;
}
