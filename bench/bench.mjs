// npm run bench: measures the lecture, and writes a section of results.md or better.md.
import { join, resolve } from 'node:path';
import { fail, readOptions, wholeNumber } from '../scripts/options.mjs';
import { notebook, root } from '../scripts/paths.mjs';
import { setUpOrExit } from '../scripts/setup.mjs';
import { writeSection } from './report.mjs';

const USAGE = `Usage: npm run bench [-- OPTIONS]

Compares the speed and memory of training with Keras and JAX, and those of the whole lecture with Keras.

  --rounds N        how often each side trains (default: 6)
  --epochs N        number of epochs per training, 2 or more (default: 6)
  --lectures N      how often each side runs the whole lecture (default: 3)

  --profile         measures where the time of an epoch goes instead (with --epochs)

  --memory          measures the memory of kernels that run the lecture at the same time instead (Linux)
  --notebook FILE   another notebook for that (default: the lecture)

  --kernel          measures the kernel beside tslab's own and ipykernel instead (with --rounds; Linux)

  --better          measures what dropout and random shifts of the digits bring instead: trains four networks per seed
  --seeds N         how many seeds for that (default: 3), with at most --epochs N (default: 40)

  --out FILE        the file in which the section is replaced (default: bench/results.md; of --better: bench/better.md)`;

const values = readOptions(USAGE, {
  rounds: { type: 'string', default: '6' },
  epochs: { type: 'string' },
  lectures: { type: 'string', default: '3' },
  profile: { type: 'boolean' },
  memory: { type: 'boolean' },
  notebook: { type: 'string', default: notebook },
  kernel: { type: 'boolean' },
  better: { type: 'boolean' },
  seeds: { type: 'string', default: '3' },
  out: { type: 'string' },
});
const rounds = wholeNumber('rounds', values.rounds, 1, USAGE);
const epochs = wholeNumber('epochs', values.epochs ?? (values.better ? '40' : '6'), 2, USAGE); // the first is not counted
const lectures = wholeNumber('lectures', values.lectures, 0, USAGE);

const seeds = wholeNumber('seeds', values.seeds, 1, USAGE);

if ([values.profile, values.memory, values.kernel, values.better].filter(Boolean).length > 1) {
  fail('--profile, --memory, --kernel and --better: expected one of them', USAGE);
}

await setUpOrExit();
// Each measurement is loaded when it is needed: the profile's loads TensorFlow.
const measure = async () => {
  if (values.profile) {
    return (await import('./profile.mjs')).measureProfile(epochs);
  }
  if (values.memory) {
    return (await import('./memory.mjs')).measureMemory(resolve(values.notebook));
  }
  if (values.kernel) {
    return (await import('./kernel.mjs')).measureKernel(rounds);
  }
  if (values.better) {
    return (await import('./better.mjs')).measureBetter(seeds, epochs);
  }
  return (await import('./speed.mjs')).measureSpeed(rounds, epochs, lectures);
};
const section = await measure();
console.log(section);
writeSection(values.out ?? join(root, 'bench', values.better ? 'better.md' : 'results.md'), section);
