// Type-checks each cell as a file whose scope is nested in the scopes of earlier cells.
//
// TypeScript looks up a name from a node outward, along `parent`, and stops at the file. Here a cell's file has a parent:
// the file of the cell before it. So a name refers to its latest declaration, and every declaration (enums, namespaces,
// generics, private members) keeps its exact type. The idea is tslab's, which has one such parent with the declarations of
// all earlier cells.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as ts from 'typescript';
import { type CellProgram, Programs } from './programs';

/** A cell that has run: its file, and its declarations that later cells may see. */
interface EarlierCell {
  slot: string;
  file: BoundFile;
  id: string | undefined;
  source: string;
  /** Its declarations by kind and name: `V:count` is a value, `T:Digit` a type, `N:tf` a namespace. */
  declares: Set<string>;
  /** The earlier cells whose declarations it uses. */
  uses: Set<EarlierCell>;
  /** The names whose declarations it did not reach before it failed. */
  unreached: Set<string>;
  /** If it contains a `declare global` or a `declare module '…'`: its source without them, at the same places. */
  withoutGlobals: string | undefined;
}

type BoundFile = ts.SourceFile & { locals?: Map<ts.__String, ts.Symbol> };

const FIRST_SLOTS = 32;

export class Scope {
  private numSlots = 0;
  private readonly free: string[] = [];
  private cells: EarlierCell[] = [];
  private readonly programs: Programs;
  /** The cells of all files: a cell that is kept may have been checked in an older program. */
  private readonly cellOf = new WeakMap<ts.SourceFile, EarlierCell>();
  private current: string;
  /** The newest program's own cell, if it changes what is declared for all files, and if it is not known yet to be kept. */
  private unkept?: ts.SourceFile;

  /**
   * @param folder the notebook's folder, where imports are searched first.
   * @param project this project's folder, where they are searched next.
   */
  constructor(
    private readonly folder: string,
    project: string,
  ) {
    this.programs = new Programs(folder, project);
    this.addSlots(FIRST_SLOTS);
    this.current = this.free.pop()!;
  }

  /** The path of the current cell's file; relative imports are resolved from there. */
  get fileName(): string {
    return this.current;
  }

  /**
   * Sets the source of the current cell. If the cell runs again, what it declared for all files no longer counts.
   *
   * @param id the cell's id, if the page sends it.
   * @returns its program and file.
   */
  program(source: string, id?: string): CellProgram {
    this.programs.write(this.current, source);
    const cell = this.inSameProgram(source, id) ?? this.inNewProgram(source, id);
    const files = [...this.cells.map(({ file }) => file), cell.file];
    files.forEach((file, index) => ((file as { parent?: ts.Node }).parent = files[index - 1]));
    return cell;
  }

  /** TypeScript's language service, with this source as the current cell. */
  services(source: string): ts.LanguageService {
    this.close(); // the service looks at the newest program only
    this.program(source);
    this.close();
    return this.programs.service;
  }

  /** Gives the next cell a new program: TypeScript's checker is of no use after an error of its own. */
  close(): void {
    this.programs.close();
  }

  private inSameProgram(source: string, id?: string): CellProgram | undefined {
    if (
      this.unkept ||
      this.cells.some((cell) => cell.withoutGlobals !== undefined && isEarlierRun(cell, { id, source }))
    ) {
      return undefined;
    }
    const cell = this.programs.add(source);
    return cell?.file.statements.some(isForAllFiles) ? undefined : cell;
  }

  private inNewProgram(source: string, id?: string): CellProgram {
    let changesGlobals = false;
    for (const cell of this.cells) {
      if (cell.withoutGlobals !== undefined) {
        const isReplaced = isEarlierRun(cell, { id, source });
        this.programs.write(cell.slot, isReplaced ? cell.withoutGlobals : cell.source);
        changesGlobals ||= isReplaced;
      }
    }
    const program = this.programs.create();
    for (const cell of this.cells) {
      cell.file = program.getSourceFile(cell.slot)!;
      this.cellOf.set(cell.file, cell);
      forget(cell);
    }
    const file = program.getSourceFile(this.current)!;
    this.unkept = changesGlobals || file.statements.some(isForAllFiles) ? file : undefined;
    return { program, file };
  }

  /** The symbols of values and types that the current cell declares. */
  declared({ program, file }: CellProgram): Map<string, ts.Symbol> {
    program.getTypeChecker();
    return new Map(
      [...((file as BoundFile).locals ?? [])].map(([name, symbol]) => [ts.unescapeLeadingUnderscores(name), symbol]),
    );
  }

  /** The variables among them. A hoisted one has a value, `undefined`, from the start of the cell. */
  declaredVariables(cell: CellProgram): { name: string; isHoisted: boolean }[] {
    const checker = cell.program.getTypeChecker();
    const isVariable = ([, symbol]: [string, ts.Symbol]): boolean =>
      kindsOf(symbol, checker).includes('V') &&
      (symbol.declarations ?? []).some((declaration) => !isWithoutCode(declaration));
    return [...this.declared(cell)]
      .filter(isVariable)
      .map(([name, { flags }]) => ({ name, isHoisted: (flags & ts.SymbolFlags.FunctionScopedVariable) !== 0 }));
  }

