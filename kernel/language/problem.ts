import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as ts from 'typescript';

/** A place in a cell or a file; line and column are counted from 1. */
export interface Place {
  name: string;
  source: string;
  line: number;
  column: number;
  /** How many characters are meant. */
  width?: number;
}

/** The lines of code as TypeScript and V8 count them. */
export function linesOf(source: string): string[] {
  return source.split(/\r\n|[\n\r\u2028\u2029]/);
}

/** What the compiler refuses, with the places where it shows. */
export class CompilationProblem {
  readonly name: string;
  readonly message: string;

  constructor(readonly places: (Place & { message: string; hint?: string; isSyntax: boolean })[]) {
    const [{ message, line, column }] = places;
    this.name = places.every(({ isSyntax }) => isSyntax) ? 'SyntaxError' : 'TypeScriptError';
    this.message = `${message} (line ${line}, column ${column})`;
  }
}

/** TypeScript's codes below this are for what the grammar forbids. */
const FIRST_SEMANTIC_CODE = 2000;
const UNKNOWN_NAMES = new Set([2304, 2503, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 18004]);
const INPUT_FUNCTIONS = new Set(['prompt', 'confirm', 'alert']);

export const NO_INPUT = 'There is no input in a cell: give the value in the code, for example `const answer = 7;`.';

/** Says which cell's file is meant, and what it is called. */
export interface CellFile {
  file: ts.SourceFile;
  name: string;
  folder: string;
  /** Whether an earlier cell declares a name. */
  isDeclared(name: string): boolean;
}

/**
 * What is wrong with a cell and with the files that it imports.
 *
 * @returns null where nothing is.
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
      const place = placeOf(diagnostic as ts.DiagnosticWithLocation);
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      return {
        ...place,
        name: source === file ? cell.name : relative(cell.folder, source.fileName),
        message,
        hint: source === file ? hintFor(diagnostic.code, message, place, cell) : undefined,
        isSyntax: diagnostic.code < FIRST_SEMANTIC_CODE,
      };
    }),
  );
}

function diagnosticsOf(program: ts.Program, file: ts.SourceFile): readonly ts.Diagnostic[] {
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}

/** The cell, and the person's own TypeScript files that it imports, directly or through one another. */
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

function placeOf({ file, start, length }: ts.DiagnosticWithLocation): Omit<Place, 'name'> {
  // What is missing at the end of a cell is missing behind its last character.
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
  // A name that the browser's types know too, such as `history`, is not theirs where a cell declares it.
  const before = linesOf(cell.file.text)[line - 1].slice(0, column - 1);
  const name = /([A-Za-z_$][\w$]*)\s*\.$/.exec(before)?.[1];
  const isKnown = !name || cell.isDeclared(name) || declaredNames(cell.file.text).has(name);
  return isKnown || !cellThatDeclares(name, cell.folder) ? undefined : missingCell(name, cell);
}

/** What to do about a name that no cell has declared so far. */
function missingCell(name: string | undefined, { folder }: CellFile): string {
  const id = name && cellThatDeclares(name, folder);
  return id
    ? `${name} comes from the cell \`${id}\`, which has not been run in this kernel or has failed: run it first.`
    : `If a cell above declares ${name ?? 'it'}, it has not been run in this kernel or has failed: run it first.`;
}

/** The id of the cell, of the notebooks in the kernel's folder, that declares a name. */
function cellThatDeclares(name: string, folder: string): string | undefined {
  for (const entry of readdirSync(folder).filter((file) => file.endsWith('.ipynb'))) {
    try {
      const { cells } = JSON.parse(readFileSync(join(folder, entry), 'utf8')) as { cells: NotebookCell[] };
      const code = cells.filter(({ cell_type, id }) => cell_type === 'code' && id);
      const found = code.find(({ source }) => declaredNames([source].flat().join('')).has(name));
      if (found) {
        return found.id;
      }
    } catch {
      // Not a notebook that can be read: the sentence does without.
    }
  }
  return undefined;
}

interface NotebookCell {
  cell_type: string;
  id?: string;
  source: string | string[];
}

const HOLDS_NAMES = new Set([
  ts.SyntaxKind.SourceFile,
  ts.SyntaxKind.VariableStatement,
  ts.SyntaxKind.VariableDeclarationList,
  ts.SyntaxKind.ObjectBindingPattern,
  ts.SyntaxKind.ArrayBindingPattern,
  ts.SyntaxKind.ImportDeclaration,
  ts.SyntaxKind.ImportClause,
  ts.SyntaxKind.NamedImports,
]);

/** What a cell declares for the cells that come after it. */
function declaredNames(source: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node };
    if (name && ts.isIdentifier(name)) {
      names.add(name.text);
    } else if (name) {
      visit(name);
    }
    if (HOLDS_NAMES.has(node.kind)) {
      ts.forEachChild(node, visit);
    }
  };
  visit(ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true));
  return names;
}
