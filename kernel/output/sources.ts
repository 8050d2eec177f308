import { SourceMap, type SourceMapPayload } from 'node:module';

/** Code that was compiled here, and the way back to what a person wrote. */
export interface Source {
  /** What the source is called: `Cell In[3]`, or a path. */
  name: string;
  source: string;
  /** In JSON. */
  map: string;
  /** How many lines stand before the code that the map knows. */
  linesBefore: number;
}

const sources = new Map<string, Source>();

/** Keeps the way back for code that is called `file` in stacks. */
export function addSource(file: string, source: Source): void {
  sources.set(file, source);
}

/** Whether a file, as a stack names it, was compiled here. */
export function isCompiled(file: string): boolean {
  return sources.has(file);
}

/** Line and column as written, from those of a stack, all counted from 1; null where nothing was written for it. */
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
