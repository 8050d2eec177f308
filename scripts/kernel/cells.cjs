// Compiles cells with tslab's converter and TypeScript, and knows the way back: from a place in what runs to the line and
// column of the cell as it was typed.
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const { SourceMap } = require('node:module');
const { dirname, join, resolve } = require('node:path');
const vm = require('node:vm');

const typescript = require.resolve('@tslab/typescript-for-tslab', { paths: [dirname(require.resolve('tslab'))] });
const ts = require(typescript);

/*
 * tslab compiles twice, from TypeScript to JavaScript with `import` and `export`, then to what runs, and asks for no
 * source map either time. It finds TypeScript in the cache of modules: there it gets one that makes maps.
 */
require.cache[typescript].exports = {
  ...ts,
  createWatchCompilerHost: (files, options, ...rest) =>
    ts.createWatchCompilerHost(files, { ...options, inlineSourceMap: true, inlineSources: true }, ...rest),
  transpileModule,
};
const converter = require('tslab/dist/converter.js');

/** What has been compiled, by the name that it bears in a stack: its source, its two maps, and what was inserted. */
const compiled = new Map();

let cell;

/** Says which cell is compiled and run next. */
function startCell(number, source) {
  cell = { name: `Cell In[${number}]`, source, insertions: [], problem: null };
  compiled.set(cell.name, cell);
}

const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json;base64,(.*)\s*$/;

function transpileModule(js, options) {
  const inlineMap = String(Buffer.from(INLINE_MAP.exec(js)[1], 'base64'));
  const { sources, sourcesContent } = JSON.parse(inlineMap);
  const { outputText, sourceMapText } = ts.transpileModule(js.replace(INLINE_MAP, ''), {
    ...options,
    compilerOptions: { ...options.compilerOptions, sourceMap: true },
    transformers: { before: [endAwaitsWhenStopped] },
  });
  const output = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
  const maps = [sourceMapText, inlineMap]; // kept as text, which is small: few are ever needed
  const path = resolve('outDir', sources[0]);
  if (path === resolve('__tslab__.ts')) {
    Object.assign(cell, { maps, lines: output.split('\n').length });
  } else {
    // A file or a cell that is a module: a cell has tslab's `export {};` before its first line.
    const unit = { name: path, source: sourcesContent[0], insertions: [], maps, lines: Infinity, isFile: existsSync(path) };
    compiled.set(path.replace(/\.tsx?$/, '.js'), unit);
  }
  return { outputText: output };
}

/** Writes `__tslab__.stopping.resume(__tslab__.stopping.count, await x)` for `await x`; stop.cjs says why. */
function endAwaitsWhenStopped(context) {
  const { factory } = context;
  const property = factory.createPropertyAccessExpression;
  const stopping = (name) => property(property(factory.createIdentifier('__tslab__'), 'stopping'), name);
  const visit = (node) => {
    const visited = ts.visitEachChild(node, visit, context);
    return ts.isAwaitExpression(visited)
      ? factory.createCallExpression(stopping('resume'), undefined, [stopping('count'), visited])
      : visited;
  };
  return (file) => ts.visitEachChild(file, visit, context);
}

/*
 * tslab runs a cell with `breakOnSigint` and without a name. The name is what its lines are found by; and Stop is our
 * own, because Node's ends only what a cell does before its first `await`, and disturbs listeners for SIGINT.
 */
const { runInThisContext } = vm;
vm.runInThisContext = (code, options) => runInThisContext(code, options?.breakOnSigint ? { filename: cell.name } : options);

/** Whether a file's name, as a stack has it, is that of a cell or of what cells import. */
function isCompiled(file) {
  return compiled.has(file);
}

/** A place in what runs, as a stack has it, in the source as it was typed; null for what is not in there. */
function typedPlace(file, line, column) {
  const unit = compiled.get(file);
  if (!unit.maps || line > unit.lines) {
    return null; // tslab calls the cell in a line behind its last
  }
  let place = { originalLine: line - 1, originalColumn: column - 1 };
  for (const map of unit.maps) {
    place = new SourceMap(JSON.parse(map)).findEntry(place.originalLine, place.originalColumn);
  }
  if (place.originalLine === undefined) {
    return null;
  }
  const typedLine = place.originalLine - (unit.isFile ? 0 : 1);
  return { name: unit.name, source: unit.source, ...withoutInsertions(unit, typedLine, place.originalColumn) };
}

/** tslab's converter, which in addition remembers what it finds wrong with the cell. */
function createConverter(options) {
  const inner = converter.createConverter(options);
  return {
    ...inner,
    convert(earlier, source) {
      const spelledOut = spellOut(source, earlier);
      cell.insertions = spelledOut.insertions;
      cell.earlier = earlier;
      const result = inner.convert(earlier, spelledOut.source);
      cell.problem = result.diagnostics.length > 0 ? problemOf(result.diagnostics) : null;
      return result;
    },
  };
}

