import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as ts from 'typescript';

/** A location in the source of a cell or a file; line and column count from 1. */
export interface SourceLocation {
  name: string;
  source: string;
  line: number;
  column: number;
  /** The number of characters to mark. */
  width?: number;
}

/** Splits code into lines as TypeScript and V8 do. */
export function linesOf(source: string): string[] {
  return source.split(/\r\n|[\n\r\u2028\u2029]/);
}

/** The errors that the compiler found, each with its location. */
export class CompilationProblem {
  readonly name: string;
  readonly message: string;

  constructor(readonly locations: (SourceLocation & { message: string; hint?: string; isSyntax: boolean })[]) {
    const [{ message, line, column }] = locations;
    this.name = locations.every(({ isSyntax }) => isSyntax) ? 'SyntaxError' : 'TypeScriptError';
    this.message = `${message} (line ${line}, column ${column})`;
  }
}

/** TypeScript's error codes below this are syntax errors. */
const FIRST_SEMANTIC_CODE = 2000;
/** TypeScript's error codes for unknown names. */
const UNKNOWN_NAMES = new Set([2304, 2503, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 18004]);
/** A longer line is quoted in part. */
const MAX_QUOTED = 80;
const INPUT_FUNCTIONS = new Set(['prompt', 'confirm', 'alert']);

export const NO_INPUT = 'Cells cannot read input: write the value into the code, for example `const answer = 7;`.';

/** A cell's source file, and what error messages need to know about it. */
export interface CellFile {
  file: ts.SourceFile;
  name: string;
  folder: string;
  /** Whether an earlier cell declares a name. */
  isDeclared(name: string): boolean;
}

/**
 * Checks a cell and the files that it imports.
 *
 * @returns null if there is no error.
 */
export function problemIn(program: ts.Program, cell: CellFile): CompilationProblem | null {
  const { file } = cell;
  const syntax = program.getSyntacticDiagnostics(file);
  const found =
    syntax.length > 0 ? syntax : sourcesOf(program, file).flatMap((source) => diagnosticsOf(program, source));
  if (found.length === 0) {
    return null;
  }
  return new CompilationProblem(
    found.map((diagnostic) => {
      const source = diagnostic.file!;
      const location = locationOf(diagnostic as ts.DiagnosticWithLocation);
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      return {
        ...location,
        name: source === file ? cell.name : relative(cell.folder, source.fileName),
        message,
        hint: source === file ? hintFor(diagnostic.code, message, location, cell) : undefined,
        isSyntax: diagnostic.code < FIRST_SEMANTIC_CODE,
      };
    }),
  );
}

function diagnosticsOf(program: ts.Program, file: ts.SourceFile): readonly ts.Diagnostic[] {
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}

/** The cell, and the user's own TypeScript files that it imports, directly or indirectly. */
function sourcesOf(program: ts.Program, cell: ts.SourceFile): ts.SourceFile[] {
  const sources = new Set([cell]);
  for (const source of sources) {
    for (const { text } of importsOf(source)) {
      if (text.startsWith('.') || text.startsWith('/')) {
        const resolved = resolvedFile(program, source, text);
        if (resolved && /\.[cm]?tsx?$/.test(resolved.fileName) && !resolved.isDeclarationFile) {
          sources.add(resolved);
        }
      }
    }
  }
  return [...sources];
}

function resolvedFile(program: ts.Program, source: ts.SourceFile, name: string): ts.SourceFile | undefined {
  const { resolvedModule } = ts.resolveModuleName(name, source.fileName, program.getCompilerOptions(), ts.sys);
  return resolvedModule && program.getSourceFile(resolvedModule.resolvedFileName);
}

function importsOf(file: ts.SourceFile): ts.StringLiteralLike[] {
  return (file as unknown as { imports?: ts.StringLiteralLike[] }).imports ?? [];
}

function locationOf({ file, start, length }: ts.DiagnosticWithLocation): Omit<SourceLocation, 'name'> {
  // An error at the end of the file is reported right after the last visible character.
  const end = file.text.trimEnd().length;
  const from = Math.min(start, Math.max(end, 0));
  const at = file.getLineAndCharacterOfPosition(from);
  const until = file.getLineAndCharacterOfPosition(Math.min(start + length, file.text.length));
  const width = until.line === at.line ? Math.max(1, until.character - at.character) : undefined;
  return { source: file.text, line: at.line + 1, column: at.character + 1, width };
}

function hintFor(
  code: number,
  message: string,
  { line, column }: { line: number; column: number },
  cell: CellFile,
): string | undefined {
  if (UNKNOWN_NAMES.has(code)) {
    const name = /'([^']+)'/.exec(message)?.[1];
    return name && INPUT_FUNCTIONS.has(name) ? NO_INPUT : missingCell(name, cell);
  }
  // An unknown property may mean that the object is a global, such as `history`, instead of a variable of the same name
  // whose cell has not run.
  const before = linesOf(cell.file.text)[line - 1].slice(0, column - 1);
  const name = /([A-Za-z_$][\w$]*)\s*\.$/.exec(before)?.[1];
  const isKnown = !name || cell.isDeclared(name) || declaredNames(cell.file.text).has(name);
  return isKnown || !lineThatDeclares(name, cell.folder) ? undefined : missingCell(name, cell);
}

/** The hint for a name that no cell has declared so far. */
function missingCell(name: string | undefined, { folder }: CellFile): string {
  const line = name && lineThatDeclares(name, folder);
  return line
    ? `${name} comes from the cell with \`${line}\`, which has not been run in this kernel or has failed: run it first.`
    : `If a cell above declares ${name ?? 'it'}, it has not been run in this kernel or has failed: run it first.`;
}

/** The line that declares a name, in a notebook of the kernel's folder: JupyterLab shows no other name of a cell. */
function lineThatDeclares(name: string, folder: string): string | undefined {
  for (const entry of readdirSync(folder).filter((file) => file.endsWith('.ipynb'))) {
    try {
      const { cells } = JSON.parse(readFileSync(join(folder, entry), 'utf8')) as { cells: NotebookCell[] };
      for (const { source } of cells.filter(({ cell_type }) => cell_type === 'code')) {
        const text = [source].flat().join('');
        const offset = declaredNames(text).get(name);
        if (offset !== undefined) {
          const [line] = linesOf(text.slice(offset));
          return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED).trimEnd()} …` : line;
        }
      }
    } catch {
      // Not a readable notebook: the hint then quotes no line.
    }
  }
  return undefined;
}

interface NotebookCell {
  cell_type: string;
  source: string | string[];
}

const HOLDS_NAMES = new Set([
  ts.SyntaxKind.VariableStatement,
  ts.SyntaxKind.VariableDeclarationList,
  ts.SyntaxKind.ObjectBindingPattern,
  ts.SyntaxKind.ArrayBindingPattern,
  ts.SyntaxKind.ImportDeclaration,
  ts.SyntaxKind.ImportClause,
  ts.SyntaxKind.NamedImports,
]);

/** The names that a cell declares for later cells, each with the offset of its statement. */
function declaredNames(source: string): Map<string, number> {
  const names = new Map<string, number>();
  const visit = (node: ts.Node, offset: number): void => {
    const { name } = node as { name?: ts.Node };
    if (name && ts.isIdentifier(name)) {
      names.set(name.text, offset);
    } else if (name) {
      visit(name, offset);
    }
    if (HOLDS_NAMES.has(node.kind)) {
      ts.forEachChild(node, (child) => visit(child, offset));
    }
  };
  const file = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true);
  file.statements.forEach((statement) => visit(statement, statement.getStart()));
  return names;
}
