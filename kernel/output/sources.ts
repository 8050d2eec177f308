import { SourceMap, type SourceMapPayload } from 'node:module';

/** The source of compiled code, and its source map. */
export interface Source {
  /** The source's name: `Cell In[3]`, or a path. */
  name: string;
  source: string;
  /** The source map, as JSON. */
  map: string;
  /** The number of lines before the code that the map describes. */
  linesBefore: number;
}

const sources = new Map<string, Source>();

/** Registers the source of code whose name in stack traces is `file`. */
export function addSource(file: string, source: Source): void {
  sources.set(file, source);
}

/** Whether the file of a stack trace was compiled by the kernel. */
export function isCompiled(file: string): boolean {
  return sources.has(file);
}

/** Maps a position of a stack trace to the source, counting from 1; null if the code has no counterpart in the source. */
export function originalPosition(
  file: string,
  line: number,
  column: number,
): { name: string; source: string; line: number; column: number } | null {
  const { name, source, map, linesBefore } = sources.get(file)!;
  const entry = new SourceMap(JSON.parse(map) as SourceMapPayload).findEntry(line - 1 - linesBefore, column - 1);
  if (!('originalLine' in entry)) {
    return null;
  }
  return { name, source, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}
