import { callOf, remarkOnKind } from './call';
import type { Messages, Remark } from './messages/en';
import { isClose, textOf } from './values';
import { Hint, type Verdict, runCheck } from './verdict';

/** A task to write a function whose results are known. */
export interface FunctionTask<Args extends unknown[], Result> {
  name: string;
  /** Arguments and the expected result, to six decimals. The first case is the one that a student would try first. */
  cases: [args: Args, expected: Result][];
  /** Typical mistakes: what a wrong function gives, and what to say to a student whose result is the same. */
  mistakes: { [remark in Remark]?: (...args: Args) => unknown };
}

/**
 * Checks a student's function on all cases.
 *
 * @param messages in the student's language.
 * @param task what is known about the function.
 * @param answer the student's function.
 * @returns right, or a hint about the first case that fails.
 * @example checkFunction(en, SOFTMAX, softmax)
 */
export function checkFunction<Args extends unknown[], Result>(
  messages: Messages,
  { name, cases, mistakes }: FunctionTask<Args, Result>,
  answer: (...args: Args) => Result,
): Verdict {
  return runCheck(messages, name, () => {
    for (const [args, expected] of cases) {
      callOf(messages, name, answer, args, (result, call) => {
        if (!isClose(result, expected)) {
          const known = (Object.keys(mistakes) as Remark[]).find((key) => isClose(result, mistakes[key]!(...args)));
          const remark = known ?? remarkOnKind(result, expected);
          throw new Hint(
            messages.returned(call, textOf(result), textOf(expected)) + (remark ? ` ${messages.remarks[remark]}` : ''),
          );
        }
      });
    }
  });
}
