import { notebookKernel } from './notebook-kernel';

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

/** One output of a cell, which can change its contents. */
export interface Output {
  /** Shows the bundle; in place of what the output showed before, also from a callback after its cell has ended. */
  show(bundle: MimeBundle): void;
}

/**
 * Shows one output below the running cell, offered in several MIME types at once.
 *
 * Where no kernel runs (a script, a test), the bundle's `text/plain` is printed instead.
 *
 * @param bundle MIME types and their contents; `text/plain` belongs in every bundle, for viewers that know no other.
 * @example display({ 'image/svg+xml': svg, 'text/plain': 'A diagram of the layers.' });
 */
export function display(bundle: MimeBundle): void {
  newOutput().show(bundle);
}

let outputs = 0;

/**
 * Makes an output that is shown with the first bundle and updated in place with each further one.
 *
 * @returns the output; it belongs to the cell that runs when it is first shown.
 * @example const output = newOutput(); output.show({ 'text/plain': 'half' }); output.show({ 'text/plain': 'done' });
 */
export function newOutput(): Output {
  const id = `mnist-lib-${++outputs}`;
  let shown = false;
  return {
    show(bundle) {
      const write = kernelWriter();
      if (write) {
        write({ data: bundle, metadata: {}, transient: { display_id: id } }, shown);
        shown = true;
      } else {
        console.log(bundle['text/plain']);
      }
    },
  };
}

/** Whether this code runs in a notebook's kernel. */
export function inKernel(): boolean {
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
