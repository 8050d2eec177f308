import { randomBytes } from 'node:crypto';
import type * as tslab from 'tslab';
import { version as tslabVersion } from 'tslab/package.json';
import { version as typescriptVersion } from 'typescript';

type Show = (content: { data: object; metadata: object; transient: object }, isUpdate: boolean) => void;

/**
 * The module that `import 'tslab'` loads in a cell: tslab's display functions on this kernel, and the versions in use. tslab
 * itself would load a second TypeScript.
 *
 * Source: tslab 1.0.22, dist/public.d.ts.
 */
export function tslabModule(show: Show): typeof tslab {
  const display = (id?: string): tslab.Display => {
    let isShown = false;
    const raw = (contentType: string, content: string | Uint8Array): void => {
      const data = { [contentType]: typeof content === 'string' ? content : Buffer.from(content).toString('base64') };
      show({ data, metadata: {}, transient: id ? { display_id: id } : {} }, isShown);
      isShown = id !== undefined;
    };
    const as =
      (contentType: string) =>
      (content: string | Uint8Array): void =>
        raw(contentType, content);
    return {
      javascript: as('text/javascript'),
      html: as('text/html'),
      markdown: as('text/markdown'),
      latex: as('text/latex'),
      svg: as('image/svg+xml'),
      png: as('image/png'),
      jpeg: as('image/jpeg'),
      gif: as('image/gif'),
      pdf: as('application/pdf'),
      text: as('text/plain'),
      raw,
    };
  };
  return {
    display: display(),
    newDisplay: () => display(randomBytes(8).toString('hex')),
    versions: { tslab: tslabVersion, typescript: typescriptVersion, node: process.version },
  };
}
