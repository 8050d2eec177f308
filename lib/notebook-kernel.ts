import type { MimeBundle } from './display/display';

/** The interface that the lecture's kernel offers to libraries (kernel/cells/globals.ts). */
interface NotebookKernel {
  /** Shows a bundle below the running cell, or updates the output with the same id. */
  display(content: { data: MimeBundle; metadata: object; transient: { display_id?: string } }, isUpdate: boolean): void;
  /**
   * Makes Stop call a listener instead of ending the running cell, until the returned function is called. `onTerminated` is
   * called if the code was terminated, as its `finally` blocks do not run then.
   */
  onStop(listener: () => void, onTerminated: () => void): () => void;
  /** Runs synchronous work that Stop must not interrupt. */
  uninterruptible<T>(work: () => T): T;
}

/** Returns the lecture's kernel; undefined in a script, in a test, and in the kernel of `tslab install`. */
export function notebookKernel(): NotebookKernel | undefined {
  return (globalThis as unknown as Record<symbol, NotebookKernel | undefined>)[Symbol.for('mnist-kernel')];
}

/**
 * Runs synchronous work that Stop must not interrupt, such as a batch of training. Outside the lecture's kernel,
 * nothing would interrupt it.
 *
 * @returns the result of `work`.
 * @example const loss = uninterruptible(() => trainBatch(images, labels));
 */
export function uninterruptible<T>(work: () => T): T {
  const kernel = notebookKernel();
  return kernel ? kernel.uninterruptible(work) : work();
}
