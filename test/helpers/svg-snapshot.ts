// The pictures in test/snapshots: they can be opened in a browser, and tests compare them with what the code draws now.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PNG } from 'pngjs';
import { root } from './notebook';

const snapshots = join(root, 'test', 'snapshots');
const artifacts = join(root, 'artifacts');

/** Expects that a picture equals the snapshot of this name. If not, writes the new picture to artifacts/ for review. */
export function expectSvgSnapshot(name: string, svg: string): void {
  const [known, drawn] = [join(snapshots, `${name}.svg`), join(artifacts, `${name}.svg`)];
  const normalised = normaliseSvg(svg);
  if (existsSync(known) && withPixels(readFileSync(known, 'utf8')) === withPixels(normalised)) {
    rmSync(drawn, { force: true });
    return;
  }
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(drawn, normalised);
  const [was, is] = [relative(root, known), relative(root, drawn)];
  throw new Error(
    `${existsSync(known) ? `The picture is not the one in ${was}` : `There is no ${was} yet`}. Look at the new one in ` +
      `${is}; if it is right, accept it with \`mv ${is} ${was}\`.`,
  );
}

/** Numbers the ids in order, rounds to two decimals (not in texts), puts one element per line. */
function normaliseSvg(svg: string): string {
  // plotly's ids come from the figure's content, and with it from PNG data; those of traces stand in classes.
  const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  const renumbered = ids.reduce(
    (text, id, index) => text.replaceAll(new RegExp(`(id="|#)${id}(?=["')])`, 'g'), `$1id${index + 1}`),
    svg.replace(/(class="trace [^"]*trace)[0-9a-f]{6}"/g, '$1"'),
  );
  const rounded = renumbered.replace(/<[^>]*>/g, (tag) =>
    tag.replace(/-?\d+\.\d+(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)) + 0)),
  );
  return `${rounded.replace(/></g, '>\n<')}\n`;
}

/** Unpacks PNG images: compressed data differs between versions of zlib and between processors, pixels do not. */
function withPixels(svg: string): string {
  return svg.replace(/data:image\/png;base64,([\w+/=]+)/g, (_url, base64: string) => {
    const { width, height, data } = PNG.sync.read(Buffer.from(base64, 'base64'));
    return `${width} × ${height} pixels ${data.toString('base64')}`;
  });
}
