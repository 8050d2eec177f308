import { setImmediate as nextMacrotask } from 'node:timers/promises';
import { notebookKernel } from '../notebook-kernel';

/**
 * Runs work that ends early and cleanly on an interrupt: Kernel > Interrupt in a notebook, Ctrl-C in a terminal. While
 * the work runs, interrupts have no other effect; afterwards they work as before.
 *
 * @param work gets a function that returns whether an interrupt has come, and calls it from time to time. Interrupts
 *   arrive only while the event loop runs, so `work` must await a macrotask in between, such as setImmediate.
 * @param cleanUp is called once, when the work has ended: also after an error, and also if the notebook's kernel has terminated
 *   the work, whose `finally` blocks do not run then.
 * @returns the result of `work`.
 * @example await untilInterrupted(async (isInterrupted) => { while (!isInterrupted()) await step(); }, () => end());
 */
export async function untilInterrupted<T>(
  work: (isInterrupted: () => boolean) => Promise<T>,
  cleanUp: () => void,
): Promise<T> {
  let interrupted = false;
  const listener = (): void => {
    interrupted = true;
  };
  const kernel = notebookKernel();
  if (kernel) {
    let hasEnded = false;
    const end = (): void => {
      // Work that takes long to end may do so after the kernel has given it up.
      if (!hasEnded) {
        hasEnded = true;
        removeListener();
        cleanUp();
      }
    };
    const removeListener = kernel.onStop(listener, end);
    return work(() => interrupted).finally(end);
  }
  // tslab runs the first, synchronous part of a cell under Node's own SIGINT handler. When that handler is removed, so
  // are those of all listeners: after a listener added here earlier, the next interrupt would end the process.
  await nextMacrotask();
  const others = process.listeners('SIGINT');
  process.on('SIGINT', listener); // first: without any listener, Node would end the process
  others.forEach((other) => process.off('SIGINT', other));
  try {
    return await work(() => interrupted);
  } finally {
    others.forEach((other) => process.on('SIGINT', other));
    process.off('SIGINT', listener);
    cleanUp();
  }
}
