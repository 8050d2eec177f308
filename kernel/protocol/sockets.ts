// The socket thread. It works while a cell computes: it answers the heartbeat, sends output, terminates code that does not
// return to the event loop after Stop, and ends the kernel when Jupyter's server ends.
import { Session } from 'node:inspector';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Publisher, Reply, Router } from 'zeromq';
import { interruptAwaitedChild } from '../stop/awaited-child';
import { MemoryWatch, type Shortage, limitedGroups } from '../stop/memory';
import { log } from './log';
import { type Header, MessageError, type Request, parse, serialize } from './message';
import {
  type FromThread,
  type Printed,
  Shared,
  TERMINATING,
  type ThreadData,
  type ToThread,
  UNINTERRUPTIBLE,
} from './shared';

const { connection, shared } = workerData as ThreadData;

/** The interval of checks whether the main thread has handled Stop. */
const POLL_MS = 100;
/** The interval of checks whether memory is short, while a cell runs. */
const MEMORY_CHECK_MS = 20;
/** The interval of both while memory is short: code may fill what is left within 100 ms. */
const SHORTAGE_CHECK_MS = 5;
/** The longest time that uninterruptible code, such as a batch of training, may take after Stop. */
const MAX_UNINTERRUPTIBLE_MS = 30_000;
/** Printed text is sent in batches: after this time, or at this size. */
const BATCH_MS = 30;
const BATCH_CHARACTERS = 1 << 16;
const PARENT_CHECK_MS = 1000;
const EXIT_MS = 1000;
/** How long ZeroMQ may take to deliver the last messages. */
const DELIVERY_MS = 100;
/** The interval of retries while a subscriber's queue is full. */
const RETRY_MS = 5;
/** After this time without progress, the kernel no longer waits: the slow subscriber alone loses messages. */
const MAX_BLOCKED_MS = 30_000;

const sockets = {
  shell: new Router({ linger: 0 }),
  control: new Router({ linger: 0 }),
  stdin: new Router({ linger: 0 }),
  // A cell that prints faster than a subscriber reads waits. By default, ZeroMQ would drop messages.
  iopub: new Publisher({ linger: EXIT_MS, noDrop: true }),
};
const heartbeat = new Reply({ linger: 0 });

/** The last send on each socket: ZeroMQ accepts one message at a time. */
const queues = new Map<keyof typeof sockets, Promise<void>>();

function send(channel: keyof typeof sockets, frames: (Uint8Array | string)[], size = 0): Promise<void> {
  const sent = (queues.get(channel) ?? Promise.resolve()).then(async () => {
    const parts = frames.map((frame) => (typeof frame === 'string' ? frame : Buffer.from(frame)));
    try {
      await (channel === 'iopub' ? publish(parts) : sockets[channel].send(parts));
    } catch (error) {
      if (!sockets[channel].closed) {
        log(`Could not send a message: ${String(error)}\n`);
      }
    }
    Atomics.sub(shared, Shared.queuedCharacters, size);
    Atomics.notify(shared, Shared.queuedCharacters);
  });
  queues.set(channel, sent);
  return sent;
}

let blockedSince: number | undefined;

