import { setImmediate as nextMacrotask } from 'node:timers/promises';
import { notebookKernel } from '../notebook-kernel';

/**
 * Runs work that ends early and in good order when the person asks it to: Kernel > Interrupt in a notebook, Ctrl-C in a
 * terminal. Until it has ended, an interrupt does nothing else, however often it comes; afterwards everything is as it
 * was.
 *
 * @param work gets a function that tells whether an interrupt has come; it looks now and then, and winds down. To notice
 *   one it has to let the event loop turn in between.
 * @returns what `work` returns.
 * @example await untilInterrupted(async (isInterrupted) => { while (!isInterrupted()) await step(); });
 */
export async function untilInterrupted<T>(work: (isInterrupted: () => boolean) => Promise<T>): Promise<T> {
  let interrupted = false;
  const listener = (): void => {
    interrupted = true;
  };
  const kernel = notebookKernel();
  if (kernel) {
    const ignore = kernel.onStop(listener);
    return work(() => interrupted).finally(ignore);
  }
  // tslab runs a cell's first, synchronous part under a SIGINT handler of Node's own, which takes every listener's
  // handler with it when it goes: a listener added before that would let the next interrupt end the process.
  await nextMacrotask();
  const others = process.listeners('SIGINT');
  process.on('SIGINT', listener); // first: without any listener, Node would end the process
  others.forEach((other) => process.off('SIGINT', other));
  try {
    return await work(() => interrupted);
  } finally {
    others.forEach((other) => process.on('SIGINT', other));
    process.off('SIGINT', listener);
  }
}
