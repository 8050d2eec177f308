// Runs code in the REPL mode of V8's console: declarations persist and can be made again.
// https://chromedevtools.github.io/devtools-protocol/tot/Runtime/#method-evaluate
import { Session, type Runtime } from 'node:inspector';

export type Outcome = { value: unknown } | { error: unknown } | 'terminated';

const session = new Session();
session.connect();

/** Receives the value behind a reference of V8's protocol. */
let received: unknown;
const receiver = referenceTo((value: unknown) => void (received = value));

/**
 * Runs code, and waits for what it awaits.
 *
 * @param name the code's name in stack traces; without spaces.
 * @param done is called with the value of the last expression or with what was thrown; never if the code awaits something
 *   that does not come, or was terminated after an await.
 */
export function evaluate(code: string, name: string, done: (outcome: Outcome) => void): void {
  const expression = `${code}\n//# sourceURL=${name}`;
  session.post('Runtime.evaluate', { expression, replMode: true } as Runtime.EvaluateParameterType, (error, result) => {
    if (error) {
      // "Promise was collected" means that nothing can fulfill it any more: the cell waits until it is stopped.
      if (!/collected/.test(String(error.message))) {
        done('terminated');
      }
    } else if (result.exceptionDetails) {
      done({ error: valueOf(result.exceptionDetails.exception!) });
    } else {
      done({ value: valueOf(result.result) });
    }
  });
}

/** The value of a name; undefined if it is not declared, or its declaration was not reached. */
export function bindingOf(name: string): { value: unknown } | undefined {
  let binding: { value: unknown } | undefined;
  session.post('Runtime.evaluate', { expression: name, silent: true }, (error, result) => {
    binding = error || result.exceptionDetails ? undefined : { value: valueOf(result.result) };
  });
  return binding;
}

/** The names of all variables that cells have declared, in V8. */
export function variableNames(): Set<string> {
  let names: string[] = [];
  session.post('Runtime.globalLexicalScopeNames', (_error, result) => ({ names } = result));
  return new Set(names);
}

/** The id by which V8's protocol can call a function. */
function referenceTo(work: (value: unknown) => void): string {
  const name = Symbol.for('mnist-kernel.receive');
  const global = globalThis as Record<symbol, unknown>;
  global[name] = work;
  let reference = '';
  session.post(
    'Runtime.evaluate',
    { expression: `globalThis[Symbol.for('${Symbol.keyFor(name)}')]` },
    (_error, { result }) => {
      reference = result.objectId!;
    },
  );
  delete global[name];
  return reference;
}

/** The value that an object of V8's protocol refers to. */
function valueOf({ objectId, unserializableValue, value }: Runtime.RemoteObject): unknown {
  const argument = objectId
    ? { objectId }
    : unserializableValue
      ? { unserializableValue }
      : { value: value as unknown };
  session.post('Runtime.callFunctionOn', {
    objectId: receiver,
    functionDeclaration: 'function (value) { this(value) }',
    arguments: [argument],
  });
  if (objectId) {
    session.post('Runtime.releaseObject', { objectId });
  }
  const result = received;
  received = undefined;
  return result;
}
