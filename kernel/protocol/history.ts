interface Entry {
  line: number;
  input: string;
  output: unknown;
}

const SESSION = 1;
const DEFAULT_COUNT = 100;

/**
 * The code that this kernel has run, and its outputs; answers history_request.
 *
 * Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html#history
 */
export class History {
  private readonly entries: Entry[] = [];

  add(line: number, input: string): void {
    this.entries.push({ line, input, output: null });
  }

  setOutput(line: number, output: unknown): void {
    const entry = this.entries.findLast((each) => each.line === line);
    if (entry) {
      entry.output = output;
    }
  }

  /** @returns `[session, count, code]` for each entry, or `[session, count, [code, output]]`. */
  find(request: Record<string, unknown>): unknown[] {
    const found = this.select(request);
    return found.map(({ line, input, output }) => [SESSION, line, request.output ? [input, output] : input]);
  }

  private select({
    hist_access_type,
    session = 0,
    start = 0,
    stop,
    n,
    pattern = '*',
    unique,
  }: Record<string, unknown>): Entry[] {
    const count = typeof n === 'number' ? n : DEFAULT_COUNT;
    if (hist_access_type === 'range') {
      const isThisSession = session === 0 || session === SESSION;
      const end = typeof stop === 'number' ? stop : Infinity;
      return this.entries.filter(({ line }) => isThisSession && line >= Number(start) && line < end);
    }
    if (hist_access_type === 'search') {
      const glob = globPattern(String(pattern));
      const matching = this.entries.filter(({ input }) => glob.test(input));
      const last = new Map(matching.map((entry) => [entry.input, entry.line]));
      return matching.filter(({ input, line }) => !unique || last.get(input) === line).slice(-count);
    }
    return count > 0 ? this.entries.slice(-count) : [];
  }
}

/** `*` matches any text, `?` one character, `[...]` one of several characters, `[!...]` any other character. */
function globPattern(glob: string): RegExp {
  const parts = glob.match(/\[!?\]?[^\]]*\]|[^]/g) ?? [];
  try {
    return new RegExp(`^${parts.map(partPattern).join('')}$`);
  } catch {
    return /(?!)/; // a range such as [z-a] matches nothing
  }
}

function partPattern(part: string): string {
  if (part.length > 1) {
    const [, not, characters] = /^\[(!?)([^]*)\]$/.exec(part)!;
    return `[${not ? '^' : ''}${characters.replace(/[\\\]^[]/g, '\\$&')}]`;
  }
  return part === '*' ? '[^]*' : part === '?' ? '[^]' : part.replace(/[.+^${}()|[\]\\]/, '\\$&');
}
