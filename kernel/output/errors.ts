// Describes whatever was thrown for the person who typed the cell: name, message, the line of the cell, and the way there
// through cells and libraries, without the kernel and Node.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, types } from 'node:util';
import { CompilationProblem, linesOf, type Place } from '../language/problem';
import { isCompiled, originalPosition } from './sources';

/** An error as Jupyter's protocol has it; its traceback is complete in itself. */
export interface Description {
  ename: string;
  evalue: string;
  traceback: string[];
}

interface Frame {
  name: string | null;
  isCell: boolean;
  isPackage: boolean;
  place: Omit<Place, 'source'> & { source?: string };
}

const kernel = dirname(dirname(__dirname));
const project = dirname(kernel);

/** Where each error came from, first the innermost call. */
const framesOf = new WeakMap<object, Frame[]>();

/** Libraries call through many layers: with Node's ten frames the cell would not be among them. */
export const STACK_FRAMES = 50;

/** How Node writes stacks from now on, also for the stack of an error that a cell has caught and prints. */
export function writeStack(error: Error, callSites: NodeJS.CallSite[]): string {
  const frames = callSites.map(frameOf).filter((frame) => frame !== null);
  // Of calls within packages only the first of a series is shown, which says what was called.
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

/** A call as cells and files know it; null for what belongs to the kernel or to Node. */
function frameOf(site: NodeJS.CallSite): Frame | null {
  // A cell is known by the name that it was given for stacks, which is not that of a file.
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
    const place = originalPosition(file, line, column);
    return (
      place && {
        name,
        isCell: place.name.startsWith('Cell '),
        isPackage: false,
        place: { ...place, name: shortened(place.name) },
      }
    );
  }
  const isPackage = file.includes(`${sep}node_modules${sep}`);
  const place = isPackage ? { name: shortened(file), line, column } : builtPlace(file, line, column);
  return { name, isCell: false, isPackage, place };
}

function functionName(site: NodeJS.CallSite): string | null {
  const name = site.getFunctionName();
  const type = site.isToplevel() || site.isConstructor() ? null : site.getTypeName();
  const full = name && type && !['Object', 'Proxy'].includes(type) && !name.startsWith(type) ? `${type}.${name}` : name;
  return full && [site.isAsync() && 'async', site.isConstructor() && 'new', full].filter(Boolean).join(' ');
}

/** A place in a file that was built, in its source where there is a map beside it. */
function builtPlace(file: string, line: number, column: number): { name: string; line: number; column: number } {
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

/** A path from the project's folder, or from the folder of packages, on. */
function shortened(path: string): string {
  const fromProject = path.startsWith(project + sep) ? relative(project, path) : path;
  return fromProject.split(`node_modules${sep}`).at(-1)!;
}

function frameLine({ name, place }: Frame): string {
  const where = `${place.name}:${place.line}:${place.column}`;
  return `    at ${name ? `${name} (${where})` : where}`;
}

/** The file with which tfjs-node loads TensorFlow. */
const ADDON = 'tfjs_binding.node';

/** Describes whatever was thrown. */
export function describe(error: unknown): Description {
  try {
    return describeReadable(error);
  } catch {
    const evalue = 'something that cannot be shown: reading it throws.';
    return { ename: 'Uncaught', evalue, traceback: [`${red('Uncaught')} ${evalue}`] };
  }
}

function describeReadable(error: unknown): Description {
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
      traceback: [`${red('Uncaught')} ${evalue}`, 'Not an Error object, so its location is unknown.'],
    };
  }
  const message = messageOf(error);
  if (message.includes(ADDON)) {
    // Its own message names a file and a command that does not help here.
    const evalue =
      "TensorFlow's addon is missing, damaged or of another Node: type `npm run setup` in the lecture's folder, " +
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

/** An error's name; a class that names none gives its own. */
function nameOf({ name, constructor }: Error): string {
  return name === 'Error' && constructor?.name ? constructor.name : typeof name === 'string' ? name : inspect(name);
}

function messageOf({ message }: Error): string {
  return typeof message === 'string' ? message : inspect(message);
}

/** The count of the cell whose work an error came from, as `In[3]` has it; undefined where no cell is among its calls. */
export function cellNumberOf(error: unknown): number | undefined {
  const cell = framesBehind(error).findLast(({ isCell }) => isCell);
  return cell && Number(/\d+/.exec(cell.place.name)![0]);
}

function framesBehind(error: unknown): Frame[] {
  try {
    if (typeof error !== 'object' || error === null || types.isProxy(error)) {
      return [];
    }
    void (error as Error).stack; // Node looks for the frames only when asked
    return framesOf.get(error) ?? [];
  } catch {
    return [];
  }
}

/** Of longer chains of causes the rest is left out. */
const MOST_CAUSES = 20;

function tracebackOf(error: Error, seen: Set<unknown>): string[] {
  seen.add(error);
  const frames = framesBehind(error);
  const cell = frames.find(({ isCell }) => isCell);
  const lines = [
    `${red(nameOf(error))}: ${messageOf(error)}`.replace(/: $/, ''),
    ...(cell ? codeLines(cell.place as Place) : []),
  ];
  if (frames.length > 1 || (!cell && frames.length > 0)) {
    const calls = frames.map(frameLine);
    lines.push(...calls.filter((call, index) => call !== calls[index - 1])); // a recursion's once
  }
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const inner = [...('cause' in error ? [cause] : []), ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  for (const each of inner.filter((value) => value !== undefined && !seen.has(value))) {
    if (seen.size > MOST_CAUSES) {
      lines.push('', 'and further causes');
      break;
    }
    lines.push('', 'Caused by', ...(isError(each) ? tracebackOf(each, seen) : [inspect(each)]));
  }
  return lines;
}

/** The line of a cell with the one before it, and below it a mark as wide as what is meant. */
function codeLines({ name, source, line, column, width = 1 }: Place): string[] {
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
