// Sets up what is missing, and only that. Each step knows whether it is done, and its result appears whole or not at
// all, so that set-up can be killed at any moment and run again.
//
// `npm run setup` runs it alone; `npm start`, `npm test` and `npm run lecture` begin with it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from './options.mjs';
import { root, workFolder } from './paths.mjs';
import { CommandError, SetupError, remedyFor } from './setup/errors.mjs';
import { withLock } from './setup/lock.mjs';
import { checkPrerequisites } from './setup/prerequisites.mjs';
import { stopOnSignals } from './setup/run-command.mjs';
import { quickSteps, steps } from './setup/steps.mjs';

/** @import { Step } from './setup/steps.mjs' */

/** Sets up what is missing. Takes a few milliseconds when there is nothing to do. */
export async function setUp() {
  const missing = missingSteps();
  if (missing.length > 0) {
    if (workFolder !== root) {
      throw new SetupError(
        `Set-up is incomplete (missing, or you may not read it: ${titlesOf(missing)}), and ${root} may not be written ` +
          'to: whoever may must run `npm run setup` there, with XDG_CACHE_HOME naming a folder that you may read.',
      );
    }
    await run(steps, console.log);
    console.log('Everything is set up.');
  }
}

/**
 * Builds what has changed, for `npx jest`. Leaves the long steps to `npm run setup`, and keeps stdout for jest.
 *
 * @throws {SetupError} if one of the long steps is missing.
 */
export async function build() {
  const missing = missingSteps();
  const long = missing.filter((step) => !quickSteps.includes(step));
  if (long.length > 0) {
    throw new SetupError(`Set-up is incomplete (missing: ${titlesOf(long)}): run \`npm run setup\`.`);
  }
  if (missing.length > 0) {
    await run(quickSteps, console.error);
  }
}

/** The steps that are still to be done. */
export function missingSteps() {
  return steps.filter((step) => !step.isDone());
}

/** @param {Step[]} steps */
export function titlesOf(steps) {
  return steps.map(({ title }) => title).join('; ');
}

/**
 * Runs those of the steps that are not done, one after another.
 *
 * @param {Step[]} wanted
 * @param {(line: string) => void} print
 */
async function run(wanted, print) {
  checkPrerequisites(wanted.filter((step) => !step.isDone()));
  const ignoreSignals = stopOnSignals();
  await withLock(join(root, '.setup.lock'), print, async () => {
    for (const step of wanted) {
      // Another set-up may have done it since.
      if (!step.isDone()) {
        await runStep(step, print);
      }
    }
  });
  ignoreSignals();
}

/**
 * @param {Step} step
 * @param {(line: string) => void} print
 */
async function runStep(step, print) {
  const number = steps.indexOf(step) + 1;
  print(`[${number}/${steps.length}] ${step.title}${step.megabytes ? `, ${step.megabytes} MB` : ''}`);
  try {
    await step.run(print);
  } catch (error) {
    if (error instanceof SetupError) {
      throw error;
    }
    const { message } = /** @type {Error} */ (error);
    const remedy = remedyFor(error instanceof CommandError ? error.command : undefined, message);
    throw new SetupError(`Step ${number} of ${steps.length} failed: ${step.title}.\n${remedy}`);
  }
}

/** For scripts that begin with set-up: if it fails, prints why and ends the process. */
export const setUpOrExit = () => runOrExit(setUp);

/** For jest: if the build fails, prints why and ends the process. */
export const buildOrExit = () => runOrExit(build);

/** @param {() => Promise<void>} work */
async function runOrExit(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  readOptions('Usage: npm run setup\n\nSets up what is missing, and only that.', {});
  await setUpOrExit();
}
