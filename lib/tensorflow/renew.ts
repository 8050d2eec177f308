/** A value that holds memory outside JavaScript until it is disposed of: a tensor, a model, an optimizer. */
interface Disposable {
  dispose(): unknown;
}

// Module state, because a cell that is run again redeclares its variables: their old values would be lost.
const held = new Map<string, Disposable>();

/**
 * Keeps a value under a name and disposes of the previous value of that name, so that a cell that makes a tensor, a
 * model or an optimizer can be run again without using more and more memory.
 *
 * @param name by convention the variable's name.
 * @param value the new value. `renew` disposes of it when the next value of the same name comes.
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
      // A model throws if it has been disposed of already; then there is nothing to do.
    }
  }
  return value;
}
