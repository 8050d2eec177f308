// Describes an error for the person who typed the cell: name, message, the line of the cell, and the way there through
// cells and the library, without the kernel and Node.
const { existsSync, readFileSync } = require('node:fs');
const { SourceMap } = require('node:module');
const { dirname, relative, resolve, sep } = require('node:path');
const { fileURLToPath } = require('node:url');
const { inspect } = require('node:util');
const { CompilationProblem, isCompiled, typedPlace } = require('./cells.cjs');

const project = dirname(dirname(__dirname));

/** Where each error came from, first the innermost call. */
const framesOf = new WeakMap();

// The library calls through many layers of TensorFlow.js: with Node's ten frames the cell would not be among them.
Error.stackTraceLimit = 50;

// Also for the stack of an error that a cell has caught and prints.
Error.prepareStackTrace = (error, callSites) => {
  const frames = callSites.map(frameOf).filter((frame) => frame !== null);
  // Of calls within a package only the first, which says what of it was called.
  const shown = frames.filter(({ isPackage }, index) => !(isPackage && frames[index + 1]?.isPackage));
  framesOf.set(error, shown);
  return [headline(error), ...shown.map(frameLine)].join('\n');
};

function headline(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error'; // its name or message is nothing that can be read
  }
}

/** A call as cells and files know it; null for what belongs to the kernel or to Node. */
function frameOf(site) {
  const file = site.getFileName()?.replace(/^file:.*/, fileURLToPath);
  if (!file || file.startsWith('node:') || isKernel(file)) {
    return null;
  }
  const name = functionName(site);
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()];
  if (isCompiled(file)) {
    const typed = typedPlace(file, line, column);
    return typed && { name, isCell: file.startsWith('Cell '), place: { ...typed, name: shortened(typed.name) } };
  }
  const isPackage = file.includes(`${sep}node_modules${sep}`);
  return { name, isPackage, place: isPackage ? { name: shortened(file), line, column } : built(file, line, column) };
}

function isKernel(file) {
  return /[\\/]node_modules[\\/](tslab|zeromq)[\\/]/.test(file) || file.startsWith(__dirname) || file === `${__dirname}.cjs`;
}

function functionName(site) {
  const name = site.getFunctionName();
  const type = site.isToplevel() || site.isConstructor() ? null : site.getTypeName();
  const full = name && type && !['Object', 'Proxy'].includes(type) && !name.startsWith(type) ? `${type}.${name}` : name;
  return full && [site.isAsync() && 'async', site.isConstructor() && 'new', full].filter(Boolean).join(' ');
}

/** A place in a file that was built, in its source where there is a map beside it. */
function built(file, line, column) {
  if (existsSync(`${file}.map`)) {
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
    const { originalSource, originalLine, originalColumn } = new SourceMap(map).findEntry(line - 1, column - 1);
    if (originalSource !== undefined) {
      const source = resolve(dirname(file), map.sourceRoot ?? '', originalSource);
      return { name: shortened(source), line: originalLine + 1, column: originalColumn + 1 };
    }
  }
  return { name: shortened(file), line, column };
}

/** A path from the project's folder, or from the folder of packages, on. */
function shortened(path) {
  const fromProject = path.startsWith(project) ? relative(project, path) : path;
  return fromProject.split(`node_modules${sep}`).at(-1);
}

function frameLine({ name, place }) {
  const where = `${place.name}:${place.line}:${place.column}`;
  return `    at ${name ? `${name} (${where})` : where}`;
}

/** The file with which tfjs-node loads TensorFlow. */
const ADDON = 'tfjs_binding.node';

/** An error as Jupyter's protocol has it: ename, evalue, and a traceback that is complete in itself. */
function describe(error) {
  if (isError(error) && error.message.includes(ADDON)) {
    // Its own message names a file and a command that does not help here.
    const evalue =
      "TensorFlow's addon is missing, damaged or of another Node: type `npm run setup` in the lecture's folder, " +
      'then restart the kernel.';
    return { ename: 'AddonError', evalue, traceback: [`${red('AddonError')}: ${evalue}`] };
  }
  if (error instanceof CompilationProblem) {
    const traceback = error.places.flatMap((place) => [
      `${red(error.name)}: ${place.message}`,
      ...(place.hint ? [place.hint] : []),
      ...codeLines(place),
    ]);
    return { ename: error.name, evalue: error.message, traceback };
  }
  if (!isError(error)) {
    const evalue = inspect(error);
    return {
      ename: 'Uncaught',
      evalue,
      traceback: [`${red('Uncaught')} ${evalue}`, 'This is no Error, so that its line is not known.'],
    };
  }
  const ename = nameOf(error);
  return { ename, evalue: String(error.message), traceback: tracebackOf(error) };
}

function isError(value) {
  return value instanceof Error || (typeof value?.message === 'string' && typeof value?.stack === 'string');
}

/** An error's name; a class that names none gives its own. */
function nameOf({ name, constructor }) {
  return name === 'Error' && constructor?.name ? constructor.name : String(name);
}

/** The count of the cell whose work an error came from, as `In[3]` has it; undefined where no cell is among its calls. */
function cellNumberOf(error) {
  void error?.stack; // Node looks for the frames only when asked
  const cell = framesOf.get(error)?.findLast(({ isCell }) => isCell);
  return cell && Number(/\d+/.exec(cell.place.name)[0]);
}

function tracebackOf(error, seen = new Set([error])) {
  void error.stack; // Node looks for the frames only when asked
  const frames = framesOf.get(error) ?? [];
  const cell = frames.find(({ isCell }) => isCell);
  const lines = [`${red(nameOf(error))}: ${error.message}`.replace(/: $/, ''), ...(cell ? codeLines(cell.place) : [])];
  if (frames.length > 1 || !cell) {
    const calls = frames.map(frameLine);
    lines.push(...calls.filter((call, index) => call !== calls[index - 1])); // a recursion's once
  }
  for (const inner of [error.cause, ...(error.errors ?? [])].filter((value) => isError(value) && !seen.has(value))) {
    lines.push('', 'Caused by', ...tracebackOf(inner, seen.add(inner)));
  }
  return lines;
}

/** The line of a cell with the one before it, and below it a mark as wide as what is meant. */
function codeLines({ name, source, line, column, width = 1 }) {
  const lines = source.split('\n');
  const numbers = [line - 1, line].filter((number) => number >= 1 && number <= lines.length);
  const digits = String(line).length;
  return [
    `${name}, line ${line}, column ${column}`,
    ...numbers.map(
      (number) => `${number === line ? red('>') : ' '} ${String(number).padStart(digits)} | ${lines[number - 1]}`,
    ),
    `  ${' '.repeat(digits)} | ${lines[line - 1]?.slice(0, column - 1).replace(/[^\t]/g, ' ')}${red('^'.repeat(width))}`,
  ];
}

function red(text) {
  return `\x1b[31m${text}\x1b[39m`;
}

module.exports = { cellNumberOf, describe };
