// Pictures kept in test/snapshots, to be opened in a browser and compared with what the code draws now.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { root } from './notebook';

const kept = join(root, 'test', 'snapshots');
const artifacts = join(root, 'artifacts');

/** Expects that a picture is the one that is kept under this name; else writes it down, to be looked at. */
export function expectSvgSnapshot(name: string, svg: string): void {
  const [known, drawn] = [join(kept, `${name}.svg`), join(artifacts, `${name}.svg`)];
  const normalised = normaliseSvg(svg);
  if (existsSync(known) && readFileSync(known, 'utf8') === normalised) {
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

/** Ids numbered in their order, two decimals but in texts, an element a line, pixel images uncompressed. */
export function normaliseSvg(svg: string): string {
  const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  const renumbered = ids.reduce(
    (text, id, index) => text.replaceAll(new RegExp(`(id="|#)${id}(?=["')])`, 'g'), `$1id${index + 1}`),
    svg,
  );
  const rounded = renumbered.replace(/<[^>]*>/g, (tag) =>
    tag.replace(/-?\d+\.\d+(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)) + 0)),
  );
  const stored = rounded.replace(/data:image\/png;base64,([\w+/=]+)/g, (_url, base64: string) => storedPng(base64));
  return `${stored.replace(/></g, '>\n<')}\n`;
}

// How well zlib compresses differs from version to version and from processor to processor; not at all is always the same.
function storedPng(base64: string): string {
  const png = Buffer.from(base64, 'base64');
  const chunks: Buffer[] = [png.subarray(0, 8)];
  for (let at = 8; at < png.length;) {
    const end = at + 12 + png.readUInt32BE(at);
    const isData = png.toString('latin1', at + 4, at + 8) === 'IDAT';
    const pixels = () => inflateSync(png.subarray(at + 8, end - 4));
    chunks.push(isData ? pngChunk('IDAT', deflateSync(pixels(), { level: 0 })) : png.subarray(at, end));
    at = end;
  }
  return `data:image/png;base64,${Buffer.concat(chunks).toString('base64')}`;
}

function pngChunk(type: string, data: Buffer): Buffer {
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  const checked = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  check.writeUInt32BE(crc32(checked));
  return Buffer.concat([length, checked, check]);
}

// The sample code of the PNG specification, annex D, bit by bit.
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}
