import { Session } from 'node:inspector';

const session = new Session();
session.connect();

const NAME = 'mnist-kernel.call';
const EXPRESSION = `globalThis[Symbol.for('${NAME}')]()`;
const nothing = (): void => undefined;
let called = nothing;
Object.defineProperty(globalThis, Symbol.for(NAME), { value: () => called() });

/**
 * Calls a function so that termination ends this function only, and not also the code of Node and of the kernel that calls it.
 * Without their `finally` blocks, Node's list of immediates and its async hooks would stay broken for good. In V8, termination
 * ends where `Runtime.evaluate` began (`EvaluateScope` in V8's src/inspector/injected-script.cc).
 *
 * @returns what the function returns; undefined if it was terminated.
 * @throws what the function throws.
 */
export function callApart<T>(work: () => T): T | undefined {
  let outcome: { value: T } | { error: unknown } | undefined;
  called = () => {
    try {
      outcome = { value: work() };
    } catch (error) {
      outcome = { error };
    }
  };
  session.post('Runtime.evaluate', { expression: EXPRESSION, silent: true });
  called = nothing; // what the function holds can be collected
  if (outcome && 'error' in outcome) {
    throw outcome.error;
  }
  return outcome?.value;
}
