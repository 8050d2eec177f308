// How checks compare and write the values that students' functions take and return.
import * as tf from '@tensorflow/tfjs-node';

/** How far a number may be from the expected one. Expected values are written with six decimals. */
const TOLERANCE = 1e-4;
const DIGITS = 4;
const MAX_ELEMENTS = 12;
const MAX_TEXT = 60;
const MAX_DEPTH = 3;

/**
 * Whether a value is the expected one: numbers up to a tolerance, NaN equal to NaN, lists element by element, objects
 * by the expected keys.
 *
 * @throws if reading `value` does.
 * @example isClose([0.33333], [1 / 3]) // true
 */
export function isClose(value: unknown, expected: unknown): boolean {
  if (typeof expected === 'number') {
    return typeof value === 'number' && (Object.is(value, expected) || Math.abs(value - expected) <= TOLERANCE);
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(value) &&
      value.length === expected.length &&
      expected.every((element, index) => isClose(value[index], element))
    );
  }
  if (typeof expected === 'object' && expected !== null) {
    return (
      typeof value === 'object' &&
      value !== null &&
      Object.entries(expected).every(([key, element]) => isClose((value as Record<string, unknown>)[key], element))
    );
  }
  return value === expected;
}

/**
 * Whether a value has NaN or an infinite number in a place where a number is expected. Looks no further than the expected
 * value reaches: a list may have four billion elements.
 *
 * @throws if reading `value` does.
 * @example isNotFinite([1, NaN], [1, 2]) // true
 */
export function isNotFinite(value: unknown, expected: unknown): boolean {
  return Array.isArray(expected)
    ? Array.isArray(value) && expected.some((element, index) => isNotFinite(value[index], element))
    : typeof value === 'number' && !Number.isFinite(value);
}

/**
 * Writes any value in a line, as code where possible: numbers with four digits, the beginning of long lists.
 *
 * @throws if reading `value` does.
 * @example textOf([1, 2 / 3]) // '[1, 0.6667]'
 */
export function textOf(value: unknown, depth = 0): string {
  if (typeof value === 'number') {
    return String(Number.isInteger(value) ? value + 0 : Number(value.toPrecision(DIGITS))); // + 0: no -0
  }
  if (typeof value === 'string') {
    return JSON.stringify(shortened(value));
  }
  if (typeof value === 'bigint') {
    return `${value}n`;
  }
  if (typeof value === 'function') {
    return `function ${value.name}`.trim();
  }
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  if (value instanceof tf.Tensor) {
    return `Tensor [${(value as tf.Tensor).shape.join(', ')}]`;
  }
  const { name = 'Object' } = (value.constructor as { name?: string } | undefined) ?? {};
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    const list = value as ArrayLike<unknown>;
    const shown = Array.from({ length: Math.min(list.length, MAX_ELEMENTS) }, (_, index) => list[index]);
    const more = list.length > MAX_ELEMENTS ? ', ...' : '';
    const elements = depth < MAX_DEPTH ? shown.map((element) => textOf(element, depth + 1)).join(', ') : '...';
    return `${Array.isArray(value) ? '' : `${name} `}[${elements}${more}]`;
  }
  if (name !== 'Object' || depth >= MAX_DEPTH) {
    return name;
  }
  const entries = Object.entries(value).slice(0, MAX_ELEMENTS);
  return `{ ${entries.map(([key, element]) => `${key}: ${textOf(element, depth + 1)}`).join(', ')} }`;
}

/** The message of what was thrown, which need not be an Error. */
export function errorText(error: unknown): string {
  try {
    return shortened(error instanceof Error ? error.message || error.name : textOf(error), 4 * MAX_TEXT);
  } catch {
    return '?'; // reading it throws
  }
}

function shortened(text: string, length = MAX_TEXT): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}
