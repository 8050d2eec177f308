// Resolves and loads modules for cells. Packages are searched from the notebook's folder upward, then from the project's.
// The user's own files (TypeScript, JavaScript, JSON) are loaded again after a change.
import { existsSync, readFileSync, statSync } from 'node:fs';
import Module, { createRequire, isBuiltin } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as ts from 'typescript';
import { addSource } from '../output/sources';
import { awaits, stopChecks } from './stop-checks';

type Exports = Record<string, unknown>;
type LoadingModule = Module & { _compile(code: string, filename: string): void };

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.cjs', '.mjs', '.json'];
const TYPESCRIPT = /\.[cm]?tsx?$/;

interface OwnFile {
  module: Module;
  modifiedAt: number;
  /** The user's own files that it imports, as they were when it was loaded. */
  imports: Map<string, Module>;
}

export class Modules {
  private readonly ownFiles = new Map<string, OwnFile>();
  /** ECMAScript packages that own files import, loaded before these files: `require` cannot await. */
  private readonly namespaces = new Map<string, Exports>();
  private readonly nodeRequire: NodeJS.Require;

  /**
   * @param folder the notebook's folder.
   * @param project this project's folder, for packages that the notebook's folder does not have.
   * @param provided modules that the kernel itself provides, by name.
   */
  constructor(
    private readonly folder: string,
    private readonly project: string,
    private readonly provided: Record<string, () => unknown>,
  ) {
    this.nodeRequire = createRequire(join(folder, 'cell.js'));
  }

  /** `require` for cells. */
  get require(): NodeJS.Require {
    const { nodeRequire } = this;
    return Object.assign((id: string) => this.load(id, this.folder), {
      resolve: Object.assign((id: string, options?: { paths?: string[] }) => this.resolve(id, this.folder, options), {
        paths: (id: string) => nodeRequire.resolve.paths(id),
      }),
      cache: nodeRequire.cache,
      main: nodeRequire.main,
      extensions: nodeRequire.extensions,
    });
  }

  /**
   * The namespace object of a module. Its `default` is the module's default export, or the module itself if it has none.
   */
  async import(id: string): Promise<Exports> {
    if (id.startsWith('file:')) {
      id = fileURLToPath(id);
    }
    const path = ownPath(id, this.folder);
    if (!path && this.isEcmaScript(id, this.folder)) {
      return this.importPackage(id, this.folder);
    }
    if (path && !TYPESCRIPT.test(path) && hasTopLevelAwait(path)) {
      return nodeImport(path)(`${pathToFileURL(path).href}?changed=${modificationTime(path)}`);
    }
    if (path) {
      await this.importPackagesOf(path);
    }
    return namespaceOf(this.load(id, this.folder));
  }

  /** The URL of a module, as `import.meta.resolve` gives it. */
  urlOf(id: string): string {
    return isBuiltin(id)
      ? `node:${id.replace(/^node:/, '')}`
      : pathToFileURL(ownPath(id, this.folder) ?? this.resolve(id, this.folder)).href;
  }

  private resolve(id: string, from: string, options?: { paths?: string[] }): string {
    try {
      return createRequire(join(from, 'cell.js')).resolve(id, options);
    } catch (error) {
      try {
        return createRequire(join(this.project, 'cell.js')).resolve(id);
      } catch {
        throw error; // the project does not have it either
      }
    }
  }

  private load(id: string, from: string): unknown {
    if (Object.hasOwn(this.provided, id)) {
      return this.provided[id]();
    }
    const path = ownPath(id, from);
    if (path) {
      return this.loadOwn(path).exports;
    }
    const namespace = this.namespaces.get(namespaceKey(id, from));
    if (namespace) {
      return namespace;
    }
    try {
      return this.nodeRequire(isBuiltin(id) ? id : this.resolve(id, from));
    } catch (error) {
      throw withoutRequireStack(error);
    }
  }

