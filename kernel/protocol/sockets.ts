// The thread that owns the sockets. It hears Jupyter while a cell computes: it answers the heartbeat, sends output,
// stops code that does not return to the event loop, and ends the kernel with its server.
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Publisher, Reply, Router } from 'zeromq';
import { type Header, MessageError, type Request, parse, serialize } from './message';
import { type FromThread, NOT_TO_BE_TERMINATED, type Printed, Shared, type ThreadData, type ToThread } from './shared';

const { connection, numbers } = workerData as ThreadData;

/** How often is looked whether the main thread has noticed Stop. */
const LOOK_MS = 100;
/** How long a section that must not be terminated (a batch of training) may last. */
const LONGEST_SECTION_MS = 30_000;
/** What is printed is sent together: after a moment, or once it is much. */
const BATCH_MS = 30;
const BATCH_CHARACTERS = 1 << 16;
const PARENT_CHECK_MS = 1000;
const EXIT_MS = 1000;
/** How long ZeroMQ may take to deliver what it was given. */
const DELIVERY_MS = 100;
/** A subscriber whose queue is full is tried again this often, */
const RETRY_MS = 5;
/** and after this long no longer waited for: it alone loses messages. */
const LONGEST_DEAFNESS_MS = 30_000;

const sockets = {
  shell: new Router({ linger: 0 }),
  control: new Router({ linger: 0 }),
  stdin: new Router({ linger: 0 }),
  // A subscriber that is slower than a cell that prints makes the cell wait; ZeroMQ would drop messages.
  iopub: new Publisher({ linger: EXIT_MS, noDrop: true }),
};
const heartbeat = new Reply({ linger: 0 });

/** ZeroMQ takes one message at a time. */
const queues = new Map<keyof typeof sockets, Promise<void>>();

function send(channel: keyof typeof sockets, frames: (Uint8Array | string)[], size = 0): Promise<void> {
  const sent = (queues.get(channel) ?? Promise.resolve()).then(async () => {
    const parts = frames.map((frame) => (typeof frame === 'string' ? frame : Buffer.from(frame)));
    try {
      await (channel === 'iopub' ? publish(parts) : sockets[channel].send(parts));
    } catch (error) {
      if (!sockets[channel].closed) {
        log(`A message could not be sent: ${String(error)}`);
      }
    }
    Atomics.sub(numbers, Shared.queued, size);
    Atomics.notify(numbers, Shared.queued);
  });
  queues.set(channel, sent);
  return sent;
}

let deafSince: number | undefined;

