import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeXml } from '../figures/style';
import type * as parts from '../page';
import type { MimeBundle } from './display';

type Parts = typeof parts;
/** The name of a part of `lib/page`. */
type PartName = keyof Parts;

const NO_SCRIPT =
  'This is a still picture, because no script runs here. To use it, run the cell in JupyterLab, or trust the notebook there.';

/**
 * Makes an output that runs in the page, by itself: it needs neither a kernel nor another host. Where scripts do not run
 * (an untrusted notebook, GitHub), a still picture stands in its place.
 *
 * @param part which part of `lib/page`.
 * @param data what the part is given: it travels as JSON; bytes as base64.
 * @param still the address of the picture, `data:image/...`.
 * @param description of the part in words: the picture's text alternative, and the output where no HTML is shown.
 * @returns the bundle, with `text/html` and `text/plain`.
 * @throws RangeError if the picture is not inside its address.
 * @example display(pageBundle('draw', data, still, 'A pad to draw a digit on.'));
 */
export function pageBundle<Name extends PartName>(
  part: Name,
  data: Parameters<Parts[Name]>[1],
  still: string,
  description: string,
): MimeBundle {
  if (!still.startsWith('data:image/')) {
    throw new RangeError(`the still picture is at ${still.slice(0, 80)} (expected data:image/...)`);
  }
  const json = JSON.stringify(data).replaceAll('<', '\\u003c'); // so that no text in it can end the script
  // The root is found by the script's place, not by an id: the same output can be in a page twice.
  const script = `{const root=document.currentScript.previousElementSibling;(()=>{${pageScript()}\npage.${part}(root,${json})})()}`;
  const html = `<div><img src="${attribute(still)}" alt="${attribute(description)}"><p>${NO_SCRIPT}</p></div><script>${script}</script>`;
  return { 'text/html': html, 'text/plain': description };
}

/** The bundle of `lib/page`, which declares the variable `page`. */
function pageScript(): string {
  return readFileSync(join(__dirname, '..', 'page', 'page.js'), 'utf8');
}

function attribute(text: string): string {
  return escapeXml(text).replaceAll('"', '&quot;');
}