  private loadOwn(path: string): Module {
    const loaded = this.ownFiles.get(path);
    if (loaded && this.isUpToDate(path)) {
      return loaded.module;
    }
    const module = new Module(path) as LoadingModule;
    module.filename = path;
    module.paths = (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(
      dirname(path),
    );
    const imports: OwnFile['imports'] = new Map();
    module.require = ((id: string) => {
      const exported = this.load(id, dirname(path));
      const imported = ownPath(id, dirname(path));
      if (imported) {
        imports.set(imported, this.ownFiles.get(imported)!.module);
      }
      return exported;
    }) as NodeJS.Require;
    this.ownFiles.set(path, { module, modifiedAt: modificationTime(path), imports });
    try {
      const source = readFileSync(path, 'utf8');
      if (path.endsWith('.json')) {
        module.exports = parseJson(source, path);
      } else {
        const file = parse(source, path);
        module._compile(TYPESCRIPT.test(path) || ts.isExternalModule(file) ? toCommonJs(file) : source, path);
      }
      module.loaded = true;
      return module;
    } catch (error) {
      this.ownFiles.delete(path);
      throw error;
    }
  }

  /** Whether a file and all files that it imports are unchanged since it was loaded. */
  private isUpToDate(path: string, seen = new Set<string>()): boolean {
    if (seen.has(path)) {
      return true;
    }
    seen.add(path);
    const file = this.ownFiles.get(path);
    const isSame = ([imported, module]: [string, Module]): boolean =>
      this.ownFiles.get(imported)?.module === module && this.isUpToDate(imported, seen);
    return Boolean(file && modificationTime(path) === file.modifiedAt && [...file.imports].every(isSame));
  }

  /** Whether a package must be loaded by Node's `import`: `require` fails or would load another file. */
  private isEcmaScript(id: string, from: string): boolean {
    if (isBuiltin(id) || Object.hasOwn(this.provided, id)) {
      return false;
    }
    try {
      const path = this.resolve(id, from);
      return isModule(path) || hasImportCondition(path);
    } catch {
      return true; // a package for `import` only, or a missing one, which `import` reports
    }
  }

  private async importPackage(id: string, from: string): Promise<Exports> {
    const importFrom = (folder: string): Promise<Exports> => {
      const file = join(folder, 'cell.js');
      return nodeImport(file)(id).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_MODULE_NOT_FOUND') {
          if (error.message.endsWith(` imported from ${file}`)) {
            throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' });
          }
          Error.captureStackTrace(error); // Node's own stack contains no line of the cell
        } else if (error instanceof Error) {
          error.message = error.message.replace(` imported from ${file}`, '');
        }
        throw error;
      });
    };
    try {
      return await importFrom(from);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') {
        throw error;
      }
      return importFrom(this.project);
    }
  }

  /** Loads the ECMAScript packages that one of the user's own files imports, directly or indirectly. */
  private async importPackagesOf(path: string, seen = new Set<string>()): Promise<void> {
    if (seen.has(path) || path.endsWith('.json')) {
      return;
    }
    seen.add(path);
    const from = dirname(path);
    for (const { fileName: id } of ts.preProcessFile(readFileSync(path, 'utf8'), true, true).importedFiles) {
      const imported = ownPath(id, from);
      if (imported) {
        await this.importPackagesOf(imported, seen);
      } else if (!this.namespaces.has(namespaceKey(id, from)) && this.isEcmaScript(id, from)) {
        const namespace = await this.importPackage(id, from).catch(() => null); // loading the file will report the error
        if (namespace) {
          this.namespaces.set(namespaceKey(id, from), { ...namespace, __esModule: true });
        }
      }
    }
  }

  /** Forgets modules whose loading was terminated: they would stay half-initialized. */
  forgetHalfLoaded(): void {
    for (const [path, { module }] of this.ownFiles) {
      if (!module.loaded) {
        this.ownFiles.delete(path);
      }
    }
    for (const [path, module] of Object.entries(this.nodeRequire.cache)) {
      if (module && !module.loaded) {
        delete this.nodeRequire.cache[path];
      }
    }
  }
}

/** The path of one of the user's own files; null if `id` names a package. */
function ownPath(id: string, from: string): string | null {
  if (!/^\.{1,2}(\/|$)/.test(id) && !isAbsolute(id)) {
    return null;
  }
  const path = resolve(from, id);
  const typescriptFor = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2'); // TypeScript lets `./x.js` name `./x.ts`
  const candidates = [
    path,
    typescriptFor,
    ...EXTENSIONS.map((extension) => path + extension),
    ...EXTENSIONS.map((extension) => join(path, `index${extension}`)),
  ];
  const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  return found && EXTENSIONS.includes(extname(found)) && !found.includes('/node_modules/') ? found : null;
}

