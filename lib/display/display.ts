import { notebookKernel } from '../notebook-kernel';

/** The contents of one output by MIME type: a viewer shows the richest type that it supports. */
export type MimeBundle = Record<string, unknown>;

type WriteDisplayData = (
  content: { data: MimeBundle; metadata: object; transient: { display_id?: string } },
  update: boolean,
) => void;

/** By Deno's convention, the key of a method that returns the MIME bundle of a value, for kernels to show. */
const DISPLAY = Symbol.for('Jupyter.display');

/**
 * Defines how a value is shown as the result of a cell.
 *
 * @param bundle makes the MIME bundle when it is needed.
 * @returns `value`, with a method that is not enumerable: neither loops nor `{ ...value }` see it.
 * @example return displayedAs({ data, layout }, () => ({ 'text/plain': 'two curves' }));
 */
export function displayedAs<T extends object>(value: T, bundle: () => MimeBundle): T {
  return Object.defineProperty(value, DISPLAY, { value: bundle, configurable: true });
}

/** An output of a cell that can be updated, as in tslab and IPython. */
export interface Display {
  /** Replaces what is shown with the bundle, also from a callback after the cell has ended. */
  update(bundle: MimeBundle): void;
}

/**
 * Shows one output below the running cell, in several MIME types at once.
 *
 * Outside a kernel (in a script or a test), the bundle's `text/plain` is printed instead.
 *
 * @param bundle contents by MIME type; every bundle should have `text/plain`, for viewers that support no other.
 * @example display({ 'image/svg+xml': svg, 'text/plain': 'A diagram of the layers.' });
 */
export function display(bundle: MimeBundle): void {
  newDisplay().update(bundle);
}

let displays = 0;

/**
 * Creates an output that shows the first bundle it gets and is updated in place by each further one.
 *
 * @returns the output. It belongs to the cell that runs when it is first shown.
 * @example const progress = newDisplay(); progress.update({ 'text/plain': 'half' }); progress.update({ 'text/plain': 'done' });
 */
export function newDisplay(): Display {
  const id = `mnist-lib-${++displays}`;
  let isShown = false;
  return {
    update(bundle) {
      const write = kernelWriter();
      if (write) {
        write({ data: bundle, metadata: {}, transient: { display_id: id } }, isShown);
        isShown = true;
      } else {
        console.log(bundle['text/plain']);
      }
    },
  };
}

/** Whether this code runs in a notebook's kernel. */
export function isInKernel(): boolean {
  return kernelWriter() !== null;
}

/**
 * Returns the function that writes below the running cell, or null outside a kernel. The kernel of `tslab install`
 * offers no interface to libraries, and tslab's public `display` sends a single MIME type per output. In that kernel,
 * bundles go through the function that `tslab/dist/jupyter` keeps. The module is looked up by name among those already
 * loaded, because the kernel may run another copy of tslab than the one that this library would resolve.
 */
function kernelWriter(): WriteDisplayData | null {
  const kernel = notebookKernel();
  if (kernel) {
    return (content, isUpdate) => kernel.display(content, isUpdate);
  }
  const loaded = Object.keys(require.cache).find((path) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path));
  const jupyter = loaded && (require.cache[loaded]?.exports as { lastWriteDisplayData: WriteDisplayData | null });
  return (jupyter && jupyter.lastWriteDisplayData) || null;
}
