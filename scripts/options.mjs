import { parseArgs } from 'node:util';

/** @typedef {NonNullable<import('node:util').ParseArgsConfig['options']>} Options */

/**
 * Reads a script's options. Answers `--help` with its usage and anything that it does not know with a sentence, and ends
 * the process in both cases. To be called before set-up, which may take minutes.
 *
 * @template {Options} T
 * @param {string} usage
 * @param {T} options
 * @returns {ReturnType<typeof parseArgs<{ options: T }>>['values']} the values of the options.
 * @example const { out } = readOptions('Usage: npm run lecture -- [--out DIR]', { out: { type: 'string' } });
 */
export function readOptions(usage, options) {
  const help = /** @type {const} */ ({ type: 'boolean', short: 'h' });
  try {
    const { values } = parseArgs({ options: { ...options, help } });
    if (!(/** @type {{ help?: boolean }} */ (values).help)) {
      return /** @type {any} */ (values);
    }
  } catch (error) {
    fail(/** @type {Error} */ (error).message.split(/\.\s/)[0], usage);
  }
  console.log(usage);
  process.exit(0);
}

/**
 * Reads the value of an option that is a whole number. Ends the process with a sentence if it is anything else.
 *
 * @param {string} name
 * @param {string} text the value as typed.
 * @param {number} least
 * @param {string} usage
 * @example const epochs = wholeNumber('epochs', values.epochs, 1, USAGE);
 */
export function wholeNumber(name, text, least, usage) {
  if (!/^\d+$/.test(text) || Number(text) < least) {
    fail(`--${name} ${text}: expected a whole number, ${least} or more`, usage);
  }
  return Number(text);
}

/**
 * Reads the value of an option that is one of the keys of an object. Ends the process with a sentence if it is none.
 *
 * @template {object} T
 * @param {T} choices
 * @param {string} name
 * @param {string} text the value as typed.
 * @param {string} usage
 * @returns {keyof T}
 * @example const edition = editions[oneOf(editions, 'language', values.language, USAGE)];
 */
export function oneOf(choices, name, text, usage) {
  if (!Object.hasOwn(choices, text)) {
    fail(`--${name} ${text}: expected ${Object.keys(choices).join(' or ')}`, usage);
  }
  return /** @type {keyof T} */ (text);
}

/**
 * Ends the process because of a wrong option.
 *
 * @param {string} what
 * @param {string} usage
 * @returns {never}
 */
export function fail(what, usage) {
  console.error(`${what}.\n\n${usage}`);
  process.exit(2);
}
