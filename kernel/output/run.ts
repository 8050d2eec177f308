import { StringDecoder } from 'node:string_decoder';
import type { Header, Request } from '../protocol/message';
import type { Printed } from '../protocol/shared';
import { Replay } from './replay';

/** Sends a run's output to all clients. */
export interface Output {
  publish(parent: Header, type: string, content: object): void;
  print(printed: Printed): void;
}

let runs = 0;

/** One run of a cell: its request, its state, and its output. */
export class Run {
  /** The count that Jupyter shows beside the cell; 0 while the run is queued. */
  number = 0;
  /** Whether the run is counted and stored in the history. */
  isCounted = true;
  /** Whether Stop was pressed: its code then ends at the next await. */
  isStopped = false;
  /** Whether the request asked for no output. */
  isSilent = false;
  /** Whether the run was stopped and has ended: its later output is dropped. */
  isClosed = false;
  /** Its pending timers. */
  readonly timers = new Set<NodeJS.Timeout | NodeJS.Immediate>();
  readonly replay: Replay;
  private readonly id = ++runs;
  private numRecipients = 0;
  /** A write may end in the middle of a character that the next write completes. */
  private readonly decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  constructor(
    readonly request: Request,
    private readonly output: Output,
  ) {
    this.replay = new Replay(request, (parent, type, content) => output.publish(parent, type, content));
  }

  get code(): string {
    return String(this.request.content.code);
  }

  get cellId(): string | undefined {
    return this.request.metadata.cellId as string | undefined;
  }

  /** The cell's name in errors. Uncounted code needs a name of its own, not that of the cell before it. */
  get name(): string {
    return this.isCounted ? `Cell In[${this.number}]` : `Cell In[${this.number}.${this.id}]`;
  }

  /** The same without a space, for V8. */
  get scriptName(): string {
    return this.name.replace(' ', '_');
  }

  /** Shows a message below the cell. */
  publish(type: string, content: object): void {
    if (!this.isClosed && !this.isSilent) {
      this.replay.requests.forEach(({ header }) => this.output.publish(header, type, content));
      this.replay.record(type, content); // after sending, which throws if the content cannot be sent
    }
  }

  /** Prints text, or its UTF-8 bytes, below the cell. */
  print(name: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    const decoder = this.decoders[name];
    const text = typeof chunk === 'string' ? decoder.end() + chunk : decoder.write(Buffer.from(chunk));
    if (this.isClosed || this.isSilent || text === '') {
      return;
    }
    this.replay.record('stream', { name, text });
    const { requests } = this.replay;
    const isNew = requests.length !== this.numRecipients;
    this.numRecipients = requests.length;
    this.output.print({
      run: this.id,
      name,
      text,
      ...(isNew ? { headers: requests.map(({ header }) => header) } : {}),
    });
  }

  /** Ends the run after Stop: cancels its timers and drops its later output. */
  close(): void {
    this.isStopped = true;
    this.isClosed = true;
    for (const timer of this.timers) {
      clearTimeout(timer as NodeJS.Timeout);
      clearImmediate(timer as NodeJS.Immediate);
    }
    this.timers.clear();
  }
}
