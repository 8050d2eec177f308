/** What holds memory outside JavaScript until it is told to let go: tensors, models, optimizers. */
interface Disposable {
  dispose(): unknown;
}

// The reason for this state: a notebook's variables are declared anew each time a cell runs, and nobody else knows
// what they held before.
const held = new Map<string, Disposable>();

/**
 * Keeps one value under a name and disposes of the one that was kept under it before, so that a cell which makes a
 * tensor, a model or an optimizer can be run again and nothing piles up.
 *
 * @param name by custom the variable's.
 * @param value made anew; from now on `renew` disposes of it, when the next one comes under the same name.
 * @returns `value`.
 * @example const trainX = renew('trainX', normalize(trainPixels));
 */
export function renew<T extends Disposable>(name: string, value: T): T {
  const previous = held.get(name);
  held.set(name, value);
  if (previous && previous !== value) {
    try {
      previous.dispose();
    } catch {
      // A model throws when it is disposed of twice: somebody freed it by hand, which is as good.
    }
  }
  return value;
}
