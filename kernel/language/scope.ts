// Type-checks each cell as a file whose scope is nested in the scopes of earlier cells.
//
// TypeScript looks up a name from a node outward, along `parent`, and stops at the file. Here a cell's file has a parent:
// the file of the cell before it. So a name refers to its latest declaration, and every declaration (enums, namespaces,
// generics, private members) keeps its exact type. The idea is tslab's, which has one such parent with the declarations of
// all earlier cells.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as ts from 'typescript';

if (ts.version !== '5.9.3') {
  // `parent` and `locals` of a file are private to TypeScript.
  console.error(
    `The kernel was written for TypeScript 5.9.3, and this is ${ts.version}: check language/scope.ts, then update it there.`,
  );
  process.exit(1);
}

/** A cell that has run: its file, and its declarations that later cells may see. */
interface EarlierCell {
  slot: string;
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

/** A cell as TypeScript sees it. */
export interface CellProgram {
  program: ts.Program;
  file: ts.SourceFile;
}

type BoundFile = ts.SourceFile & { locals?: Map<ts.__String, ts.Symbol> };

const FIRST_SLOTS = 32;

export class Scope {
  private readonly texts = new Map<string, { text: string; version: number }>();
  private readonly free: string[] = [];
  private cells: EarlierCell[] = [];
  private changes = 0;
  private readonly service: ts.LanguageService;
  private readonly options: ts.CompilerOptions;
  private readonly resolutions: ts.ModuleResolutionCache;
  /** The files of packages: TypeScript asks for all thousand of them for each cell. */
  private readonly snapshots = new Map<string, ts.IScriptSnapshot>();
  /** What the package.json files of a thousand files of types say: without it, each cell would read them all again. */
  private readonly packages: ts.ModuleResolutionCache;
  private current: string;

  /**
   * @param folder the notebook's folder, where imports are searched first.
   * @param project this project's folder, where they are searched next.
   */
  constructor(
    private readonly folder: string,
    private readonly project: string,
  ) {
    this.addSlots(FIRST_SLOTS);
    this.current = this.free.pop()!;
    this.options = {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      moduleDetection: ts.ModuleDetectionKind.Force, // every cell has its own scope and may await
      esModuleInterop: true,
      resolveJsonModule: true,
      allowJs: true,
      allowImportingTsExtensions: true,
      jsx: ts.JsxEmit.React,
      skipLibCheck: true,
      sourceMap: true,
      // Only Node's types. By default, TypeScript would load every package of types that it finds above the notebook.
      types: ['node'],
      typeRoots: [dirname(dirname(require.resolve('@types/node/package.json')))],
    };
    this.resolutions = ts.createModuleResolutionCache(folder, (name) => name, this.options);
    this.packages = ts.createModuleResolutionCache(folder, (name) => name, this.options);
    this.service = ts.createLanguageService(this.host());
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
    for (const cell of this.cells) {
      if (cell.withoutGlobals !== undefined) {
        this.write(cell.slot, isEarlierRun(cell, { id, source }) ? cell.withoutGlobals : cell.source);
      }
    }
    this.write(this.current, source);
    this.resolutions.clear(); // files may have been added or removed
    const program = this.service.getProgram()!;
    const files = [...this.cells.map(({ slot }) => slot), this.current].map((slot) => program.getSourceFile(slot)!);
    files.forEach((file, index) => ((file as { parent?: ts.Node }).parent = files[index - 1]));
    program.getTypeChecker(); // binds the files
    this.cells.forEach(({ unreached }, index) =>
      unreached.forEach((name) => (files[index] as BoundFile).locals?.delete(ts.escapeLeadingUnderscores(name))),
    );
    return { program, file: files.at(-1)! };
  }

