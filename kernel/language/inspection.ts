// What Jupyter shows about a name: with Tab what it may become, with Shift-Tab its type and documentation.
import type * as ts from 'typescript';
import type { Scope } from './scope';

interface Cursor {
  code: string;
  /** Where the cursor is, in characters as Jupyter counts them. */
  cursor_pos: number;
}

/** The content of an inspect_reply. */
export function inspection(scope: Scope, { code, cursor_pos }: Cursor): object {
  const position = toIndex(code, cursor_pos);
  const services = scope.services(code);
  const at = (index: number): ts.QuickInfo | undefined => services.getQuickInfoAtPosition(scope.fileName, index);
  // Between the brackets of a call, where nothing else stands, the function is what one wants to read about.
  const info = at(position) ?? at(calleeBefore(code, position));
  const data = info ? { 'text/plain': plainText(info), 'text/markdown': markdown(info) } : {};
  return { status: 'ok', found: Boolean(info), data, metadata: {} };
}

/** The content of a complete_reply. */
export function completion(scope: Scope, { code, cursor_pos }: Cursor): object {
  const position = toIndex(code, cursor_pos);
  const { entries = [] } = scope.services(code).getCompletionsAtPosition(scope.fileName, position, undefined) ?? {};
  const [before] = /[\p{ID_Continue}$\u200c\u200d]*$/u.exec(code.slice(0, position))!;
  const [after] = before ? /^[\p{ID_Continue}$\u200c\u200d]*/u.exec(code.slice(position))! : [''];
  const typed = (before + after).toLowerCase();
  const matching = entries
    .map((entry) => ({ ...entry, rank: rank(entry.name, before + after, typed) }))
    .filter((entry) => entry.rank >= 0)
    .sort(
      (a, b) => a.rank - b.rank || a.sortText.localeCompare(b.sortText) || (typed ? 0 : a.name.localeCompare(b.name)),
    );
  const [cursor_start, cursor_end] = [position - before.length, position + after.length].map((index) =>
    toCursor(code, index),
  );
  // In a field that the protocol does not have yet, as IPython's kernel does: JupyterLab shows the kind of each match.
  // Of what is exported again TypeScript says no more than that: left empty.
  const types = matching.map(({ name, kind }) => ({
    text: name,
    type: (kind as string) === 'alias' ? '' : kind,
    start: cursor_start,
    end: cursor_end,
  }));
  const metadata = { _jupyter_types_experimental: types };
  return { status: 'ok', matches: matching.map(({ name }) => name), cursor_start, cursor_end, metadata };
}

/** First what begins as typed, then in other case, then what contains it; -1 for the rest. */
function rank(name: string, typed: string, lowerTyped: string): number {
  const lower = name.toLowerCase();
  return [name.startsWith(typed), lower.startsWith(lowerTyped), lower.includes(lowerTyped)].indexOf(true);
}

// Jupyter counts characters, JavaScript the halves of those beyond 16 bits as well.
function toIndex(code: string, cursor: number): number {
  return [...code].slice(0, cursor).join('').length;
}
function toCursor(code: string, index: number): number {
  return [...code.slice(0, index)].length;
}

/** Where the function is named whose brackets are open at a position; the position itself where none are. */
function calleeBefore(code: string, position: number): number {
  let closed = 0;
  for (let index = position - 1; index > 0; index--) {
    if (code[index] === ')') {
      closed++;
    } else if (code[index] === '(' && closed-- === 0) {
      return index - 1;
    }
  }
  return position;
}

const text = (parts: ts.SymbolDisplayPart[] | undefined): string => (parts ?? []).map((part) => part.text).join('');

/** `function loadMnist(): Mnist`, without saying that it is imported. */
function signature({ displayParts }: ts.QuickInfo): string {
  return text(displayParts)
    .replace(/^\(alias\) /, '')
    .replace(/\n(import|export) .*$/, '');
}

/** The tags that are for readers: TensorFlow.js has others, for its own site. */
const SHOWN_TAGS = ['param', 'returns', 'return', 'throws', 'example', 'deprecated', 'see'];

function tagsOf({ tags = [] }: ts.QuickInfo): { name: string; text: string }[] {
  const shown = tags.filter(({ name }) => SHOWN_TAGS.includes(name));
  return shown.map((tag) => ({ name: tag.name, text: text(tag.text).trim() }));
}

function plainText(info: ts.QuickInfo): string {
  const tags = tagsOf(info)
    .map((tag) => `@${tag.name} ${tag.text}`)
    .join('\n');
  return [signature(info), text(info.documentation), tags].filter(Boolean).join('\n\n');
}

function markdown(info: ts.QuickInfo): string {
  const tags = tagsOf(info).map((tag) => {
    if (tag.name === 'param') {
      return tag.text.replace(/^(\S+) ?/, '- `$1` ');
    }
    if (tag.name === 'example' && !tag.text.includes('```')) {
      return codeBlock(tag.text);
    }
    return `*${tag.name}* ${tag.text}`;
  });
  return [codeBlock(signature(info)), text(info.documentation), ...tags].filter(Boolean).join('\n\n');
}

function codeBlock(code: string): string {
  return `\`\`\`typescript\n${code}\n\`\`\``;
}
