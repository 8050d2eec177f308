/** What one output offers: a viewer shows the richest of its MIME types that it knows. */
export type MimeBundle = Record<string, unknown>;

type WriteDisplayData = (
  content: { data: MimeBundle; metadata: object; transient: { display_id?: string } },
  update: boolean,
) => void;

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

/** Whether this code runs in a tslab kernel. */
export function inKernel(): boolean {
  return kernelWriter() !== null;
}

/**
 * tslab's writer for the running cell, or null outside a kernel. tslab's public `display` sends one MIME type an
 * output; a bundle goes out through the function that `tslab/dist/jupyter` keeps. The module is looked up among those
 * already loaded, by name, because the kernel may run another copy of tslab than the one this library would resolve.
 */
function kernelWriter(): WriteDisplayData | null {
  const loaded = Object.keys(require.cache).find((path) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path));
  const jupyter = loaded && (require.cache[loaded]?.exports as { lastWriteDisplayData: WriteDisplayData | null });
  return (jupyter && jupyter.lastWriteDisplayData) || null;
}
