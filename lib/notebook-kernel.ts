import type { MimeBundle } from './display/display';

/** What the lecture's kernel offers to libraries (kernel/cells/globals.ts). */
export interface NotebookKernel {
  /** Shows a bundle below the running cell, or changes what has been shown under its id. */
  display(content: { data: MimeBundle; metadata: object; transient: { display_id?: string } }, isUpdate: boolean): void;
  /** Has Stop call a listener in place of ending the running cell, until the function that is returned is called. */
  onStop(listener: () => void): () => void;
  /** Runs synchronous work that Stop must not end half-way. */
  uninterruptible<T>(work: () => T): T;
}

/** The lecture's kernel; undefined in a script, in a test, and in the kernel that `tslab install` makes. */
export function notebookKernel(): NotebookKernel | undefined {
  return (globalThis as unknown as Record<symbol, NotebookKernel | undefined>)[Symbol.for('mnist-kernel')];
}

/**
 * Runs synchronous work that Stop must not end half-way, such as a batch of training; elsewhere than in the lecture's
 * kernel nothing ends it anyway.
 *
 * @returns what `work` returns.
 * @example const loss = uninterruptible(() => trainBatch(images, labels));
 */
export function uninterruptible<T>(work: () => T): T {
  const kernel = notebookKernel();
  return kernel ? kernel.uninterruptible(work) : work();
}
