// Jupyter's help while typing: completions with Tab, type and documentation of a name with Shift-Tab.
import type * as ts from 'typescript';
import { loadDocumentation } from './documentation';
import type { Scope } from './scope';

interface Cursor {
  code: string;
  /** The cursor's offset, in characters as Jupyter counts them. */
  cursor_pos: number;
}

/** The content of an inspect_reply. */
export function inspection(scope: Scope, { code, cursor_pos }: Cursor): object {
  const offset = toOffset(code, cursor_pos);
  const services = scope.services(code);
  const at = (index: number): ts.QuickInfo | undefined => {
    loadDocumentation(services, scope.fileName, index);
    return services.getQuickInfoAtPosition(scope.fileName, index);
  };
  // Between the parentheses of a call, show the function if the cursor is at no other name.
  const info = at(offset) ?? at(calleeBefore(code, offset));
  const data = info ? { 'text/plain': plainText(info), 'text/markdown': markdown(info) } : {};
  return { status: 'ok', found: Boolean(info), data, metadata: {} };
}

/** The content of a complete_reply. */
export function completion(scope: Scope, { code, cursor_pos }: Cursor): object {
  const offset = toOffset(code, cursor_pos);
  const { entries = [] } = scope.services(code).getCompletionsAtPosition(scope.fileName, offset, undefined) ?? {};
  const [before] = /[\p{ID_Continue}$\u200c\u200d]*$/u.exec(code.slice(0, offset))!;
  const [after] = before ? /^[\p{ID_Continue}$\u200c\u200d]*/u.exec(code.slice(offset))! : [''];
  const typed = (before + after).toLowerCase();
  const matching = entries
    .map((entry) => ({ ...entry, rank: rank(entry.name, before + after, typed) }))
    .filter((entry) => entry.rank >= 0)
    .sort(
      (a, b) => a.rank - b.rank || a.sortText.localeCompare(b.sortText) || (typed ? 0 : a.name.localeCompare(b.name)),
    );
  const [cursor_start, cursor_end] = [offset - before.length, offset + after.length].map((end) => toCursor(code, end));
  // JupyterLab shows the kind of each match. The field is not part of the protocol yet; IPython's kernel uses it, too.
  // For re-exported names, TypeScript only knows the kind `alias`, which is left out.
  const types = matching.map(({ name, kind }) => ({
    text: name,
    type: (kind as string) === 'alias' ? '' : kind,
    start: cursor_start,
    end: cursor_end,
  }));
  const metadata = { _jupyter_types_experimental: types };
  return { status: 'ok', matches: matching.map(({ name }) => name), cursor_start, cursor_end, metadata };
}

/** 0: begins with the typed text; 1: the same in another case; 2: contains it; -1: does not match. */
function rank(name: string, typed: string, lowerTyped: string): number {
  const lower = name.toLowerCase();
  return [name.startsWith(typed), lower.startsWith(lowerTyped), lower.includes(lowerTyped)].indexOf(true);
}

// Jupyter counts Unicode code points, JavaScript counts UTF-16 code units.
function toOffset(code: string, cursor: number): number {
  return [...code].slice(0, cursor).join('').length;
}
function toCursor(code: string, offset: number): number {
  return [...code.slice(0, offset)].length;
}

/** The offset of the function's name if a position is within the parentheses of a call; otherwise the position itself. */
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

/** `function loadMnist(): Mnist`, without TypeScript's remarks about imports. */
function signature({ displayParts }: ts.QuickInfo): string {
  return text(displayParts)
    .replace(/^\(alias\) /, '')
    .replace(/\n(import|export) .*$/, '');
}

/** The JSDoc tags to show: TensorFlow.js has others, for its own website. */
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
