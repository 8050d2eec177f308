// Cells as TypeScript sees them: each a file whose scope lies within those of the cells that ran before it.
//
// TypeScript looks a name up from a node outward, along `parent`, and ends at the file. Here a cell's file has a parent:
// the file of the cell before it. So a name means what the last cell that declared it made of it, and every declaration
// (enums, namespaces, generics, private members) keeps its exact type, whatever its kind. The idea is tslab's, which has
// one such parent with the declarations of all earlier cells.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as ts from 'typescript';

if (ts.version !== '5.9.3') {
  // `parent` and `locals` of a file are TypeScript's own affair.
  console.error(
    `The kernel was written for TypeScript 5.9.3, and this is ${ts.version}: read language/scope.ts, then say so in it.`,
  );
  process.exit(1);
}

/** A cell that ran: its file, and what later cells may see of it. */
interface Kept {
  slot: string;
  id: string | undefined;
  source: string;
  /** What it declares, by name and kind: `V:count` is a value, `T:Digit` a type, `N:tf` a namespace. */
  declares: Set<string>;
  uses: Set<Kept>;
  /** Names that it declares, but did not come to before it failed. */
  missed: Set<string>;
  isGlobal: boolean;
}

type BoundFile = ts.SourceFile & { locals?: Map<ts.__String, ts.Symbol> };

const FIRST_SLOTS = 32;

export class Scope {
  private readonly texts = new Map<string, { text: string; version: number }>();
  private readonly free: string[] = [];
  private kept: Kept[] = [];
  private changes = 0;
  private readonly service: ts.LanguageService;
  private readonly options: ts.CompilerOptions;
  private readonly resolutions: ts.ModuleResolutionCache;
  private current: string;

  /**
   * @param folder the notebook's, where imports are looked for first.
   * @param project where they are looked for next.
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
      moduleDetection: ts.ModuleDetectionKind.Force, // every cell has a scope of its own, and may await
      esModuleInterop: true,
      resolveJsonModule: true,
      allowJs: true,
      allowImportingTsExtensions: true,
      jsx: ts.JsxEmit.React,
      skipLibCheck: true,
      sourceMap: true,
      // Node's types alone. Without this, TypeScript would load every package of types that it finds above the notebook.
      types: ['node'],
      typeRoots: [dirname(dirname(require.resolve('@types/node/package.json')))],
    };
    this.resolutions = ts.createModuleResolutionCache(folder, (name) => name, this.options);
    this.service = ts.createLanguageService(this.host());
  }

  /** Where the program's file for the current cell is; relative imports are resolved from there. */
  get fileName(): string {
    return this.current;
  }

  /** Makes this the current cell. */
  program(source: string): { program: ts.Program; file: ts.SourceFile } {
    this.write(this.current, source);
    this.resolutions.clear(); // a file may have come or gone
    const program = this.service.getProgram()!;
    const files = [...this.kept.map(({ slot }) => slot), this.current].map((slot) => program.getSourceFile(slot)!);
    files.forEach((file, index) => ((file as { parent?: ts.Node }).parent = files[index - 1]));
    program.getTypeChecker(); // binds the files
    this.kept.forEach(({ missed }, index) =>
      missed.forEach((name) => (files[index] as BoundFile).locals?.delete(ts.escapeLeadingUnderscores(name))),
    );
    return { program, file: files.at(-1)! };
  }

  /** TypeScript's own services about the current cell. */
  services(source: string): ts.LanguageService {
    this.program(source);
    return this.service;
  }

  /** The names that the current cell declares, of values and of types. */
  declared({ program, file }: { program: ts.Program; file: ts.SourceFile }): Map<string, ts.Symbol> {
    program.getTypeChecker();
    return new Map(
      [...((file as BoundFile).locals ?? [])].map(([name, symbol]) => [ts.unescapeLeadingUnderscores(name), symbol]),
    );
  }

