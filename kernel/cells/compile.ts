// Compiles a cell from TypeScript to JavaScript that V8 can run again. Types are removed, names stay as typed.
import * as ts from 'typescript';
import { declareWithLet } from './declarations';
import { importsAndExports } from './imports-exports';
import { renameShadowedGlobals } from './shadowed-globals';
import { stopChecks } from './stop-checks';

export interface Compiled {
  code: string;
  /** The source map, as JSON: most are never parsed. */
  map: string;
  /** Whether the cell ends with an expression. */
  hasValue: boolean;
}

/** Comes before the emitted code, so V8's line numbers are higher than the source map's by PREFIX_LINES. */
const PREFIX = "'use strict';\n";
export const PREFIX_LINES = 1;

/**
 * Compiles a cell that has passed the type checker.
 *
 * @param isVariable whether V8 has a variable of this name, which an earlier cell has declared.
 * @param isBound whether it has been initialized as well, so that the name can be assigned.
 */
export function compile(
  program: ts.Program,
  file: ts.SourceFile,
  isVariable: (name: string) => boolean,
  isBound: (name: string) => boolean,
): Compiled {
  let [code, map] = ['', ''];
  const write = (path: string, text: string): void => {
    if (path.endsWith('.map')) {
      map = text;
    } else {
      code = text;
    }
  };
  const checker = program.getTypeChecker();
  program.emit(file, write, undefined, false, {
    before: [stopChecks, importsAndExports(checker, isVariable), renameShadowedGlobals(checker, file)],
    after: [declareWithLet(isBound)],
  });
  const last = file.statements.at(-1);
  return {
    // Without `#!`, which is legal only at the very start.
    code: PREFIX + code.replace(/\/\/# sourceMappingURL=.*\s*$/, '').replace(/^#!.*/, ''),
    map,
    hasValue: Boolean(last && (ts.isExpressionStatement(last) || ts.isExportAssignment(last))),
  };
}
