// The sections of results.md and classroom.md, and the numbers in them.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { tensorflow } from '../scripts/paths.mjs';

/**
 * A section: what made it, on which machine, and its content.
 *
 * @param {string} title
 * @param {string} command
 * @param {string[]} content lines of Markdown.
 * @example section('Profile', 'npm run bench -- --profile', table([['operation', 'ms'], ['Relu', '24']]));
 */
export function section(title, command, content) {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus().length} cores of ${cpus()[0].model.trim()}, ${gigabytes} GiB, ${process.platform}`;
  return [
    `## ${title}`,
    '',
    `Made by \`${command}\` on ${machine}, with Node ${process.versions.node} and TensorFlow ` +
      `${tensorflow.version}, on ${new Date().toISOString().slice(0, 10)}.`,
    '',
    ...content,
    '',
  ].join('\n');
}

/**
 * Replaces a section in a file, which it creates if necessary. The other sections stay; a new one is the last.
 *
 * @param {string} path
 * @param {string} text made by `section`.
 */
export function writeSection(path, text) {
  const old = existsSync(path) ? readFileSync(path, 'utf8') : '# Measurements\n';
  const [title] = text.split('\n');
  const parts = old.split(/^(?=## )/m);
  const index = parts.findIndex((part) => part.startsWith(`${title}\n`));
  parts.splice(index === -1 ? parts.length : index, 1, text);
  writeFileSync(`${path}.partial`, `${parts.map((part) => part.trim()).join('\n\n')}\n`);
  renameSync(`${path}.partial`, path);
}

/**
 * The lines of a table.
 *
 * @param {string[][]} rows the first is the head.
 */
export function table([head, ...rows]) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** @param {number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The median, with the smallest and the largest number; empty if there is none.
 *
 * @param {number[]} numbers
 * @param {number} [digits] after the decimal point.
 */
export function spread(numbers, digits = 2) {
  if (numbers.length === 0) {
    return '';
  }
  const [middle, least, most] = [median(numbers), Math.min(...numbers), Math.max(...numbers)].map((number) =>
    number.toFixed(digits),
  );
  return numbers.length === 1 ? middle : `${middle} (${least}-${most})`;
}
