// Parts of the page in a real browser.
import { execFileSync } from 'node:child_process';
import type { MimeBundle } from 'mnist-lib';
import { type BrowserContext, type BrowserContextOptions, type Page, type Browser } from 'playwright-core';
import { root } from './notebook';
import { python } from './python';

/** Opens outputs in a page of their own, one below the other. */
export async function openParts(
  browser: Browser | BrowserContext,
  bundles: MimeBundle[],
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await ('newContext' in browser ? browser.newPage(options) : browser.newPage());
  const errors: Error[] = [];
  page.on('pageerror', (error) => errors.push(error));
  const outputs = bundles.map((bundle) => bundle['text/html']).join('');
  await page.setContent(`<!DOCTYPE html><html lang="en"><meta charset="utf-8"><body>${outputs}</body></html>`);
  if (errors.length > 0) {
    throw errors[0];
  }
  return page;
}

/** The page that `npm run lecture` writes of a notebook whose only cell has this output, or as JupyterLab exports it. */
export function exportedPage(bundle: MimeBundle, isSanitized = false): string {
  const program = `import json, sys; sys.path.insert(0, 'scripts')
import nbformat, run_notebook
from nbconvert import HTMLExporter
output = nbformat.v4.new_output('display_data', json.load(sys.stdin))
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('show()', outputs=[output])])
exporter = HTMLExporter(config=run_notebook.page_config(), sanitize_html=${isSanitized ? 'True' : 'False'})
print(exporter.from_notebook_node(notebook)[0])`;
  const input = JSON.stringify(bundle);
  return execFileSync(python, ['-c', program], { cwd: root, encoding: 'utf8', input, maxBuffer: 1e8 });
}