/** Sends to all subscribers, and waits for those that are slow. */
async function publish(parts: (Buffer | string)[]): Promise<void> {
  const { iopub } = sockets;
  while (!iopub.closed) {
    try {
      await iopub.send(parts);
      deafSince = undefined;
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        throw error;
      }
    }
    deafSince ??= Date.now();
    if (Date.now() - deafSince > LONGEST_DEAFNESS_MS) {
      iopub.noDrop = false;
      await iopub.send(parts);
      iopub.noDrop = true;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Whom each run's output is for. */
const readers = new Map<number, Header[]>();
let batch: { run: number; name: string; parts: string[]; size: number } | null = null;
let batchTimer: NodeJS.Timeout | undefined;

function print({ run, headers, name, text }: Printed): void {
  if (batch && (batch.run !== run || batch.name !== name || headers)) {
    sendBatch();
  }
  if (headers) {
    readers.set(run, headers);
  }
  batch ??= { run, name, parts: [], size: 0 };
  batch.parts.push(text);
  batch.size += text.length;
  if (batch.size >= BATCH_CHARACTERS) {
    sendBatch();
  } else {
    batchTimer ??= setTimeout(sendBatch, BATCH_MS);
  }
}

function sendBatch(): void {
  clearTimeout(batchTimer);
  batchTimer = undefined;
  if (batch) {
    const { run, name, parts, size } = batch;
    batch = null;
    const content = { name, text: parts.join('') };
    readers.get(run)!.forEach((header, index) => {
      void send('iopub', serialize(['stream'], header, 'stream', content, connection), index === 0 ? size : 0);
    });
  }
}

/** To the kernel's own log, past the page. */
function log(message: string): void {
  writeSync(2, `${message}\n`);
}

function start(port: MessagePort): void {
  const tell = (message: FromThread): void => port.postMessage(message);

  /** The requests to stop that the main thread has not taken yet. */
  const interrupts: Request[] = [];
  /** Connected while code may have to be terminated, so that nothing lies between deciding to do so and doing it. */
  let session: Session | undefined;

  function interrupt(request: Request): void {
    Atomics.add(numbers, Shared.stops, 1);
    tell('interrupt');
    interrupts.push(request);
    if (!session) {
      session = new Session();
      session.connectToMainThread();
      terminateWhatStays(session);
    }
  }

  /** Terminates code that stays in one stretch of work, until Stop is taken and the stopped cell has ended. */
  function terminateWhatStays(connected: Session): void {
    let stretch = Atomics.load(numbers, Shared.stretch);
    let [since, heldSince] = [Date.now(), Infinity];
    const look = (): void => {
      if (interrupts.length === 0 && Atomics.load(numbers, Shared.ending) === 0) {
        connected.disconnect();
        session = undefined;
        return;
      }
      const [now, current] = [Date.now(), Atomics.load(numbers, Shared.stretch)];
      const isHeld = current === NOT_TO_BE_TERMINATED; // by a section, or by a step, after which the stretch goes on
      heldSince = isHeld ? Math.min(heldSince, now) : Infinity;
      if (!isHeld && current !== stretch) {
        [stretch, since] = [current, now];
      }
      const isPatient = isHeld
        ? now - heldSince < LONGEST_SECTION_MS
        : now - since < Atomics.load(numbers, Shared.patience);
      if (!isPatient) {
        Atomics.add(numbers, Shared.terminations, 1);
        connected.post('Runtime.terminateExecution');
      }
      setTimeout(look, LOOK_MS);
    };
    setTimeout(look, LOOK_MS);
  }

  function interrupted(): void {
    for (const { identities, header } of interrupts.splice(0)) {
      void send('control', serialize(identities, header, 'interrupt_reply', { status: 'ok' }, connection));
    }
  }

  /**
   * Ends the process, also when the main thread is in an endless loop. Not in Node's orderly way: that waits for V8's
   * inspector to be left, and fails with the sockets of a thread.
   */
  function shutDown({ channel, identities, header, content }: Request): void {
    const reply = { status: 'ok', restart: content.restart === true };
    void Promise.all([
      send(channel, serialize(identities, header, 'shutdown_reply', reply, connection)),
      send('iopub', serialize(['shutdown'], header, 'shutdown_reply', reply, connection)),
    ]).then(() => setTimeout(kill, DELIVERY_MS));
    setTimeout(kill, EXIT_MS); // where a client does not take its messages
  }

  function take(channel: Request['channel'], frames: Uint8Array[]): void {
    let request: Request;
    try {
      request = parse(channel, frames, connection.key);
    } catch (error) {
      if (!(error instanceof MessageError)) {
        throw error;
      }
      log(`Dropped: ${error.message}.`);
      return;
    }
    const { msg_type } = request.header;
    if (msg_type === 'interrupt_request') {
      interrupt(request);
    } else if (msg_type === 'shutdown_request') {
      shutDown(request);
    } else {
      tell({ request });
    }
  }

  async function listen(channel: Request['channel']): Promise<void> {
    for await (const frames of sockets[channel]) {
      take(channel, frames);
    }
  }

  async function beat(): Promise<void> {
    for await (const frames of heartbeat) {
      await heartbeat.send(frames);
    }
  }

  port.on('message', (message: ToThread) => {
    if (message === 'interrupted') {
      interrupted();
    } else if ('run' in message) {
      print(message);
    } else {
      if (message.channel === 'iopub') {
        sendBatch();
      }
      void send(message.channel, message.frames, message.size);
    }
  });

  const address = (number: number): string =>
    `${connection.transport}://${connection.ip}${connection.transport === 'ipc' ? '-' : ':'}${number}`;
  void Promise.all([
    sockets.shell.bind(address(connection.shell_port)),
    sockets.control.bind(address(connection.control_port)),
    sockets.stdin.bind(address(connection.stdin_port)),
    sockets.iopub.bind(address(connection.iopub_port)),
    heartbeat.bind(address(connection.hb_port)),
  ]).then(
    () => {
      void Promise.all([listen('shell'), listen('control'), listen('stdin'), beat()]);
    },
    (error: unknown) => {
      log(`The kernel cannot listen at its ports: ${String(error)}`);
      kill();
    },
  );
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL'); // a thread cannot end the process in any other way
}

// Jupyter names itself to the kernels that should not outlive it.
if (process.env.JPY_PARENT_PID) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      kill();
    }
  }, PARENT_CHECK_MS);
}

parentPort!.once('message', (port: MessagePort) => start(port));
