// The programs in which TypeScript checks cells.
//
// A cell is added to the program of the cell before it if that program contains all files that it imports. The checker then
// already knows the types of packages and of earlier cells, so this takes a tenth of the time of a new program.
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import * as ts from 'typescript';

if (ts.version !== '5.9.3') {
  // What binds a file, and its `path`, `parent` and `locals`, are private to TypeScript.
  console.error(
    `The kernel was written for TypeScript 5.9.3, and this is ${ts.version}: check language/, then update programs.ts.`,
  );
  process.exit(1);
}

/** A cell as TypeScript sees it. */
export interface CellProgram {
  program: ts.Program;
  file: ts.SourceFile;
}

/** Where the modules are that a cell imports, by the names that it uses. */
type Imports = Map<string, ts.ResolvedModuleWithFailedLookupLocations>;

/** A program to which cells are added. */
interface OpenProgram {
  program: ts.Program;
  /** The versions of the files that may change: the user's own, and the library. */
  versions: Map<string, string>;
  /** The added cells. */
  added: Map<ts.SourceFile, Imports>;
  /** Their length, in characters. */
  length: number;
}

/** What TypeScript does not declare of itself. */
const internals = ts as unknown as {
  bindSourceFile(file: ts.SourceFile, options: ts.CompilerOptions): void;
  getSetExternalModuleIndicator(options: ts.CompilerOptions): (file: ts.SourceFile) => void;
  tryGetImportFromModuleSpecifier(name: ts.StringLiteralLike): ts.Node | undefined;
};
interface ProgramInternals {
  getResolvedModule: (
    file: ts.SourceFile,
    name: string,
    mode: ts.ResolutionMode,
  ) => ts.ResolvedModuleWithFailedLookupLocations | undefined;
}

/** What is parsed of comments; documentation.ts parses the rest when it is needed. */
const JSDOC = ts.JSDocParsingMode.ParseForTypeInfo;
/**
 * So many characters of code are added to a program. A checker keeps all that it has ever learned, of the lecture's cells
 * 35 bytes per character.
 */
const MAX_ADDED = 300_000;

export class Programs {
  /** TypeScript's language service, which makes the programs. */
  readonly service: ts.LanguageService;
  private readonly options: ts.CompilerOptions;
  private readonly texts = new Map<string, { text: string; version: number }>();
  private changes = 0;
  private open?: OpenProgram;
  private readonly resolutions: ts.ModuleResolutionCache;
  /** The files of packages: TypeScript asks for all thousand of them for each program. */
  private readonly snapshots = new Map<string, ts.IScriptSnapshot>();
  /** What the package.json files of a thousand files of types say: without it, each program would read them all again. */
  private readonly packages: ts.ModuleResolutionCache;

  /**
   * @param folder the notebook's folder, where imports are searched first.
   * @param project this project's folder, where they are searched next.
   */
  constructor(
    private readonly folder: string,
    private readonly project: string,
  ) {
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

  /** Sets the text of a cell's file. The next program is a new one, even if the text is the same. */
  write(path: string, text: string): void {
    this.texts.set(path, { text, version: ++this.changes });
  }

  /** Makes a program of the files of all cells. */
  create(): ts.Program {
    this.resolutions.clear(); // files may have been added or removed
    const program = this.service.getProgram()!;
    program.getTypeChecker(); // binds the files
    const added: OpenProgram['added'] = new Map();
    const internal = program as unknown as ProgramInternals;
    const resolved = internal.getResolvedModule;
    internal.getResolvedModule = (file, name, mode) => added.get(file)?.get(name) ?? resolved(file, name, mode);
    const paths = program.getSourceFiles().map(({ fileName }) => fileName);
    const changeable = paths.filter((path) => !this.texts.has(path) && !isOfPackage(path));
    this.open = {
      program,
      versions: new Map(changeable.map((path) => [path, this.versionOf(path)])),
      added,
      length: 0,
    };
    return program;
  }

  /**
   * Adds a cell to the newest program.
   *
   * @returns undefined if the cell needs a new program, because it imports other files, or because a file has changed.
   */
  add(source: string): CellProgram | undefined {
    const { open } = this;
    const isChanged = ([path, version]: [string, string]): boolean => this.versionOf(path) !== version;
    if (!open || open.length + source.length > MAX_ADDED || [...open.versions].some(isChanged)) {
      return undefined;
    }
    // TypeScript collects errors by the name of the file.
    const path = join(this.folder, `__added_${open.added.size}__.ts`);
    const file: ts.SourceFile & { path?: string } = ts.createSourceFile(path, source, {
      languageVersion: this.options.target!,
      setExternalModuleIndicator: internals.getSetExternalModuleIndicator(this.options),
      jsDocParsingMode: JSDOC,
    });
    file.path = path;
    internals.bindSourceFile(file, this.options);
    const imports = this.importsOf(file, open.program);
    if (!imports) {
      return undefined;
    }
    open.added.set(file, imports);
    open.length += source.length;
    return { program: open.program, file };
  }

  /** Lets the next cell have a new program: TypeScript's checker is of no use after an error of its own. */
  close(): void {
    this.open = undefined;
  }

  /** What a file imports from packages of a program; undefined if it refers to other files as well. */
  private importsOf(file: ts.SourceFile, program: ts.Program): Imports | undefined {
    const { referencedFiles, typeReferenceDirectives, libReferenceDirectives } = file;
    if ([referencedFiles, typeReferenceDirectives, libReferenceDirectives].some(({ length }) => length > 0)) {
      return undefined;
    }
    this.resolutions.clear(); // files may have been added or removed
    const imports: Imports = new Map();
    const isKnown = (name: string): boolean => {
      const found = this.resolve(name, file.fileName);
      imports.set(name, found);
      return Boolean(found.resolvedModule && program.getSourceFile(found.resolvedModule.resolvedFileName));
    };
    const fits = (node: ts.Node): boolean =>
      ts.isStringLiteralLike(node) && internals.tryGetImportFromModuleSpecifier(node)
        ? isBuiltin(node.text) || (!/^[./]/.test(node.text) && isKnown(node.text))
        : !ts.forEachChild(node, (child) => !fits(child));
    return fits(file) ? imports : undefined;
  }

  private versionOf(path: string): string {
    const isFixed = isOfPackage(path);
    return String(this.texts.get(path)?.version ?? (isFixed ? 0 : (ts.sys.getModifiedTime!(path)?.getTime() ?? 0)));
  }

  private host(): ts.LanguageServiceHost & Pick<ts.CompilerHost, 'getModuleResolutionCache'> {
    const { sys } = ts;
    const read = (path: string): string | undefined => this.texts.get(path)?.text ?? sys.readFile(path);
    const exists = (path: string): boolean => this.texts.has(path) || sys.fileExists(path);
    return {
      getCompilationSettings: () => this.options,
      getScriptFileNames: () => [...this.texts.keys()],
      getProjectVersion: () => String(this.changes),
      getScriptVersion: (path) => this.versionOf(path),
      getScriptSnapshot: (path) => {
        const known = this.snapshots.get(path);
        const text = known ? undefined : read(path);
        const snapshot = text === undefined ? known : ts.ScriptSnapshot.fromString(text);
        if (snapshot && isOfPackage(path)) {
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
      jsDocParsingMode: JSDOC,
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

function isOfPackage(path: string): boolean {
  return path.includes('/node_modules/');
}