  /** Those of them that have a value when the cell has run; whether they have one, `undefined`, from its beginning. */
  declaredVariables(cell: { program: ts.Program; file: ts.SourceFile }): { name: string; isHoisted: boolean }[] {
    const checker = cell.program.getTypeChecker();
    const isVariable = ([, symbol]: [string, ts.Symbol]): boolean =>
      kindsOf(symbol, checker).includes('V') &&
      (symbol.declarations ?? []).some((declaration) => !isWithoutCode(declaration));
    return [...this.declared(cell)]
      .filter(isVariable)
      .map(([name, { flags }]) => ({ name, isHoisted: (flags & ts.SymbolFlags.FunctionScopedVariable) !== 0 }));
  }

  /**
   * The current cell has run: later cells see what it declares.
   *
   * @param id the cell's, where the page tells it.
   * @param missed the names that it did not come to.
   */
  keep(source: string, id: string | undefined, missed: Set<string>): void {
    const { program, file } = this.program(source);
    const checker = program.getTypeChecker();
    const symbols = [...this.declared({ program, file })].filter(([name]) => !missed.has(name));
    const isGlobal = file.statements.some(isForAllFiles);
    if (symbols.length === 0 && !isGlobal) {
      return;
    }
    const declares = new Set(
      symbols.flatMap(([name, symbol]) => kindsOf(symbol, checker).map((kind) => `${kind}:${name}`)),
    );
    const cell: Kept = { slot: this.current, id, source, declares, uses: this.usesOf(file, checker), missed, isGlobal };
    this.kept.push(cell);
    this.forgetUnseen(cell);
    if (this.free.length === 0) {
      this.addSlots(this.texts.size);
    }
    this.current = this.free.pop()!;
  }

  /** Whether an earlier cell has declared a value of this name. */
  has(name: string): boolean {
    return this.kept.some(({ declares }) => declares.has(`V:${name}`));
  }

  /** Forgets the cells of which nothing can be seen any more: neither by later cells, nor by those that these see. */
  private forgetUnseen(newest: Kept): void {
    const seen = new Set<string>();
    const alive = new Set<Kept>();
    const stay = (cell: Kept): void => {
      if (!alive.has(cell)) {
        alive.add(cell);
        cell.uses.forEach(stay);
      }
    };
    for (const cell of [...this.kept].reverse()) {
      const isRunAgain =
        cell !== newest && (cell.id === undefined ? cell.source === newest.source : cell.id === newest.id);
      if ([...cell.declares].some((name) => !seen.has(name)) || (cell.isGlobal && !isRunAgain)) {
        stay(cell);
      }
      cell.declares.forEach((name) => seen.add(name));
    }
    for (const cell of this.kept.filter((each) => !alive.has(each))) {
      this.write(cell.slot, '');
      this.free.push(cell.slot);
    }
    this.kept = this.kept.filter((cell) => alive.has(cell));
  }

  private usesOf(file: ts.SourceFile, checker: ts.TypeChecker): Set<Kept> {
    const bySlot = new Map(this.kept.map((cell) => [cell.slot, cell]));
    const uses = new Set<Kept>();
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
   * Empty files for cells to come. A program whose list of files stays the same is made from the one before in half the
   * time.
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
    this.changes++; // files of the disk may have changed as well
  }

  private host(): ts.LanguageServiceHost {
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
        const text = read(path);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => this.folder,
      getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
      fileExists: exists,
      readFile: read,
      directoryExists: (path) => sys.directoryExists(path),
      getDirectories: (path) => sys.getDirectories(path),
      realpath: (path) => (this.texts.has(path) ? path : sys.realpath!(path)),
      useCaseSensitiveFileNames: () => true,
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

/** Whether a node is, or stands in, a `declare global` or a `declare module '…'`. */
function isForAllFiles(node: ts.Node): boolean {
  const isAugmentation =
    ts.isModuleDeclaration(node) &&
    ((node.flags & ts.NodeFlags.GlobalAugmentation) !== 0 || ts.isStringLiteral(node.name));
  return isAugmentation || (!ts.isSourceFile(node) && isForAllFiles(node.parent));
}

/** Whether a declaration is gone when its code runs. */
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
  return kinds.length > 0 ? kinds : ['V', 'T', 'N']; // of an import without types
}

/** The nearest folder, from here outward, that holds this project's packages. */
export function projectOf(folder: string): string {
  return existsSync(join(folder, 'node_modules', 'tslab')) || dirname(folder) === folder
    ? folder
    : projectOf(dirname(folder));
}
