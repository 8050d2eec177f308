// Describes thrown values for the user: name, message, the line of the cell, and the calls through cells and libraries, but
// not those of the kernel and Node.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, types } from 'node:util';
import { CompilationProblem, linesOf, type SourceLocation } from '../language/problem';
import { isCompiled, originalPosition } from './sources';

/** An error in the form of Jupyter's protocol. The traceback includes name and message. */
export interface Description {
  ename: string;
  evalue: string;
  traceback: string[];
}

interface Frame {
  name: string | null;
  isCell: boolean;
  isPackage: boolean;
  location: Omit<SourceLocation, 'source'> & { source?: string };
}

const kernel = dirname(dirname(__dirname));
const project = dirname(kernel);

/** The calls of each error, innermost first. */
const framesOf = new WeakMap<object, Frame[]>();

/** Libraries call through many layers: Node's default of ten frames would not reach the cell. */
export const STACK_FRAMES = 50;

/** Formats `error.stack`, including for errors that cells catch and print. */
export function writeStack(error: Error, callSites: NodeJS.CallSite[]): string {
  const frames = callSites.map(frameOf).filter((frame) => frame !== null);
  // Of consecutive calls within packages, only the outermost is shown: the one that the user's code called.
  const shown = frames.filter(({ isPackage }, index) => !(isPackage && frames[index + 1]?.isPackage));
  framesOf.set(error, shown);
  return [headline(error), ...shown.map(frameLine)].join('\n');
}

function headline(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error'; // its name or message cannot be read
  }
}

/** A call in a cell, a file or a package; null for calls in the kernel or Node. */
function frameOf(site: NodeJS.CallSite): Frame | null {
  // A cell has no file name, only the script name that it was given.
  const file = (site.getFileName() || site.getScriptNameOrSourceURL())?.replace(/^file:.*/, (url) =>
    fileURLToPath(url),
  );
  if (
    !file ||
    file.startsWith('node:') ||
    file.startsWith(kernel + sep) ||
    /[\\/]node_modules[\\/]tslab[\\/]/.test(file)
  ) {
    return null;
  }
  const name = functionName(site);
  const [line, column] = [site.getLineNumber() ?? 1, site.getColumnNumber() ?? 1];
  if (isCompiled(file)) {
    const location = originalPosition(file, line, column);
    return (
      location && {
        name,
        isCell: location.name.startsWith('Cell '),
        isPackage: false,
        location: { ...location, name: shortened(location.name) },
      }
    );
  }
  const isPackage = file.includes(`${sep}node_modules${sep}`);
  const location = isPackage ? { name: shortened(file), line, column } : builtLocation(file, line, column);
  return { name, isCell: false, isPackage, location };
}

function functionName(site: NodeJS.CallSite): string | null {
  const name = site.getFunctionName();
  const type = site.isToplevel() || site.isConstructor() ? null : site.getTypeName();
  const full = name && type && !['Object', 'Proxy'].includes(type) && !name.startsWith(type) ? `${type}.${name}` : name;
  return full && [site.isAsync() && 'async', site.isConstructor() && 'new', full].filter(Boolean).join(' ');
}

/** A location in a file, mapped to the original source if there is a source map beside the file. */
function builtLocation(file: string, line: number, column: number): { name: string; line: number; column: number } {
  if (existsSync(`${file}.map`)) {
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload;
    const entry = new SourceMap(map).findEntry(line - 1, column - 1);
    if ('originalSource' in entry) {
      const source = resolve(dirname(file), map.sourceRoot ?? '', entry.originalSource);
      return { name: shortened(source), line: entry.originalLine + 1, column: entry.originalColumn + 1 };
    }
  }
  return { name: shortened(file), line, column };
}

/** A path relative to the project's folder or to `node_modules`. */
function shortened(path: string): string {
  const fromProject = path.startsWith(project + sep) ? relative(project, path) : path;
  return fromProject.split(`node_modules${sep}`).at(-1)!;
}

function frameLine({ name, location }: Frame): string {
  const where = `${location.name}:${location.line}:${location.column}`;
  return `    at ${name ? `${name} (${where})` : where}`;
}

/** The file by which tfjs-node loads TensorFlow. */
const ADDON = 'tfjs_binding.node';

