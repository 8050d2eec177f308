import type { Header, Request } from '../protocol/message';

/** Only the end of long output is kept. */
const KEPT_CHARACTERS = 1_000_000;

/** The target name of runs in comm_info. */
const TARGET = 'cell';

interface Message {
  type: string;
  content: object;
}

interface Stream {
  name: string;
  text: string;
}

interface Display {
  data: object;
  metadata: object;
  transient?: { display_id?: string };
}

/** The last run of each cell, by the cell's id. */
const replays = new Map<string, Replay>();

/**
 * Keeps the messages of a cell's last run, for a page that is opened after the cell has been started. JupyterLab drops the
 * messages for a closed page (jupyterlab issue 2833); the extension in labextension/ requests them again.
 */
export class Replay {
  /** The requests that receive the messages: first the one that started the run. */
  readonly requests: Request[];
  private messages: Message[] = [];
  private reply: object | null = null;
  private changedAt = new Date();
  private readonly cellId: string | undefined;

  constructor(
    request: Request,
    private readonly publish: (parent: Header, type: string, content: object) => void,
  ) {
    this.requests = [request];
    this.cellId = request.metadata.cellId as string | undefined;
    if (this.cellId) {
      const earlier = replays.get(this.cellId);
      if (earlier) {
        earlier.messages = [];
      }
      replays.set(this.cellId, this);
    }
  }

  record(type: string, content: object): void {
    this.changedAt = new Date();
    if (!this.cellId || replays.get(this.cellId) !== this) {
      return;
    }
    const last = this.messages.at(-1);
    if (type === 'update_display_data') {
      recordUpdate(content as Display);
    } else if (type === 'stream' && last?.type === type && (last.content as Stream).name === (content as Stream).name) {
      const text = (last.content as Stream).text + (content as Stream).text;
      last.content = { ...content, text: text.length > 2 * KEPT_CHARACTERS ? text.slice(-KEPT_CHARACTERS) : text };
    } else {
      this.messages.push({ type, content });
    }
  }

  /**
   * Replays all messages so far, then forwards new ones.
   *
   * @param onEnd is called with the reply as soon as there is one.
   */
  replay(request: Request, onEnd: (reply: object) => void): void {
    this.messages.forEach(({ type, content }) => this.publish(request.header, type, content));
    this.requests.push(request);
    if (this.reply) {
      onEnd(this.reply);
    } else {
      this.onEnd.push(onEnd);
    }
  }
  private readonly onEnd: ((reply: object) => void)[] = [];

  end(reply: object): void {
    this.changedAt = new Date();
    this.reply = reply;
    this.onEnd.splice(0).forEach((callback) => callback(reply));
  }

  /** The entry in comm_info. */
  describe(): object {
    const { session } = this.requests[0].header;
    return { target_name: TARGET, session, hasEnded: this.reply !== null, changed: this.changedAt };
  }
}

/** Applies an update to the display with its id, in whichever cell that is. */
function recordUpdate(update: Display): void {
  for (const replay of replays.values()) {
    const messages = replay['messages'];
    const shown = messages.find(
      ({ content }) => (content as Display).transient?.display_id === update.transient?.display_id,
    );
    if (shown) {
      shown.content = { ...shown.content, data: update.data, metadata: update.metadata };
    }
  }
}

/** The last run of a cell; undefined if this kernel has never run it. */
export function lastReplay(cellId: unknown): Replay | undefined {
  return replays.get(cellId as string);
}

/**
 * The last runs in the form of comm_info, by cell id: which page started the run, whether it has ended, and when its output
 * last changed.
 *
 * @param target the requested target name, by default all; runs are listed as `cell`.
 */
export function listReplays(target: unknown): object {
  if (target && target !== TARGET) {
    return {};
  }
  return Object.fromEntries([...replays].map(([cellId, replay]) => [cellId, replay.describe()]));
}
