import { notebookKernel } from '../notebook-kernel';

/** What one output offers: a viewer shows the richest of its MIME types that it knows. */
export type MimeBundle = Record<string, unknown>;

type WriteDisplayData = (
  content: { data: MimeBundle; metadata: object; transient: { display_id?: string } },
  update: boolean,
) => void;

/** By Deno's convention, what a value's method is called that gives its MIME bundle: a kernel shows it as a cell's value. */
const DISPLAY = Symbol.for('Jupyter.display');

/**
 * Gives a value the form in which it is shown as the last value of a cell.
 *
 * @param bundle makes the MIME bundle once it is needed.
 * @returns `value`, with a method that neither loops nor `{ ...value }` see.
 * @example return displayedAs({ data, layout }, () => ({ 'text/plain': 'two curves' }));
 */
export function displayedAs<T extends object>(value: T, bundle: () => MimeBundle): T {
  return Object.defineProperty(value, DISPLAY, { value: bundle, configurable: true });
}

/** An output of a cell that can be updated, as in tslab and IPython. */
export interface Display {
  /** Shows the bundle in place of what was shown before, also from a callback after the cell has ended. */
  update(bundle: MimeBundle): void;
}

/**
 * Shows one output below the running cell, offered in several MIME types at once.
 *
 * Outside a kernel (in a script or a test), the bundle's `text/plain` is printed instead.
 *
 * @param bundle contents by MIME type; `text/plain` belongs in every bundle, for viewers that know no other.
 * @example display({ 'image/svg+xml': svg, 'text/plain': 'A diagram of the layers.' });
 */
export function display(bundle: MimeBundle): void {
  newDisplay().update(bundle);
}

let displays = 0;

/**
 * Makes an output that shows the first bundle it is given, and is updated in place with each further one.
 *
 * @returns the output. It belongs to the cell that is running when it is first shown.
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
 * What writes below the running cell, or null outside a kernel. The kernel that `tslab install` makes offers nothing to
 * libraries, and tslab's public `display` sends one MIME type per output: there a bundle goes out through the function
 * that `tslab/dist/jupyter` keeps. The module is looked up among those already loaded, by name, because the kernel may
 * run another copy of tslab than the one this library would resolve.
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