  /** TypeScript's language service, with this source as the current cell. */
  services(source: string): ts.LanguageService {
    this.program(source);
    return this.service;
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
    this.write(this.current, file.text); // code completed meanwhile took its place
    const checker = program.getTypeChecker();
    const symbols = [...this.declared({ program, file })].filter(([name]) => !unreached.has(name));
    const globals = file.statements.filter(isForAllFiles);
    if (symbols.length === 0 && globals.length === 0) {
      return;
    }
    const declares = new Set(
      symbols.flatMap(([name, symbol]) => kindsOf(symbol, checker).map((kind) => `${kind}:${name}`)),
    );
    const cell: EarlierCell = {
      slot: this.current,
      id,
      source: file.text,
      declares,
      uses: this.usesOf(file, checker),
      unreached,
      withoutGlobals: globals.length > 0 ? blanked(file.text, globals) : undefined,
    };
    this.cells.push(cell);
    this.dropUnseen(cell);
    if (this.free.length === 0) {
      this.addSlots(this.texts.size);
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
        this.write(cell.slot, cell.source);
      }
      if ([...cell.declares].some((name) => !seen.has(name)) || cell.withoutGlobals !== undefined) {
        markAlive(cell);
      }
      cell.declares.forEach((name) => seen.add(name));
    }
    for (const cell of this.cells.filter((each) => !alive.has(each))) {
      this.write(cell.slot, '');
      this.free.push(cell.slot);
    }
    this.cells = this.cells.filter((cell) => alive.has(cell));
  }

  private usesOf(file: ts.SourceFile, checker: ts.TypeChecker): Set<EarlierCell> {
    const bySlot = new Map(this.cells.map((cell) => [cell.slot, cell]));
    const uses = new Set<EarlierCell>();
    const visit = (node: ts.Node): void => {
      if (ts.isIdentifier(node)) {
        const isShorthand = ts.isShorthandPropertyAssignment(node.parent);
        const symbol = isShorthand
          ? checker.getShorthandAssignmentValueSymbol(node.parent)
          : checker.getSymbolAtLocation(node);
        for (const declaration of symbol?.declarations ?? []) {
          const cell = bySlot.get(declaration.getSourceFile().fileName);
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
      const slot = join(this.folder, `__cell_${this.texts.size}__.ts`);
      this.texts.set(slot, { text: '', version: 0 });
      this.free.unshift(slot);
    }
    this.changes++;
  }

  private write(slot: string, text: string): void {
    const before = this.texts.get(slot)!;
    if (before.text !== text) {
      this.texts.set(slot, { text, version: before.version + 1 });
    }
    this.changes++; // files on disk may have changed as well
  }

  private host(): ts.LanguageServiceHost & Pick<ts.CompilerHost, 'getModuleResolutionCache'> {
    const { sys } = ts;
    const read = (path: string): string | undefined => this.texts.get(path)?.text ?? sys.readFile(path);
    const exists = (path: string): boolean => this.texts.has(path) || sys.fileExists(path);
    const isStable = (path: string): boolean => path.includes('/node_modules/');
    return {
      getCompilationSettings: () => this.options,
      getScriptFileNames: () => [...this.texts.keys()],
      getProjectVersion: () => String(this.changes),
      getScriptVersion: (path) =>
        String(this.texts.get(path)?.version ?? (isStable(path) ? 0 : (sys.getModifiedTime?.(path)?.getTime() ?? 0))),
      getScriptSnapshot: (path) => {
        const known = this.snapshots.get(path);
        const text = known ? undefined : read(path);
        const snapshot = text === undefined ? known : ts.ScriptSnapshot.fromString(text);
        if (snapshot && isStable(path)) {
          this.snapshots.set(path, snapshot);
        }
        return snapshot;
      },
      getCurrentDirectory: () => this.folder,
      getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
      fileExists: exists,
      readFile: read,
      directoryExists: (path) => sys.directoryExists(path),
      getDirectories: (path) => sys.getDirectories(path),
      realpath: (path) => (this.texts.has(path) ? path : sys.realpath!(path)),
      useCaseSensitiveFileNames: () => true,
      jsDocParsingMode: ts.JSDocParsingMode.ParseForTypeInfo, // documentation.ts parses the rest when it is needed
      getModuleResolutionCache: () => this.packages,
      resolveModuleNameLiterals: (literals, containing) => literals.map(({ text }) => this.resolve(text, containing)),
    };
  }

  private resolve(name: string, containing: string): ts.ResolvedModuleWithFailedLookupLocations {
    const host = ts.sys;
    const found = ts.resolveModuleName(name, containing, this.options, host, this.resolutions);
    if (found.resolvedModule || name.startsWith('.') || containing.includes('/node_modules/')) {
      return found;
    }
    return ts.resolveModuleName(name, join(this.project, 'cell.ts'), this.options, host, this.resolutions);
  }
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
