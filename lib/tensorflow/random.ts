import seedrandom from 'seedrandom';

// With `state: true`, seedrandom adds this method to Math.random.
type SeededRandom = typeof Math.random & { state?: () => RandomState };

/**
 * Seeds Math.random, which tfjs uses for initial weights and for shuffling in `fit`, and `sample` for its draws.
 *
 * @param seed the same seed always leads to the same random numbers.
 * @example setSeed(13);
 */
export function setSeed(seed: number): void {
  seedrandom(String(seed), { global: true, state: true });
}

/** The state of the random number generator. */
export type RandomState = seedrandom.State.Arc4;

/**
 * Returns the current state of the random numbers.
 *
 * @returns the state for `restoreRandomState`, plain JSON; null if no seed has been set.
 * @example const state = randomState();
 */
export function randomState(): RandomState | null {
  return (Math.random as SeededRandom).state?.() ?? null;
}

/**
 * Continues the random numbers from an earlier state.
 *
 * @param state a result of `randomState`, also from another process.
 * @example restoreRandomState(state);
 */
export function restoreRandomState(state: RandomState): void {
  seedrandom('', { global: true, state });
}

/**
 * Draws a random sample without replacement: no element is drawn twice.
 *
 * @param population the elements to draw from; a number n stands for the indices 0 to n - 1.
 * @param size the number of elements to draw.
 * @returns the elements in the order in which they were drawn.
 * @throws RangeError if `size` is not a whole number between 1 and the size of the population.
 * @example const indices = sample(60_000, 16);
 */
export function sample(population: number | number[], size: number): number[] {
  const remaining =
    typeof population === 'number' ? Array.from({ length: population }, (_, index) => index) : [...population];
  if (!Number.isInteger(size) || size < 1 || size > remaining.length) {
    throw new RangeError(`cannot sample ${size} of ${remaining.length} elements (expected 1-${remaining.length})`);
  }
  // The first steps of the Fisher-Yates shuffle.
  for (let index = 0; index < size; index++) {
    const drawn = index + Math.floor(Math.random() * (remaining.length - index));
    [remaining[index], remaining[drawn]] = [remaining[drawn], remaining[index]];
  }
  return remaining.slice(0, size);
}
