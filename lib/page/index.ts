// What runs in a page: esbuild bundles it into `dist/page/page.js`, and `display/page-part.ts` puts that into an output.
import { drawDigit } from './draw';
import { part } from './part';

export const draw = part(drawDigit);