/** Describes a thrown value of any kind. */
export function describe(error: unknown): Description {
  try {
    return describeReadable(error);
  } catch {
    const evalue = 'a value that cannot be shown: reading it throws an error.';
    return { ename: 'Uncaught', evalue, traceback: [`${red('Uncaught')} ${evalue}`] };
  }
}

function describeReadable(error: unknown): Description {
  if (error instanceof CompilationProblem) {
    const traceback = error.locations.flatMap((location) => [
      `${red(error.name)}: ${location.message}`,
      ...(location.hint ? [location.hint] : []),
      ...codeLines(location),
    ]);
    return { ename: error.name, evalue: error.message, traceback };
  }
  if (!isError(error)) {
    const evalue = inspect(error);
    return {
      ename: 'Uncaught',
      evalue,
      traceback: [`${red('Uncaught')} ${evalue}`, 'Not an Error object, so its location is unknown.'],
    };
  }
  const message = messageOf(error);
  if (message.includes(ADDON)) {
    // The original message recommends a command that does not help here.
    const evalue =
      "TensorFlow's addon is missing, damaged or built for another Node: run `npm run setup` in the lecture's folder, " +
      'then restart the kernel.';
    return { ename: 'AddonError', evalue, traceback: [`${red('AddonError')}: ${evalue}`] };
  }
  return { ename: nameOf(error), evalue: message, traceback: tracebackOf(error, new Set()) };
}

function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) {
    return false;
  }
  const { message, stack } = value as { message?: unknown; stack?: unknown };
  return value instanceof Error || (typeof message === 'string' && typeof stack === 'string');
}

/** An error's name; the name of its class if the error has none of its own. */
function nameOf({ name, constructor }: Error): string {
  return name === 'Error' && constructor?.name ? constructor.name : typeof name === 'string' ? name : inspect(name);
}

function messageOf({ message }: Error): string {
  return typeof message === 'string' ? message : inspect(message);
}

/** The count, as in `In[3]`, of the cell that an error came from; undefined if no cell is among its calls. */
export function cellNumberOf(error: unknown): number | undefined {
  const cell = framesOfError(error).findLast(({ isCell }) => isCell);
  return cell && Number(/\d+/.exec(cell.location.name)![0]);
}

function framesOfError(error: unknown): Frame[] {
  try {
    if (typeof error !== 'object' || error === null || types.isProxy(error)) {
      return [];
    }
    void (error as Error).stack; // Node calls writeStack on first access
    return framesOf.get(error) ?? [];
  } catch {
    return [];
  }
}

/** The rest of a longer chain of causes is left out. */
const MAX_CAUSES = 20;

function tracebackOf(error: Error, seen: Set<unknown>): string[] {
  seen.add(error);
  const frames = framesOfError(error);
  const cell = frames.find(({ isCell }) => isCell);
  const lines = [
    `${red(nameOf(error))}: ${messageOf(error)}`.replace(/: $/, ''),
    ...(cell ? codeLines(cell.location as SourceLocation) : []),
  ];
  if (frames.length > 1 || (!cell && frames.length > 0)) {
    const calls = frames.map(frameLine);
    lines.push(...calls.filter((call, index) => call !== calls[index - 1])); // without the repetitions of a recursion
  }
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const inner = [...('cause' in error ? [cause] : []), ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  for (const each of inner.filter((value) => value !== undefined && !seen.has(value))) {
    if (seen.size > MAX_CAUSES) {
      lines.push('', 'and further causes');
      break;
    }
    lines.push('', 'Caused by', ...(isError(each) ? tracebackOf(each, seen) : [inspect(each)]));
  }
  return lines;
}

/** A code frame: the line with the one before it, and marks below the erroneous part. */
function codeLines({ name, source, line, column, width = 1 }: SourceLocation): string[] {
  const lines = linesOf(source);
  const numbers = [line - 1, line].filter((number) => number >= 1 && number <= lines.length);
  const digits = String(line).length;
  return [
    `${name}, line ${line}, column ${column}`,
    ...numbers.map(
      (number) => `${number === line ? red('>') : ' '} ${String(number).padStart(digits)} | ${lines[number - 1]}`,
    ),
    `  ${' '.repeat(digits)} | ${(lines[line - 1] ?? '').slice(0, column - 1).replace(/[^\t]/g, ' ')}${red('^'.repeat(width))}`,
  ];
}

function red(text: string): string {
  return `\x1b[31m${text}\x1b[39m`;
}
