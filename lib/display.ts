/** What one output offers: a viewer shows the richest of its MIME types that it knows. */
export type MimeBundle = Record<string, unknown>;

type WriteDisplayData = (
  content: { data: MimeBundle; metadata: object; transient: { display_id?: string } },
  update: boolean,
) => void;

/** One output of a cell; `update` shows something else in its place. */
export interface Output {
  update(bundle: MimeBundle): void;
}

let outputs = 0;

/**
 * Shows one output below the running cell, offered in several MIME types at once.
 *
 * Where no kernel runs (a script, a test), the bundle's `text/plain` is printed instead.
 *
 * @param bundle MIME types and their contents; `text/plain` belongs in every bundle, for viewers that know no other.
 * @returns the output, to be updated in place: also from a later callback, it stays with the cell that showed it.
 * @example display({ 'image/svg+xml': svg, 'text/plain': 'A diagram of the layers.' });
 */
export function display(bundle: MimeBundle): Output {
  const write = kernelWriter();
  if (!write) {
    const print = (shown: MimeBundle): void => console.log(shown['text/plain']);
    print(bundle);
    return { update: print };
  }
  const content = (data: MimeBundle): Parameters<WriteDisplayData>[0] => ({
    data,
    metadata: {},
    transient: { display_id: id },
  });
  const id = `mnist-lib-${++outputs}`;
  write(content(bundle), false);
  return { update: (shown) => write(content(shown), true) };
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