/**
 * Writes `{ epochs: epochs }` for `{ epochs }` where the variable comes from an earlier cell: tslab 1.0.22 makes a
 * property of its own object of such a variable, wherever it is used, but not in the short form.
 */
function spellOut(source, earlier) {
  const file = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true);
  const insertions = [];
  const visit = (node) => {
    if (ts.isShorthandPropertyAssignment(node) && new RegExp(`\\b${node.name.text}\\b`).test(earlier)) {
      const { line, character } = file.getLineAndCharacterOfPosition(node.name.end);
      insertions.push({ at: node.name.end, text: `: ${node.name.text}`, line, column: character });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  let [text, end] = ['', 0];
  for (const { at, text: inserted } of insertions) {
    text += source.slice(end, at) + inserted;
    end = at;
  }
  return { source: text + source.slice(end), insertions };
}

/** Line and column, counted from 1, of a place counted from 0 in the source with insertions. */
function withoutInsertions({ insertions }, line, column) {
  for (const { line: there, column: start, text } of insertions) {
    if (there === line && column > start) {
      column = Math.max(start, column - text.length);
    }
  }
  return { line: line + 1, column: column + 1 };
}

/** What the compiler found wrong with the cell that runs, as an error to be described; null if nothing. */
function compilationProblem() {
  return cell?.problem ?? null;
}

// TypeScript's numbers: below 2000 stands for what the grammar forbids, these for a name that it does not know.
const UNKNOWN_NAME = new Set([2304, 2503, 2552, 18004]);

/** A problem, with the places at which it shows. */
class CompilationProblem {
  constructor(places) {
    const [{ message, line, column }] = places;
    this.name = places.every(({ code }) => code < 2000) ? 'SyntaxError' : 'TypeScriptError';
    this.message = `${message} (line ${line}, column ${column})`;
    this.places = places;
  }
}

function problemOf(diagnostics) {
  const places = [];
  for (const { start, end, messageText, code, fileName } of diagnostics) {
    const last = places.at(-1);
    if (last && last.offset === start.offset && last.end === end.offset) {
      last.message += `\n  ${messageText}`; // tslab hands on a chain of reasons as problems of the same place
      continue;
    }
    const unit = fileName ? { insertions: [] } : cell;
    const place = withoutInsertions(unit, start.line, start.character);
    const until = withoutInsertions(unit, end.line, end.character);
    places.push({
      name: fileName ?? cell.name,
      source: fileName ? readSource(fileName) : cell.source,
      ...place,
      width: until.line === place.line ? Math.max(1, until.column - place.column) : undefined,
      message: messageText,
      code,
      hint: fileName ? undefined : hintFor(code, messageText, place),
      offset: start.offset,
      end: end.offset,
    });
  }
  return new CompilationProblem(places);
}

function readSource(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function hintFor(code, message, { line, column }) {
  if (UNKNOWN_NAME.has(code)) {
    return missingCell(/'([^']+)'/.exec(message)?.[1]);
  }
  // A name that the browser's types know too, such as `history`, is none of theirs where a cell declares it.
  const before = cell.source.split('\n')[line - 1].slice(0, column - 1);
  const name = /([A-Za-z_$][\w$]*)\s*\.$/.exec(before)?.[1];
  const isKnown = !name || new RegExp(`\\b${name}\\b`).test(cell.earlier) || declaredNames(cell.source).has(name);
  return isKnown || !cellThatDeclares(name) ? undefined : missingCell(name);
}

/** What to do about a name that no cell has declared so far. */
function missingCell(name) {
  const id = name && cellThatDeclares(name);
  return id
    ? `${name} comes from the cell \`${id}\`, which has not been run in this kernel or has failed: run it first.`
    : `If a cell above declares ${name}, it has not been run in this kernel or has failed: run it first.`;
}

/** The id of the cell, of the notebooks in the kernel's folder, that declares a name. */
function cellThatDeclares(name) {
  for (const file of readdirSync('.').filter((entry) => entry.endsWith('.ipynb'))) {
    try {
      const { cells } = JSON.parse(readFileSync(join('.', file), 'utf8'));
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

const { SyntaxKind } = ts;
const HOLDS_NAMES = new Set([
  ...[SyntaxKind.SourceFile, SyntaxKind.VariableStatement, SyntaxKind.VariableDeclarationList],
  ...[SyntaxKind.ObjectBindingPattern, SyntaxKind.ArrayBindingPattern],
  ...[SyntaxKind.ImportDeclaration, SyntaxKind.ImportClause, SyntaxKind.NamedImports],
]);

/** What a cell declares for the cells that come after it. */
function declaredNames(source) {
  const names = new Set();
  const visit = (node) => {
    if (node.name && ts.isIdentifier(node.name)) {
      names.add(node.name.text);
    } else if (node.name) {
      visit(node.name);
    }
    if (HOLDS_NAMES.has(node.kind)) {
      ts.forEachChild(node, visit);
    }
  };
  visit(ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true));
  return names;
}

module.exports = { CompilationProblem, compilationProblem, createConverter, isCompiled, startCell, typedPlace };
