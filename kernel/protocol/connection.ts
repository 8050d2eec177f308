import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
import { type Header, type Request, serialize } from './message';
import { type ConnectionInfo, type FromThread, type Printed, Shared, type ThreadData, type ToThread } from './shared';

/** A cell that prints waits while more output than this is queued, so that output does not fill the memory. */
const MAX_QUEUED_CHARACTERS = 1 << 22;
const WAIT_MS = 100;

interface Listeners {
  request(request: Request): void;
  interrupt(): void;
}

/** The main thread's connection to the socket thread. */
export class Connection {
  readonly shared = new Int32Array(new SharedArrayBuffer(Shared.length * Int32Array.BYTES_PER_ELEMENT));
  private readonly info: ConnectionInfo;
  private readonly port;
  private listeners?: Listeners;

  /** @param file the connection file: addresses, ports and the key that signs messages. */
  constructor(file: string) {
    this.info = { ...(JSON.parse(readFileSync(file, 'utf8')) as ConnectionInfo), session: randomUUID() };
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const workerData: ThreadData = { connection: this.info, shared: this.shared };
    // With pipes of its own, which nobody reads, the thread does not open Node's stdout and stderr (cells/globals.ts).
    const thread = new Worker(join(__dirname, 'sockets.js'), { workerData, stdout: true, stderr: true });
    thread.postMessage(port2, [port2]);
  }

  /** Starts to deliver requests, each in its own turn of the event loop. */
  listen(listeners: Listeners): void {
    this.listeners = listeners;
    this.port.on('message', (message: FromThread) => this.receive(message));
  }

  /** Tells the socket thread when a cell runs. */
  noteCell(message: 'cell started' | 'cell ended'): void {
    this.send(message);
  }

  /** Delivers the requests that have arrived but have not had their turn yet. */
  receivePending(): void {
    for (let next = receiveMessageOnPort(this.port); next; next = receiveMessageOnPort(this.port)) {
      this.receive(next.message as FromThread);
    }
  }

  reply(request: Request, type: string, content: object): void {
    this.send({
      channel: request.channel,
      frames: serialize(request.identities, request.header, type, content, this.info),
      size: 0,
    });
  }

  /** Sends all clients a message about a request. A display first waits for room in the queue. */
  publish(parent: Header, type: string, content: object): void {
    if (type === 'display_data' || type === 'update_display_data') {
      this.waitForRoom();
    }
    const frames = serialize([type], parent, type, content, this.info);
    const size = (frames.at(-1) as string).length;
    Atomics.add(this.shared, Shared.queuedCharacters, size);
    this.send({ channel: 'iopub', frames, size });
  }

  /** Prints text, after waiting for room in the queue. */
  print(printed: Printed): void {
    this.waitForRoom();
    Atomics.add(this.shared, Shared.queuedCharacters, printed.text.length);
    this.send(printed);
  }

  /** Blocks until the queue has room. Stop may terminate the wait. */
  private waitForRoom(): void {
    for (;;) {
      const queued = Atomics.load(this.shared, Shared.queuedCharacters);
      if (queued <= MAX_QUEUED_CHARACTERS) {
        return;
      }
      Atomics.wait(this.shared, Shared.queuedCharacters, queued, WAIT_MS);
    }
  }

  private receive(message: FromThread): void {
    if (message === 'interrupt') {
      if (Atomics.load(this.shared, Shared.handledStops) === Atomics.load(this.shared, Shared.stops)) {
        return; // the socket thread asks again if a termination may have met the first attempt
      }
      Atomics.add(this.shared, Shared.handledStops, 1);
      Atomics.store(this.shared, Shared.isEnding, 1); // the thread watches on until the listener has looked for a cell
      this.send('interrupted');
      this.listeners!.interrupt();
    } else {
      this.listeners!.request(message.request);
    }
  }

  private send(message: ToThread): void {
    this.port.postMessage(message);
  }
}
