// A client that connects to a running kernel by ZeroMQ. It can send messages that Jupyter never would, and sees all messages.
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { type ConnectionInfo, EXECUTE_CONTENT, type Kernel, startKernel } from './kernel';

type Channel = 'shell' | 'control' | 'iopub';
type Json = Record<string, unknown>;

/** A received message. */
export interface Received {
  channel: Channel;
  msg_type: string;
  content: Json;
  header: Json;
  parent_header: { msg_id?: string; msg_type?: string };
}

interface SendOptions {
  channel?: 'shell' | 'control';
  metadata?: Json;
  /** A wrong signature, in place of the right one. */
  signature?: string;
}

const DELIMITER = '<IDS|MSG>';

export class Client {
  /** All messages in order of arrival. */
  readonly messages: Received[] = [];
  private readonly session = randomUUID();
  private readonly shell = new Dealer({ linger: 0 });
  private readonly control = new Dealer({ linger: 0 });
  private readonly iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  private waiting: { until: () => boolean; resolve: () => void }[] = [];

  private constructor(private readonly info: ConnectionInfo) {}

  /** Connects, and returns as soon as the kernel's output arrives. */
  static async connect(info: ConnectionInfo): Promise<Client> {
    const client = new Client(info);
    const { ip } = info;
    client.shell.connect(`tcp://${ip}:${info.shell_port}`);
    client.control.connect(`tcp://${ip}:${info.control_port}`);
    client.iopub.connect(`tcp://${ip}:${info.iopub_port}`);
    client.iopub.subscribe();
    for (const channel of ['shell', 'control', 'iopub'] as const) {
      void client.listen(channel);
    }
    const isSubscribed = (): boolean => client.on('iopub').length > 0;
    while (!isSubscribed()) {
      await client.request('kernel_info_request', {});
    }
    return client;
  }

  /** The messages of a channel, by default about all requests. */
  on(channel: Channel, id?: string): Received[] {
    return this.messages.filter(
      (each) => each.channel === channel && (id === undefined || each.parent_header.msg_id === id),
    );
  }

  /** Sends a request and returns its id without waiting for the reply. */
  async send(msg_type: string, content: unknown, options: SendOptions = {}): Promise<string> {
    const msg_id = randomUUID();
    const header = {
      msg_id,
      msg_type,
      session: this.session,
      username: 'test',
      date: new Date().toISOString(),
      version: '5.3',
    };
    await this.sendParts(
      [header, {}, options.metadata ?? {}, content].map((part) => JSON.stringify(part)),
      options,
    );
    return msg_id;
  }

  /** Signs and sends any parts. */
  sendParts(parts: string[], { channel = 'shell', signature }: SendOptions = {}): Promise<void> {
    return this.sendFrames([DELIMITER, signature ?? this.sign(parts), ...parts], channel);
  }

  /** Sends any frames. */
  sendFrames(frames: string[], channel: 'shell' | 'control' = 'shell'): Promise<void> {
    return this[channel].send(frames);
  }

  /** Sends a request and returns its reply. */
  async request(msg_type: string, content: unknown, options: SendOptions = {}): Promise<Received> {
    return this.replyTo(await this.send(msg_type, content, options));
  }

  async replyTo(id: string): Promise<Received> {
    const reply = (): Received | undefined =>
      this.messages.find((each) => each.channel !== 'iopub' && each.parent_header.msg_id === id);
    await this.until(() => reply() !== undefined);
    return reply()!;
  }

  /** Sends an execute_request and returns its id. */
  execute(code: unknown, more: Json = {}): Promise<string> {
    return this.send('execute_request', { ...EXECUTE_CONTENT, code, ...more });
  }

  /** Runs a cell to its end. @returns the content of its reply, and the iopub messages about it. */
  async run(code: unknown, more: Json = {}): Promise<{ id: string; reply: Json; messages: Received[] }> {
    const id = await this.execute(code, more);
    const { content } = await this.replyTo(id);
    await this.idle(id);
    return { id, reply: content, messages: this.on('iopub', id) };
  }

  /** Runs a cell that ends when it is released. @returns as soon as it runs. */
  async hold(more: Json = {}): Promise<{ id: string; release: () => Promise<void> }> {
    const folder = mkdtempSync(join(tmpdir(), 'hold-'));
    const gate = join(folder, 'gate');
    const id = await this.execute(
      `await (async () => {
        const { existsSync } = await import('node:fs');
        while (!existsSync(${JSON.stringify(gate)})) await new Promise<void>((resolve) => setTimeout(resolve, 5));
      })();`,
      more,
    );
    await this.until(() => this.on('iopub', id).length > 0);
    const release = async (): Promise<void> => {
      writeFileSync(gate, '');
      await this.idle(id);
      rmSync(folder, { recursive: true });
    };
    return { id, release };
  }

  /** Sends requests while the kernel runs a cell, which ends when they have arrived. So all wait in the queue. */
  async queue(send: () => Promise<string>[]): Promise<string[]> {
    const { release } = await this.hold({ silent: true });
    const ids = await Promise.all(send());
    // It is answered while the cell runs, and after what was sent before it has arrived.
    await this.request('kernel_info_request', {});
    await release();
    return ids;
  }

  /** Waits until the kernel is idle after a request. */
  idle(id: string): Promise<void> {
    return this.until(() => this.on('iopub', id).some(({ content }) => content.execution_state === 'idle'));
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push({ until: condition, resolve });
      this.check();
    });
  }

  close(): void {
    [this.shell, this.control, this.iopub].forEach((socket) => socket.close());
  }

  private sign(parts: string[]): string {
    const hash = createHmac('sha256', this.info.key);
    parts.forEach((part) => hash.update(part));
    return hash.digest('hex');
  }

  private async listen(channel: Channel): Promise<void> {
    for await (const frames of this[channel]) {
      const texts = frames.map(String);
      const [signature, ...parts] = texts.slice(texts.indexOf(DELIMITER) + 1);
      if (signature !== this.sign(parts)) {
        throw new Error(`The kernel sent a message with a wrong signature: ${texts.join()}`);
      }
      const [header, parent_header, , content] = parts.map((part) => JSON.parse(part) as Json);
      this.messages.push({ channel, msg_type: header.msg_type as string, header, parent_header, content });
      this.check();
    }
  }

  private check(): void {
    this.waiting = this.waiting.filter(({ until, resolve }) => !until() || resolve());
  }
}

const clients: Client[] = [];

afterAll(() => clients.forEach((client) => client.close()));

/** Starts a kernel and connects a client to it. Both are closed after the tests. */
export async function startKernelWithClient(): Promise<{ kernel: Kernel; client: Client }> {
  const kernel = await startKernel();
  const client = await Client.connect(await kernel.connection());
  clients.push(client);
  return { kernel, client };
}
