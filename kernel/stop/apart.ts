import { Session } from 'node:inspector';

const session = new Session();
session.connect();

const NAME = 'mnist-kernel.call';
let called: () => void;
Object.defineProperty(globalThis, Symbol.for(NAME), { value: () => called() });

/**
 * Calls a function so that termination ends this function only, and not also the code of Node and of the kernel that calls it.
 * Without their `finally` blocks, Node's list of immediates and its async hooks would stay broken for good. In V8, termination
 * ends where `Runtime.evaluate` began (`EvaluateScope` in V8's src/inspector/injected-script.cc).
 *
 * @throws what the function throws.
 */
export function callApart(work: () => void): void {
  let thrown: { error: unknown } | undefined;
  called = () => {
    try {
      work();
    } catch (error) {
      thrown = { error };
    }
  };
  session.post('Runtime.evaluate', { expression: `globalThis[Symbol.for('${NAME}')]()`, silent: true });
  if (thrown) {
    throw thrown.error;
  }
}
