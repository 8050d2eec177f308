import * as ts from 'typescript';

export type Completeness = { status: 'complete' | 'invalid' } | { status: 'incomplete'; indent: string };

const UNTERMINATED_TEMPLATE = 1160;
const UNTERMINATED_COMMENT = 1010;

/**
 * Whether code can be run, or what is missing may still be typed: the answer to an is_complete_request.
 *
 * @example completeness('function f() {') // { status: 'incomplete', indent: '  ' }
 */
export function completeness(code: string): Completeness {
  const file = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest);
  const [first] = (file as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] }).parseDiagnostics;
  if (!first) {
    return { status: 'complete' };
  }
  const isAtEnd = first.start + first.length >= code.trimEnd().length && first.start >= code.trimEnd().length - 1;
  const mayGoOn = first.code === UNTERMINATED_TEMPLATE || first.code === UNTERMINATED_COMMENT;
  return mayGoOn || (isAtEnd && endsOpen(code)) ? { status: 'incomplete', indent: indentAfter(code) } : { status: 'invalid' };
}

/** Whether more could follow: tried with what may be missing, as a closing bracket never makes `}` or `1x` right. */
function endsOpen(code: string): boolean {
  return openBrackets(code) !== null;
}

/** The brackets that are open at the end; null where one is closed that was not open. */
function openBrackets(code: string): string | null {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, code);
  const pairs = new Map([
    [ts.SyntaxKind.OpenBraceToken, ts.SyntaxKind.CloseBraceToken],
    [ts.SyntaxKind.OpenParenToken, ts.SyntaxKind.CloseParenToken],
    [ts.SyntaxKind.OpenBracketToken, ts.SyntaxKind.CloseBracketToken],
  ]);
  const closing = new Set(pairs.values());
  const open: ts.SyntaxKind[] = [];
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const close = pairs.get(kind);
    if (close) {
      open.push(close);
    } else if (closing.has(kind) && open.pop() !== kind) {
      return null;
    }
  }
  return open.join();
}

/** The indentation of the last line, and two spaces more where it opens a bracket. */
function indentAfter(code: string): string {
  const lastLine = code.split('\n').at(-1)!;
  const indent = /^\s*/.exec(lastLine)![0];
  return /[{([]\s*$/.test(lastLine) ? `${indent}  ` : indent;
}
