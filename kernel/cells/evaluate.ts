// Runs code as V8's own console does, in its REPL mode: what a cell declares stays, and can be declared again.
// https://chromedevtools.github.io/devtools-protocol/tot/Runtime/#method-evaluate
import { Session, type Runtime } from 'node:inspector';

export type Outcome = { value: unknown } | { error: unknown } | 'terminated';

const session = new Session();
session.connect();

/** What V8 hands over by a reference of its own, as the value itself. */
let taken: unknown;
const take = referenceTo((value: unknown) => void (taken = value));

/**
 * Runs code until what it awaits has ended.
 *
 * @param name what the code is called in stacks; without spaces.
 * @param done is called with the value of the last expression or with what was thrown; never where the code awaits what
 *   never comes, or was terminated after an await.
 */
export function evaluate(code: string, name: string, done: (outcome: Outcome) => void): void {
  const expression = `${code}\n//# sourceURL=${name}`;
  session.post('Runtime.evaluate', { expression, replMode: true } as Runtime.EvaluateParameterType, (error, result) => {
    if (error) {
      // "Promise was collected" means that nobody can fulfill it any more: the cell waits until it is stopped.
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

/** What a name stands for; undefined where it is not declared, or its declaration was not reached. */
export function bindingOf(name: string): { value: unknown } | undefined {
  let binding: { value: unknown } | undefined;
  session.post('Runtime.evaluate', { expression: name, silent: true }, (error, result) => {
    binding = error || result.exceptionDetails ? undefined : { value: valueOf(result.result) };
  });
  return binding;
}

/** A function as V8's protocol can call it. */
function referenceTo(work: (value: unknown) => void): string {
  const name = Symbol.for('mnist-kernel.take');
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

function valueOf({ objectId, unserializableValue, value }: Runtime.RemoteObject): unknown {
  const argument = objectId
    ? { objectId }
    : unserializableValue
      ? { unserializableValue }
      : { value: value as unknown };
  session.post('Runtime.callFunctionOn', {
    objectId: take,
    functionDeclaration: 'function (value) { this(value) }',
    arguments: [argument],
  });
  if (objectId) {
    session.post('Runtime.releaseObject', { objectId });
  }
  const handed = taken;
  taken = undefined;
  return handed;
}
