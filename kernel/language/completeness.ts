import * as ts from 'typescript';

export type Completeness = { status: 'complete' | 'invalid' } | { status: 'incomplete'; indent: string };

const UNTERMINATED_STRING = 1002;
const UNTERMINATED_COMMENT = 1010;
const UNTERMINATED_TEMPLATE = 1160;

/**
 * Whether code can be run as it is, needs more lines, or is invalid; answers is_complete_request.
 *
 * @example completeness('function f() {') // { status: 'incomplete', indent: '  ' }
 */
export function completeness(code: string): Completeness {
  const file = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest);
  const [first] = (file as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] }).parseDiagnostics;
  if (!first) {
    return { status: 'complete' };
  }
  const isUnterminated = [UNTERMINATED_COMMENT, UNTERMINATED_TEMPLATE].includes(first.code);
  const endsTooEarly = first.start >= code.trimEnd().length && first.code !== UNTERMINATED_STRING;
  return isUnterminated || endsTooEarly ? { status: 'incomplete', indent: indentAfter(code) } : { status: 'invalid' };
}

/** The indentation of the last line, plus two spaces if the line ends with an open bracket. */
function indentAfter(code: string): string {
  const lastLine = code.split('\n').at(-1)!;
  const indent = /^\s*/.exec(lastLine)![0];
  return /[{([]\s*$/.test(lastLine) ? `${indent}  ` : indent;
}
