import type { Header, Request } from '../protocol/message';

/** Only the end of long output is kept. */
const KEPT_CHARACTERS = 1_000_000;

/** How comm_info calls the runs of cells. */
const TARGET = 'cell';

interface Kept {
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
 * Keeps the messages of a cell's last run, for a page that is opened after the cell has been started. JupyterLab drops
 * what a kernel says to a page that is gone (jupyterlab issue 2833); the extension in labextension/ asks for it.
 */
export class Replay {
  /** Who wants the messages: first the request that started the run. */
  readonly requests: Request[];
  private messages: Kept[] = [];
  private reply: object | null = null;
  private changed = new Date();
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

  keep(type: string, content: object): void {
    this.changed = new Date();
    if (!this.cellId || replays.get(this.cellId) !== this) {
      return;
    }
    const last = this.messages.at(-1);
    if (type === 'update_display_data') {
      keepUpdate(content as Display);
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
   * @param whenEnded is called with the reply once there is one.
   */
  follow(request: Request, whenEnded: (reply: object) => void): void {
    this.messages.forEach(({ type, content }) => this.publish(request.header, type, content));
    this.requests.push(request);
    if (this.reply) {
      whenEnded(this.reply);
    } else {
      this.whenEnded.push(whenEnded);
    }
  }
  private readonly whenEnded: ((reply: object) => void)[] = [];

  end(reply: object): void {
    this.changed = new Date();
    this.reply = reply;
    this.whenEnded.splice(0).forEach((tell) => tell(reply));
  }

  /** How comm_info lists it. */
  describe(): object {
    const { session } = this.requests[0].header;
    return { target_name: TARGET, session, hasEnded: this.reply !== null, changed: this.changed };
  }
}

/** An update changes what was displayed under its name, by whichever cell. */
function keepUpdate(update: Display): void {
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

/** The last run of a cell; undefined where this kernel has never run it. */
export function lastReplay(cellId: unknown): Replay | undefined {
  return replays.get(cellId as string);
}

/**
 * The last runs as Jupyter's protocol lists comms, each under its cell's id: which page started it, whether it has
 * ended, and when it last changed.
 *
 * @param target which kind of comms is asked for, by default all; runs are listed as `cell`.
 */
export function listReplays(target: unknown): object {
  if (target && target !== TARGET) {
    return {};
  }
  return Object.fromEntries([...replays].map(([cellId, replay]) => [cellId, replay.describe()]));
}
