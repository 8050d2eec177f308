import seedrandom from 'seedrandom';

// With `state: true`, seedrandom gives Math.random itself this method.
type SeededRandom = typeof Math.random & { state?: () => RandomState };

/**
 * Fixes all randomness that follows: tfjs draws initial weights and the shuffling of `fit` from Math.random, and so
 * does `sample`.
 *
 * @param seed the same number gives the same random numbers.
 * @example setSeed(13);
 */
export function setSeed(seed: number): void {
  seedrandom(String(seed), { global: true, state: true });
}

/** Where a sequence of random numbers stands. */
export type RandomState = seedrandom.State.Arc4;

/**
 * Where the sequence begun by `setSeed` stands now.
 *
 * @returns what `restoreRandomState` takes, plain JSON; null before any seed was set.
 * @example const state = randomState();
 */
export function randomState(): RandomState | null {
  return (Math.random as SeededRandom).state?.() ?? null;
}

/**
 * Lets the random numbers go on from where they stood.
 *
 * @param state what `randomState` gave, then or in another process.
 * @example restoreRandomState(state);
 */
export function restoreRandomState(state: RandomState): void {
  seedrandom('', { global: true, state });
}

/**
 * Draws at random without replacement: no element comes twice.
 *
 * @param population what to draw from; a number n stands for the indices 0 to n - 1.
 * @param size how many to draw.
 * @returns the elements in the order in which they were drawn.
 * @throws RangeError when `size` is not a whole number between 1 and the size of the population.
 * @example const indices = sample(60_000, 16);
 */
export function sample(population: number | number[], size: number): number[] {
  const remaining =
    typeof population === 'number' ? Array.from({ length: population }, (_, index) => index) : [...population];
  if (!Number.isInteger(size) || size < 1 || size > remaining.length) {
    throw new RangeError(`cannot sample ${size} of ${remaining.length} elements (expected 1-${remaining.length})`);
  }
  // The first steps of the Fisher-Yates shuffle.
  for (let place = 0; place < size; place++) {
    const drawn = place + Math.floor(Math.random() * (remaining.length - place));
    [remaining[place], remaining[drawn]] = [remaining[drawn], remaining[place]];
  }
  return remaining.slice(0, size);
}
