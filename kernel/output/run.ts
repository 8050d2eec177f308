import { StringDecoder } from 'node:string_decoder';
import type { Header, Request } from '../protocol/message';
import type { Printed } from '../protocol/shared';
import { Replay } from './replay';

/** What sends a run's output to all clients. */
export interface Output {
  publish(parent: Header, type: string, content: object): void;
  print(printed: Printed): void;
}

let runs = 0;

/** One run of a cell, from its request on: who asked for it, and where its output goes. */
export class Run {
  /** The count that Jupyter shows beside the cell; 0 until its turn comes. */
  number = 0;
  /** Whether Jupyter counts it and keeps it in the history. */
  isCounted = true;
  /** Stop was pressed: its code ends at the next await. */
  isStopped = false;
  /** Whoever asked for it wants none of its output. */
  isSilent = false;
  /** It was stopped and has ended: nothing that it left behind is shown. */
  isCut = false;
  /** Timers that it has started and that have not fired for the last time. */
  readonly timers = new Set<NodeJS.Timeout | NodeJS.Immediate>();
  readonly replay: Replay;
  private readonly id = ++runs;
  private readers = 0;
  /** Bytes may end within a character, whose rest another write brings. */
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

  /** What the cell is called in errors; code that is not counted must not take the name of the cell before it. */
  get name(): string {
    return this.isCounted ? `Cell In[${this.number}]` : `Cell In[${this.number}.${this.id}]`;
  }

  /** The same as V8 takes it, without a space. */
  get scriptName(): string {
    return this.name.replace(' ', '_');
  }

  /** Shows a message below the cell. */
  publish(type: string, content: object): void {
    if (!this.isCut && !this.isSilent) {
      this.replay.requests.forEach(({ header }) => this.output.publish(header, type, content));
      this.replay.keep(type, content); // what cannot be sent is not kept
    }
  }

  /** Prints text, or the bytes of text, below the cell. */
  print(name: 'stdout' | 'stderr', chunk: string | Uint8Array): void {
    const decoder = this.decoders[name];
    const text = typeof chunk === 'string' ? decoder.end() + chunk : decoder.write(Buffer.from(chunk));
    if (this.isCut || this.isSilent || text === '') {
      return;
    }
    this.replay.keep('stream', { name, text });
    const { requests } = this.replay;
    const isNew = requests.length !== this.readers;
    this.readers = requests.length;
    this.output.print({
      run: this.id,
      name,
      text,
      ...(isNew ? { headers: requests.map(({ header }) => header) } : {}),
    });
  }

  /** It was stopped: from now on nothing of it is shown, and its timers are gone. */
  cutOff(): void {
    this.isStopped = true;
    this.isCut = true;
    for (const timer of this.timers) {
      clearTimeout(timer as NodeJS.Timeout);
      clearImmediate(timer as NodeJS.Immediate);
    }
    this.timers.clear();
  }
}
