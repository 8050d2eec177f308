// What `import` and `require` give in a cell. Packages are looked for from the notebook's folder outward, then from the
// project's. The person's own files (TypeScript, JavaScript, JSON) are loaded again once they have changed.
import { existsSync, readFileSync, statSync } from 'node:fs';
import Module, { createRequire, isBuiltin } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as ts from 'typescript';
import { addSource } from '../output/sources';

type Exports = Record<string, unknown>;
type LoadingModule = Module & { _compile(code: string, filename: string): void };

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.cjs', '.mjs', '.json'];
const TYPESCRIPT = /\.[cm]?tsx?$/;

interface OwnFile {
  module: Module;
  changed: number;
  imports: Set<string>;
}

export class Modules {
  private readonly own = new Map<string, OwnFile>();
  private readonly requires: NodeJS.Require[];
  private readonly imports: ((id: string) => Promise<Exports>)[];

  /**
   * @param folder the notebook's.
   * @param project this project's, for what the notebook's does not have.
   * @param provided modules that the kernel itself provides, by name.
   */
  constructor(
    private readonly folder: string,
    project: string,
    private readonly provided: Record<string, () => unknown>,
  ) {
    const folders = [folder, project].map((each) => join(each, 'cell.js'));
    this.requires = folders.map((file) => createRequire(file));
    this.imports = folders.map(importFrom);
  }

  /** `require` for cells. */
  get require(): NodeJS.Require {
    const [first] = this.requires;
    return Object.assign((id: string) => this.load(id, this.folder), {
      resolve: Object.assign((id: string, options?: { paths?: string[] }) => this.resolve(id, options), { paths: (id: string) => first.resolve.paths(id) }),
      cache: first.cache,
      main: first.main,
      extensions: first.extensions,
    });
  }

  /**
   * The namespace of a module, as `import` gives it: `default` is what TypeScript says it is, or the module itself where
   * it exports no default.
   */
  async import(id: string): Promise<Exports> {
    if (id.startsWith('file:')) {
      id = fileURLToPath(id);
    }
    const path = ownPath(id, this.folder);
    if (path ? extname(path) === '.mjs' || (extname(path) === '.js' && isModule(path)) : this.isEcmaScript(id)) {
      return this.importEcmaScript(id, path);
    }
    return namespaceOf(this.load(id, this.folder));
  }

  private resolve(id: string, options?: { paths?: string[] }): string {
    const [first, ...others] = this.requires;
    try {
      return first.resolve(id, options);
    } catch (error) {
      for (const other of others) {
        try {
          return other.resolve(id);
        } catch {
          // not there either
        }
      }
      throw error;
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
    if (isBuiltin(id)) {
      return this.requires[0](id);
    }
    try {
      return this.requires[0](this.resolve(id));
    } catch (error) {
      throw withoutRequireStack(error);
    }
  }

  private loadOwn(path: string): Module {
    const loaded = this.own.get(path);
    if (loaded && this.isFresh(path)) {
      return loaded.module;
    }
    const module = new Module(path) as LoadingModule;
    module.filename = path;
    module.paths = (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(dirname(path));
    const imports = new Set<string>();
    module.require = ((id: string) => {
      const imported = ownPath(id, dirname(path));
      if (imported) {
        imports.add(imported);
      }
      return this.load(id, dirname(path));
    }) as NodeJS.Require;
    this.own.set(path, { module, changed: changeOf(path), imports });
    try {
      const source = readFileSync(path, 'utf8');
      if (path.endsWith('.json')) {
        module.exports = parseJson(source, path);
      } else {
        module._compile(TYPESCRIPT.test(path) ? toCommonJs(source, path) : source, path);
      }
      module.loaded = true;
      return module;
    } catch (error) {
      this.own.delete(path);
      throw error;
    }
  }

  /** Whether neither a file nor one that it imports has changed. */
  private isFresh(path: string, seen = new Set<string>()): boolean {
    if (seen.has(path)) {
      return true;
    }
    seen.add(path);
    const file = this.own.get(path);
    return Boolean(file && changeOf(path) === file.changed && [...file.imports].every((each) => this.isFresh(each, seen)));
  }

  private isEcmaScript(id: string): boolean {
    if (isBuiltin(id) || Object.hasOwn(this.provided, id)) {
      return false;
    }
    try {
      return isModule(this.resolve(id));
    } catch {
      return true; // a package for `import` alone; where it is missing, `import` says so
    }
  }

  private async importEcmaScript(id: string, path: string | null): Promise<Exports> {
    if (path) {
      return this.imports[0](`${pathToFileURL(path).href}?changed=${changeOf(path)}`);
    }
    try {
      return await this.imports[0](id);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') {
        throw error;
      }
      return this.imports[1](id).catch(() => {
        throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' });
      });
    }
  }

  /** Forgets modules whose loading was terminated: they would stay half-initialized. */
  forgetHalfLoaded(): void {
    for (const [path, { module }] of this.own) {
      if (!module.loaded) {
        this.own.delete(path);
      }
    }
    for (const [path, module] of Object.entries(this.requires[0].cache)) {
      if (module && !module.loaded) {
        delete this.requires[0].cache[path];
      }
    }
  }
}

/** The path of one of the person's own files, where `id` names one by path; null for a package. */
function ownPath(id: string, from: string): string | null {
  if (!/^\.{1,2}(\/|$)/.test(id) && !isAbsolute(id)) {
    return null;
  }
  const path = resolve(from, id);
  const typescriptFor = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2'); // TypeScript lets `./x.js` name `./x.ts`
  const candidates = [path, typescriptFor, ...EXTENSIONS.map((extension) => path + extension), ...EXTENSIONS.map((extension) => join(path, `index${extension}`))];
  const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  return found && EXTENSIONS.includes(extname(found)) && !found.includes('/node_modules/') ? found : null;
}

function changeOf(path: string): number {
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

function toCommonJs(source: string, path: string): string {
  const { outputText, sourceMapText } = ts.transpileModule(source, {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      esModuleInterop: true,
      jsx: ts.JsxEmit.React,
      sourceMap: true,
    },
  });
  addSource(path, { name: path, source, map: sourceMapText!, linesBefore: 0 });
  return outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
}

function parseJson(source: string, path: string): unknown {
  try {
    return JSON.parse(source.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new SyntaxError(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Node names the kernel's own file among those that required a module. */
function withoutRequireStack(error: unknown): unknown {
  if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') {
    error.message = error.message.split('\nRequire stack:')[0];
  }
  return error;
}

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
  return Object.defineProperties({}, { ...Object.fromEntries(properties), default: { enumerable: true, value: module } });
}

/** Node's `import()` as code in this file would have it. */
function importFrom(file: string): (id: string) => Promise<Exports> {
  const module = new Module(file) as LoadingModule;
  module._compile('module.exports = (id) => import(id);', file);
  return module.exports as (id: string) => Promise<Exports>;
}