  /**
   * Keeps the current cell after it has run: later cells see its declarations.
   *
   * @param cell what `program` returned for it.
   * @param id the cell's id, if the page sends it.
   * @param unreached the names whose declarations it did not reach.
   */
  keep({ program, file }: CellProgram, id: string | undefined, unreached: Set<string>): void {
    this.programs.write(this.current, file.text); // code completed meanwhile took its place
    const changesGlobals = file === this.unkept;
    this.unkept = changesGlobals ? undefined : this.unkept;
    const checker = program.getTypeChecker();
    const symbols = [...this.declared({ program, file })].filter(([name]) => !unreached.has(name));
    const globals = file.statements.filter(isForAllFiles);
    if (symbols.length === 0 && globals.length === 0 && !changesGlobals) {
      return;
    }
    const declares = new Set(
      symbols.flatMap(([name, symbol]) => kindsOf(symbol, checker).map((kind) => `${kind}:${name}`)),
    );
    const cell: EarlierCell = {
      slot: this.current,
      file,
      id,
      source: file.text,
      declares,
      uses: this.usesOf(file, checker),
      unreached,
      withoutGlobals: globals.length > 0 ? blanked(file.text, globals) : undefined,
    };
    this.cellOf.set(file, cell);
    forget(cell);
    this.cells.push(cell);
    this.dropUnseen(cell);
    if (this.free.length === 0) {
      this.addSlots(this.numSlots);
    }
    this.current = this.free.pop()!;
  }

  /** Whether an earlier cell has declared a value of this name. */
  has(name: string): boolean {
    return this.cells.some(({ declares }) => declares.has(`V:${name}`));
  }

  /** Drops the cells whose declarations can no longer be seen, neither by later cells nor by cells that these use. */
  private dropUnseen(newest: EarlierCell): void {
    const seen = new Set<string>();
    const alive = new Set<EarlierCell>();
    const markAlive = (cell: EarlierCell): void => {
      if (!alive.has(cell)) {
        alive.add(cell);
        cell.uses.forEach(markAlive);
      }
    };
    for (const cell of [...this.cells].reverse()) {
      if (cell !== newest && cell.withoutGlobals !== undefined && isEarlierRun(cell, newest)) {
        cell.source = cell.withoutGlobals;
        cell.withoutGlobals = undefined;
        this.programs.write(cell.slot, cell.source);
      }
      if ([...cell.declares].some((name) => !seen.has(name)) || cell.withoutGlobals !== undefined) {
        markAlive(cell);
      }
      cell.declares.forEach((name) => seen.add(name));
    }
    for (const cell of this.cells.filter((each) => !alive.has(each))) {
      this.programs.write(cell.slot, '');
      this.free.push(cell.slot);
    }
    this.cells = this.cells.filter((cell) => alive.has(cell));
  }

  private usesOf(file: ts.SourceFile, checker: ts.TypeChecker): Set<EarlierCell> {
    const uses = new Set<EarlierCell>();
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) {
        const isShorthand = ts.isShorthandPropertyAssignment(node.parent);
        const symbol = isShorthand
          ? checker.getShorthandAssignmentValueSymbol(node.parent)
          : checker.getSymbolAtLocation(node);
        for (const declaration of symbol?.declarations ?? []) {
          const cell = this.cellOf.get(declaration.getSourceFile());
          if (cell && !isForAllFiles(declaration)) {
            uses.add(cell);
          }
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return uses;
  }

  /**
   * Adds empty files for later cells. TypeScript updates a program in half the time if its list of files stays the same.
   */
  private addSlots(count: number): void {
    for (let index = 0; index < count; index++) {
      const slot = join(this.folder, `__cell_${this.numSlots++}__.ts`);
      this.programs.write(slot, '');
      this.free.unshift(slot);
    }
  }
}

/** Hides from later cells what a failed cell did not reach. */
function forget({ file, unreached }: EarlierCell): void {
  unreached.forEach((name) => file.locals?.delete(ts.escapeLeadingUnderscores(name)));
}

/** Whether an earlier cell is the same cell, which runs again. */
function isEarlierRun(earlier: EarlierCell, { id, source }: Pick<EarlierCell, 'id' | 'source'>): boolean {
  return earlier.id === undefined ? earlier.source === source : earlier.id === id;
}

/** A source with spaces in place of some statements. */
function blanked(source: string, statements: ts.Statement[]): string {
  return statements.reduce(
    (text, { pos, end }) => text.slice(0, pos) + text.slice(pos, end).replace(/\S/g, ' ') + text.slice(end),
    source,
  );
}

/** Whether a node is, or is inside, a `declare global` or a `declare module '…'`. */
function isForAllFiles(node: ts.Node): boolean {
  const isAugmentation =
    ts.isModuleDeclaration(node) &&
    ((node.flags & ts.NodeFlags.GlobalAugmentation) !== 0 || ts.isStringLiteral(node.name));
  return isAugmentation || (!ts.isSourceFile(node) && isForAllFiles(node.parent));
}

/** Whether a declaration does not exist at run time. */
function isWithoutCode(declaration: ts.Declaration): boolean {
  const { Ambient, Const } = ts.ModifierFlags;
  const isConstEnum = ts.isEnumDeclaration(declaration) && ts.getCombinedModifierFlags(declaration) & Const;
  return Boolean(isConstEnum || ts.getCombinedModifierFlags(declaration) & Ambient);
}

function kindsOf(symbol: ts.Symbol, checker: ts.TypeChecker): string[] {
  const { flags } = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const { Value, Type, Namespace } = ts.SymbolFlags;
  const kinds = [flags & Value && 'V', flags & Type && 'T', flags & Namespace && 'N'].filter(
    (kind) => typeof kind === 'string',
  );
  return kinds.length > 0 ? kinds : ['V', 'T', 'N']; // an import without types
}

/** The nearest folder, from `folder` upward, that contains this project's packages. */
export function projectOf(folder: string): string {
  return existsSync(join(folder, 'node_modules', 'tslab')) || dirname(folder) === folder
    ? folder
    : projectOf(dirname(folder));
}
