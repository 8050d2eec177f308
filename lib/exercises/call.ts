import type { Messages, Remark } from './messages/en';
import { errorText, isClose, isNotFinite, textOf } from './values';
import { Hint } from './verdict';

/**
 * Calls a student's function on copies of the arguments and examines what it returns. Whatever goes wrong becomes a
 * `Hint`: no function, an error, changed arguments.
 *
 * @param messages in the student's language.
 * @param name of the function.
 * @param answer what the student calls it; should be a function.
 * @param args plain data.
 * @param examine gets what the function returned, and the call as text; may throw a `Hint`.
 * @param argsText how the call's text shows the arguments.
 * @returns what `examine` returns.
 * @throws Hint, and Stop, which is not the student's error.
 * @example callOf(messages, 'softmax', softmax, [[1, 2, 3]], (result) => isClose(result, [0.09003, 0.24473, 0.66524]))
 */
export function callOf<T>(
  messages: Messages,
  name: string,
  answer: unknown,
  args: unknown[],
  examine: (result: unknown, call: string) => T,
  argsText = args.map((argument) => textOf(argument)).join(', '),
): T {
  const call = `${name}(${argsText})`;
  try {
    if (typeof answer !== 'function') {
      throw new Hint(messages.notAFunction(name, textOf(answer)));
    }
    const given = structuredClone(args);
    const result: unknown = (answer as (...args: unknown[]) => unknown)(...given);
    if (result instanceof Promise) {
      result.catch(() => {}); // the hint speaks of the promise: its error must not appear below a later cell
    }
    const changed = args.findIndex((argument, index) => !isClose(given[index], argument));
    if (changed >= 0) {
      throw new Hint(messages.changedInput(call, textOf(args[changed]), textOf(given[changed])));
    }
    return examine(result, call);
  } catch (error) {
    if (error instanceof Hint || isStop(error)) {
      throw error;
    }
    throw new Hint(messages.threw(call, errorText(error)));
  }
}

/** Whether the kernel threw an error into the running code because of Stop (kernel/cells/runner.ts). */
function isStop(error: unknown): boolean {
  return error instanceof Error && error.name === 'Interrupted';
}

/**
 * Says what is off with any result of the wrong kind, whatever the task.
 *
 * @returns the remark; null if result and expected value differ only in their numbers.
 */
export function remarkOnKind(result: unknown, expected: unknown): Remark | null {
  if (result === undefined) {
    return 'nothing';
  }
  if (result instanceof Promise) {
    return 'promise';
  }
  if (typeof expected === 'number' && typeof result !== 'number') {
    return 'notANumber';
  }
  if (Array.isArray(expected) && !Array.isArray(result)) {
    return 'notAList';
  }
  if (isNotFinite(result, expected)) {
    return 'notFinite';
  }
  return Array.isArray(expected) && (result as unknown[]).length !== expected.length ? 'length' : null;
}