function modificationTime(path: string): number {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

/** Whether Node reads a file as an ECMAScript module. */
function isModule(path: string): boolean {
  if (extname(path) !== '.js') {
    return extname(path) === '.mjs';
  }
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const description = join(folder, 'package.json');
    if (existsSync(description)) {
      return (JSON.parse(readFileSync(description, 'utf8')) as { type?: string }).type === 'module';
    }
    if (folder === dirname(folder)) {
      return false;
    }
  }
}

/** Whether `import` and `require` may load different files of a package. */
function hasImportCondition(path: string): boolean {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const description = join(folder, 'package.json');
    if (existsSync(description)) {
      const { name, exports } = JSON.parse(readFileSync(description, 'utf8')) as { name?: string; exports?: unknown };
      if (name) {
        return JSON.stringify(exports ?? {}).includes('"import":');
      }
    }
  }
  return false;
}

function namespaceKey(id: string, from: string): string {
  return `${id} from ${from}`;
}

function hasTopLevelAwait(path: string): boolean {
  return !path.endsWith('.json') && awaits(parse(readFileSync(path, 'utf8'), path));
}

/** @throws SyntaxError with line and column, which V8's own does not have. */
function parse(source: string, path: string): ts.SourceFile {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest);
  const [problem] = (file as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] }).parseDiagnostics;
  if (problem) {
    const { line, character } = file.getLineAndCharacterOfPosition(problem.start);
    const message = ts.flattenDiagnosticMessageText(problem.messageText, '\n');
    throw new SyntaxError(`${message} (${path}, line ${line + 1}, column ${character + 1})`);
  }
  return file;
}

function toCommonJs(file: ts.SourceFile): string {
  const { fileName: path, text: source } = file;
  if (awaits(file)) {
    throw new SyntaxError(
      `${path} uses await outside of functions, which cells cannot import: export an async function and call it.`,
    );
  }
  const { outputText, sourceMapText } = ts.transpileModule(source, {
    fileName: path.replace(/\.[cm]([jt]s)$/, '.$1'), // TypeScript would keep `.mjs` and `.mts` as ECMAScript modules
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      esModuleInterop: true,
      jsx: ts.JsxEmit.React,
      sourceMap: true,
    },
    transformers: { before: [stopChecks, importMetaOf(path)] },
  });
  addSource(path, { name: path, source, map: sourceMapText!, linesBefore: 0 });
  return outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
}

/** Replaces `import.meta`, which only ECMAScript modules have, by an object. */
function importMetaOf(path: string): ts.TransformerFactory<ts.SourceFile> {
  const { factory } = ts;
  const meta = { url: pathToFileURL(path).href, dirname: dirname(path), filename: path };
  const properties = Object.entries(meta).map(([name, value]) =>
    factory.createPropertyAssignment(name, factory.createStringLiteral(value)),
  );
  return (context) => (file) => {
    const visit = (node: ts.Node): ts.Node =>
      ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword
        ? factory.createParenthesizedExpression(factory.createObjectLiteralExpression(properties))
        : ts.visitEachChild(node, visit, context);
    return ts.visitEachChild(file, visit, context);
  };
}

function parseJson(source: string, path: string): unknown {
  try {
    return JSON.parse(source.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new SyntaxError(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Node's message lists the files that required the module, including one of the kernel. */
function withoutRequireStack(error: unknown): unknown {
  if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
    error.message = error.message.split('\nRequire stack:')[0];
  }
  return error;
}

/** The namespace object that `import` of a CommonJS module returns. */
function namespaceOf(exported: unknown): Exports {
  if (typeof exported !== 'object' && typeof exported !== 'function') {
    return { default: exported };
  }
  const module = exported as Exports | null;
  if (module?.__esModule && 'default' in module) {
    return module;
  }
  const names = Object.keys(module ?? {}).filter((name) => name !== 'default');
  const properties = names.map((name) => [name, { enumerable: true, get: () => module![name] }] as const);
  return Object.defineProperties(
    {},
    { ...Object.fromEntries(properties), default: { enumerable: true, value: module } },
  );
}

/** Node's `import()` as it would work in this file. */
function nodeImport(file: string): (id: string) => Promise<Exports> {
  const module = new Module(file) as LoadingModule;
  // An empty source map hides the file in stack traces.
  addSource(file, { name: file, source: '', map: '{"version":3,"sources":[],"mappings":""}', linesBefore: 0 });
  module._compile('module.exports = (id) => import(id);', file);
  return module.exports as (id: string) => Promise<Exports>;
}
