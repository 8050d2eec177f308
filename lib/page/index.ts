// What runs in a page: esbuild bundles it into `dist/page/page.js`, and `display/page-part.ts` puts that into an output.
import { exploreConfusion } from './confusion';
import { drawDigit } from './draw';
import { stepThrough } from './frames';
import { part } from './part';
import { digitScatter } from './scatter';

export const confusion = part(exploreConfusion);
export const draw = part(drawDigit);
export const frames = part(stepThrough);
export const scatter = part(digitScatter);
