import * as ts from 'typescript';

export type Completeness = { status: 'complete' | 'invalid' } | { status: 'incomplete'; indent: string };

const UNTERMINATED_STRING = 1002;
const UNTERMINATED_COMMENT = 1010;
const UNTERMINATED_TEMPLATE = 1160;

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
  const goesOn = [UNTERMINATED_COMMENT, UNTERMINATED_TEMPLATE].includes(first.code);
  const lacksItsEnd = first.start >= code.trimEnd().length && first.code !== UNTERMINATED_STRING;
  return goesOn || lacksItsEnd ? { status: 'incomplete', indent: indentAfter(code) } : { status: 'invalid' };
}

/** The indentation of the last line, and two spaces more where it opens a bracket. */
function indentAfter(code: string): string {
  const lastLine = code.split('\n').at(-1)!;
  const indent = /^\s*/.exec(lastLine)![0];
  return /[{([]\s*$/.test(lastLine) ? `${indent}  ` : indent;
}
