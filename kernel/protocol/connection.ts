import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
import { type Header, type Request, serialize } from './message';
import { type ConnectionInfo, type FromThread, type Printed, Shared, type ThreadData, type ToThread } from './shared';

/** Output beyond this waits to be sent before a cell may print more: what is printed must not pile up in memory. */
const MOST_QUEUED_CHARACTERS = 1 << 22;
const WAIT_MS = 100;

interface Listeners {
  request(request: Request): void;
  interrupt(): void;
}

/** The main thread's end of the sockets. */
export class Connection {
  readonly numbers = new Int32Array(new SharedArrayBuffer(Shared.count * Int32Array.BYTES_PER_ELEMENT));
  private readonly info: ConnectionInfo;
  private readonly port;
  private listeners?: Listeners;

  /** @param file what Jupyter wrote for this kernel: addresses, ports and the key that signs messages. */
  constructor(file: string) {
    this.info = { ...(JSON.parse(readFileSync(file, 'utf8')) as ConnectionInfo), session: randomUUID() };
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const workerData: ThreadData = { connection: this.info, numbers: this.numbers };
    const thread = new Worker(join(__dirname, 'sockets.js'), { workerData });
    thread.postMessage(port2, [port2]);
  }

  /** From now on requests are taken; in a later turn of the event loop each. */
  listen(listeners: Listeners): void {
    this.listeners = listeners;
    this.port.on('message', (message: FromThread) => this.take(message));
  }

  /** Takes what has arrived but had no turn yet. */
  takeArrived(): void {
    for (let next = receiveMessageOnPort(this.port); next; next = receiveMessageOnPort(this.port)) {
      this.take(next.message as FromThread);
    }
  }

  reply(request: Request, type: string, content: object): void {
    this.send({
      channel: request.channel,
      frames: serialize(request.identities, request.header, type, content, this.info),
      size: 0,
    });
  }

  /** Tells all clients something that is about a request; a display, only once there is room. */
  publish(parent: Header, type: string, content: object): void {
    if (type === 'display_data' || type === 'update_display_data') {
      this.waitForRoom();
    }
    const frames = serialize([type], parent, type, content, this.info);
    const size = (frames.at(-1) as string).length;
    Atomics.add(this.numbers, Shared.queued, size);
    this.send({ channel: 'iopub', frames, size });
  }

  /** Prints; where much waits to be sent, only once there is room. */
  print(printed: Printed): void {
    this.waitForRoom();
    Atomics.add(this.numbers, Shared.queued, printed.text.length);
    this.send(printed);
  }

  /** Waits until most of the output has been sent; Stop may end the waiting. */
  private waitForRoom(): void {
    for (;;) {
      const queued = Atomics.load(this.numbers, Shared.queued);
      if (queued <= MOST_QUEUED_CHARACTERS) {
        return;
      }
      Atomics.wait(this.numbers, Shared.queued, queued, WAIT_MS);
    }
  }

  private take(message: FromThread): void {
    if (message === 'interrupt') {
      Atomics.add(this.numbers, Shared.stopsTaken, 1);
      Atomics.store(this.numbers, Shared.ending, 1); // the thread watches on until the listener has looked for a cell
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