/** Sends to all subscribers, and waits for slow ones. */
async function publish(parts: (Buffer | string)[]): Promise<void> {
  const { iopub } = sockets;
  while (!iopub.closed) {
    try {
      await iopub.send(parts);
      blockedSince = undefined;
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        throw error;
      }
    }
    blockedSince ??= Date.now();
    if (Date.now() - blockedSince > MAX_BLOCKED_MS) {
      iopub.noDrop = false;
      await iopub.send(parts);
      iopub.noDrop = true;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The requests that receive each run's output. */
const recipients = new Map<number, Header[]>();
let batch: { run: number; name: string; parts: string[]; size: number } | null = null;
let batchTimer: NodeJS.Timeout | undefined;

function print({ run, headers, name, text }: Printed): void {
  if (batch && (batch.run !== run || batch.name !== name || headers)) {
    sendBatch();
  }
  if (headers) {
    recipients.set(run, headers);
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
    recipients.get(run)!.forEach((header, index) => {
      void send('iopub', serialize(['stream'], header, 'stream', content, connection), index === 0 ? size : 0);
    });
  }
}

function start(port: MessagePort): void {
  const sendToKernel = (message: FromThread): void => port.postMessage(message);

  /** The replies to stops that the main thread has not handled yet. */
  const replies: (() => void)[] = [];
  /** Connected in advance while code may have to be terminated, so that the decision takes effect at once. */
  let session: Session | undefined;

  function interrupt({ identities, header }: Request): void {
    stop(() => {
      void send('control', serialize(identities, header, 'interrupt_reply', { status: 'ok' }, connection));
    });
  }

  function stop(reply: () => void): void {
    Atomics.add(shared, Shared.stops, 1);
    sendToKernel('interrupt');
    replies.push(reply);
    if (!session) {
      session = new Session();
      session.connectToMainThread();
      terminateStuckCode(session);
    }
  }

  /** Terminates code that does not return to the event loop, until Stop is handled and the stopped cell has ended. */
  function terminateStuckCode(connected: Session): void {
    let execution = Atomics.load(shared, Shared.executionId);
    let [since, uninterruptibleSince] = [Date.now(), Infinity];
    let childSince = 0;
    /** Interrupts the child process that the code waits for, once. It may not have started yet. */
    const interruptChild = (): void => {
      childSince = Atomics.load(shared, Shared.awaitsChildSince);
      if (childSince !== 0 && interruptAwaitedChild(childSince)) {
        forgetChild();
      }
    };
    /** The main thread resets the mark as well, but not if it is terminated. */
    const forgetChild = (): void => {
      Atomics.compareExchange(shared, Shared.awaitsChildSince, childSince, 0);
    };
    const poll = (): void => {
      if (replies.length === 0 && Atomics.load(shared, Shared.isEnding) === 0) {
        connected.disconnect();
        session = undefined;
        return;
      }
      const [now, current] = [Date.now(), Atomics.load(shared, Shared.executionId)];
      if (current === TERMINATING) {
        interruptChild();
        wait();
        return;
      }
      const isUninterruptible = current === UNINTERRUPTIBLE; // after a step, the same execution goes on
      uninterruptibleSince = isUninterruptible ? Math.min(uninterruptibleSince, now) : Infinity;
      if (!isUninterruptible && current !== execution) {
        [execution, since] = [current, now];
      }
      const isPatient = isUninterruptible
        ? now - uninterruptibleSince < MAX_UNINTERRUPTIBLE_MS
        : now - since < Atomics.load(shared, Shared.patienceMs) && !shortage?.isUrgent;
      // From here on, the main thread begins no critical section until the termination has ended.
      if (!isPatient && Atomics.compareExchange(shared, Shared.executionId, current, TERMINATING) === current) {
        Atomics.add(shared, Shared.terminations, 1);
        connected.post('Runtime.terminateExecution', () => {
          forgetChild();
          Atomics.compareExchange(shared, Shared.executionId, TERMINATING, current);
          // A second termination must not meet the kernel while it ends the cell.
          [since, uninterruptibleSince] = [Date.now(), Infinity];
          if (replies.length > 0) {
            sendToKernel('interrupt'); // in case the termination met the kernel as it handled Stop
          }
          if (shortage) {
            stopWatchingMemory();
          }
        });
        interruptChild(); // after that, so that the code is terminated once the child has ended
      }
      wait();
    };
    const wait = (): void => void setTimeout(poll, shortage ? SHORTAGE_CHECK_MS : POLL_MS);
    poll();
  }

  let memoryTimer: NodeJS.Timeout | undefined;
  /** The shortage for which the running cell was stopped, from the latest check that found one. */
  let shortage: Shortage | undefined;

  /** Stops the cell before Linux ends the kernel, if memory is limited. */
  function watchMemory(): void {
    const groups = limitedGroups();
    if (groups.length === 0) {
      return;
    }
    const watch = new MemoryWatch(groups);
    const check = (): void => {
      const isFirst = !shortage;
      shortage = watch.check() ?? shortage;
      if (shortage && isFirst) {
        const { group, used } = shortage;
        Atomics.store(shared, Shared.isLimitShared, group === groups[0] ? 0 : 1);
        Atomics.store(shared, Shared.limitMegabytes, Math.round(group.limit / 1e6));
        Atomics.store(shared, Shared.usedMegabytes, Math.round(used / 1e6));
        stop(() => {});
      }
      memoryTimer = setTimeout(check, watch.mayStopSoon ? SHORTAGE_CHECK_MS : MEMORY_CHECK_MS);
    };
    check();
  }

  function stopWatchingMemory(): void {
    clearTimeout(memoryTimer);
    shortage = undefined;
  }

  /**
   * Ends the process, even if the main thread is in an endless loop. Node's orderly exit would wait for V8's inspector to
   * disconnect, and fails with sockets in a thread.
   */
  function shutDown({ channel, identities, header, content }: Request): void {
    const reply = { status: 'ok', restart: content.restart === true };
    void Promise.all([
      send(channel, serialize(identities, header, 'shutdown_reply', reply, connection)),
      send('iopub', serialize(['shutdown'], header, 'shutdown_reply', reply, connection)),
    ]).then(() => setTimeout(kill, DELIVERY_MS));
    setTimeout(kill, EXIT_MS); // in case a client does not read its messages
  }

  function receive(channel: Request['channel'], frames: Uint8Array[]): void {
    let request: Request;
    try {
      request = parse(channel, frames, connection.key);
    } catch (error) {
      if (!(error instanceof MessageError)) {
        throw error;
      }
      log(`Dropped: ${error.message}.\n`);
      return;
    }
    const { msg_type } = request.header;
    if (msg_type === 'interrupt_request') {
      interrupt(request);
    } else if (msg_type === 'shutdown_request') {
      shutDown(request);
    } else {
      sendToKernel({ request });
    }
  }

  async function listen(channel: Request['channel']): Promise<void> {
    for await (const frames of sockets[channel]) {
      receive(channel, frames);
    }
  }

  async function answerHeartbeat(): Promise<void> {
    for await (const frames of heartbeat) {
      await heartbeat.send(frames);
    }
  }

  port.on('message', (message: ToThread) => {
    if (message === 'interrupted') {
      replies.splice(0).forEach((reply) => reply());
    } else if (message === 'cell started') {
      watchMemory();
    } else if (message === 'cell ended') {
      stopWatchingMemory();
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
      void Promise.all([listen('shell'), listen('control'), listen('stdin'), answerHeartbeat()]);
    },
    (error: unknown) => {
      log(`The kernel cannot listen on its ports: ${String(error)}\n`);
      kill();
    },
  );
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL'); // the only way in which a thread can end the process
}

// Jupyter sets this variable for kernels that must not outlive it.
if (process.env.JPY_PARENT_PID) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) {
      kill();
    }
  }, PARENT_CHECK_MS);
}

parentPort!.once('message', (port: MessagePort) => start(port));
