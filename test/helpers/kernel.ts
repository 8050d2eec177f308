// A real kernel for tests, started and used as Jupyter does it, through kernel.py.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CodeOutput, joined, root } from './notebook';
import { python } from './python';

/** The parts of a message that tests need. */
export interface Message {
  msg_type: string;
  content: Record<string, unknown>;
  parent_header: { msg_id?: string };
}

/** An output as in a notebook. */
export interface Output extends CodeOutput {
  display_id?: string;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

interface Reply {
  status: 'ok' | 'error' | 'abort' | 'aborted';
  execution_count?: number;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

/** A cell that runs or has run. Later messages about it arrive here as well. */
export class Run {
  /** Its iopub messages in order. */
  readonly messages: Message[] = [];
  /** Its outputs, with updates applied in place. */
  readonly outputs: Output[] = [];
  reply?: Reply;
  /** Resolves when the kernel has replied and is idle; rejects if the kernel dies or is stopped before. */
  readonly ended: Promise<Run>;
  private waiting: { until: () => boolean; resolve: () => void; reject: (error: Error) => void }[] = [];
  private idle = false;

  constructor(readonly code: string) {
    this.ended = this.wait(() => this.idle && this.reply !== undefined).then(() => this);
    this.ended.catch(() => {}); // tests need not wait for it
  }

  get status(): Reply['status'] | undefined {
    return this.reply?.status;
  }
  get ename(): string | undefined {
    return this.reply?.ename;
  }
  get evalue(): string | undefined {
    return this.reply?.evalue;
  }
  get traceback(): string[] | undefined {
    return this.reply?.traceback;
  }
  get stdout(): string {
    return this.streamText('stdout');
  }
  get stderr(): string {
    return this.streamText('stderr');
  }
  /** Its value as text; undefined if it has none. */
  get result(): string | undefined {
    const result = this.outputs.find(({ output_type }) => output_type === 'execute_result');
    return result && joined(result.data!['text/plain'] as string);
  }
  /** The ids by which its outputs can be updated. */
  get displayIds(): string[] {
    return this.outputs.flatMap(({ display_id }) => display_id ?? []);
  }
  /** The text of all its outputs. */
  get text(): string {
    const plain = ({ text, data, traceback }: Output) => text ?? data?.['text/plain'] ?? traceback?.join('\n') ?? '';
    return this.outputs.map((output) => joined(plain(output) as string | string[])).join('');
  }

  /** Waits until the text of the outputs matches; the cell may have ended. */
  async until(pattern: RegExp): Promise<void> {
    const isRefused = () => this.status === 'abort' || this.status === 'aborted';
    const problem = await this.wait(() => isRefused() || pattern.test(this.text)).then(
      () => (isRefused() ? 'The kernel aborted the cell' : undefined),
      (error: Error) => error.message,
    );
    if (problem) {
      throw new Error(`${problem} before ${pattern} appeared in ${JSON.stringify(this.text)}`);
    }
  }

  /** @internal */
  receive(message: Message, allRuns: Run[]): void {
    const { msg_type, content } = message;
    this.messages.push(message);
    if (msg_type === 'stream') {
      const last = this.outputs.at(-1);
      if (last?.output_type === 'stream' && last.name === content.name) {
        last.text = joined(last.text!) + (content.text as string);
      } else {
        this.outputs.push({ output_type: 'stream', ...content });
      }
    } else if (['display_data', 'execute_result', 'error'].includes(msg_type)) {
      const { transient, ...kept } = content as { transient?: { display_id?: string } };
      this.outputs.push({ output_type: msg_type as Output['output_type'], ...kept, display_id: transient?.display_id });
    } else if (msg_type === 'update_display_data') {
      const { display_id } = content.transient as { display_id: string };
      const shown = allRuns.flatMap(({ outputs }) => outputs).filter((output) => output.display_id === display_id);
      shown.forEach((output) => Object.assign(output, { data: content.data, metadata: content.metadata }));
    } else if (msg_type === 'clear_output') {
      this.outputs.length = 0;
    } else if (msg_type === 'status') {
      this.idle ||= content.execution_state === 'idle';
    }
    this.check();
  }

  /** @internal */
  check(): void {
    this.waiting = this.waiting.filter(({ until, resolve }) => !until() || resolve());
  }

  /** @internal */
  giveUp(error: Error): void {
    this.waiting.forEach(({ reject }) => reject(error));
    this.waiting = [];
  }

  private wait(until: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ until, resolve, reject });
      this.check();
    });
  }

  private streamText(stream: 'stdout' | 'stderr'): string {
    return this.outputs
      .filter(({ name }) => name === stream)
      .map(({ text }) => joined(text!))
      .join('');
  }
}

/** What a notebook's execute_request contains beside the code. */
export const EXECUTE_CONTENT = {
  silent: false,
  store_history: true,
  user_expressions: {},
  allow_stdin: false,
  stop_on_error: true,
};

/** A kernel's addresses, and the key that signs its messages. */
export interface ConnectionInfo {
  key: string;
  ip: string;
  shell_port: number;
  control_port: number;
  iopub_port: number;
  /** The path of the connection file. */
  file: string;
}

export interface KernelOptions {
  /** The kernelspec's name, by default the project's kernel. */
  name?: string;
  /** Environment variables in addition to those of this process and of the scripts that run Jupyter. */
  env?: Record<string, string>;
  /** The kernel's working directory, by default the folder of the notebook. */
  cwd?: string;
}

const open = new Set<Kernel>();

// Also stops kernels whose tests failed before `kernel.stop()`.
afterAll(() => Promise.all([...open].map((kernel) => kernel.stop())));

/** Starts a kernel and waits until it answers. */
export async function startKernel({ name = 'tslab', env = {}, cwd = join(root, 'notebooks') }: KernelOptions = {}) {
  const child = spawn(python, [join(__dirname, 'kernel.py'), name, cwd], {
    env: { ...environment(), ...env },
  });
  const kernel = new Kernel(child);
  open.add(kernel);
  await kernel.begin();
  return kernel;
}

let known: Record<string, string> | undefined;

/** The `environment` of scripts/environment.mjs, which jest cannot import. */
function environment(): Record<string, string> {
  const script = `import { environment } from ${JSON.stringify(join(root, 'scripts', 'environment.mjs'))};
    console.log(JSON.stringify(environment));`;
  const args = ['--input-type=module', '--eval', script];
  return (known ??= JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Record<string, string>);
}

/** A kernel, started by `startKernel`. */
export class Kernel {
  /** The id of the kernel's process. */
  pid = 0;
  /** The process's own standard output and error, which Jupyter does not see. */
  log = '';
  private runs = new Map<string, Run>();
  private requests = new Map<string, (reply: Record<string, unknown>) => void>();
  private commands = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private numbers = 0;
  private readonly exited: Promise<unknown>;
  private hasDied = false;
  private resolveDied = (): void => {};
  /** Resolves when Jupyter has noticed that the process is gone. */
  readonly died = new Promise<void>((resolve) => (this.resolveDied = resolve));

  constructor(private child: ChildProcess) {
    this.exited = once(child, 'exit');
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    child.stdin!.on('error', () => {}); // the process has ended, which 'exit' handles
    child.on('exit', () => this.giveUp(new Error(`The kernel was stopped\n${this.log}`)));
    createInterface(child.stdout!).on('line', (line) => this.receive(JSON.parse(line) as BridgeMessage));
  }

  /** @internal */
  async begin(): Promise<void> {
    this.pid = (await this.command('start')) as number;
  }

  /** Runs a cell to its end, successful or not: see its status. @param cellId as a page sends it; none by default. */
  run(code: string, cellId?: string): Promise<Run> {
    return this.start(code, cellId).ended;
  }

  /** Starts a cell. `await run.ended` waits for its end, `await run.until(/text/)` for an output. */
  start(code: string, cellId?: string): Run {
    const run = new Run(code);
    if (this.hasDied) {
      run.giveUp(new Error('The kernel died before'));
      return run;
    }
    const id = `run-${++this.numbers}`;
    this.runs.set(id, run);
    const content = { ...EXECUTE_CONTENT, code };
    const request = { id, msg_type: 'execute_request', content, metadata: { cellId } };
    this.command('send', request).catch((error: Error) => run.giveUp(error));
    return run;
  }

  /** Runs a cell that prints `started`, presses Stop as soon as it has, and waits for its end. */
  async interruptOnceStarted(code: string): Promise<Run> {
    const run = this.start(code);
    await Promise.race([run.until(/started/), run.ended]); // a cell that does not compile ends without printing
    await this.interrupt();
    return run.ended;
  }

  /** Sends another request on the shell channel, such as a `complete_request`. @returns the content of its reply. */
  request(msg_type: string, content: Record<string, unknown>): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const id = `request-${++this.numbers}`;
      this.requests.set(id, resolve);
      this.command('send', { id, msg_type, content }).catch(reject);
    });
  }

  /** Kernel > Interrupt. */
  async interrupt(): Promise<void> {
    await this.command('interrupt');
  }

  /** Kernel > Restart. */
  async restart(): Promise<void> {
    this.giveUp(new Error('The kernel was restarted'));
    this.pid = (await this.command('restart')) as number;
    this.hasDied = false;
  }

  /** How further clients connect to the kernel. */
  connection(): Promise<ConnectionInfo> {
    return this.command('connection') as Promise<ConnectionInfo>;
  }

  /** Sends SIGKILL, as the system does when memory runs out, and waits until the process is gone. */
  async kill(): Promise<void> {
    await this.command('kill');
    while (this.isAlive()) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Whether the process runs; a zombie does not. */
  isAlive(): boolean {
    try {
      return !/^[ZX]/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(this.pid)], { encoding: 'utf8' }).trim());
    } catch {
      return false; // no such process
    }
  }

  /** Ends the kernel and waits until it is gone. */
  async stop(): Promise<void> {
    this.child.stdin!.end();
    await this.exited;
    open.delete(this);
  }

  private command(what: string, args: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const number = ++this.numbers;
      this.commands.set(number, { resolve, reject });
      this.child.stdin!.write(`${JSON.stringify({ number, do: what, ...args })}\n`);
    });
  }

  private receive(message: BridgeMessage): void {
    if ('number' in message) {
      const command = this.commands.get(message.number);
      this.commands.delete(message.number);
      if (message.error !== undefined) {
        command?.reject(new Error(`${message.error}\n${this.log}`));
      } else {
        command?.resolve(message.value);
      }
    } else if (message.event === 'dead') {
      this.hasDied = true;
      this.resolveDied();
      this.runs.forEach((run) => run.giveUp(new Error(`The kernel died (${message.status})\n${this.log}`)));
    } else {
      const id = message.parent_header.msg_id ?? '';
      const run = this.runs.get(id);
      if (message.event === 'iopub') {
        const { msg_type, content, parent_header } = message;
        run?.receive({ msg_type, content, parent_header }, [...this.runs.values()]);
      } else if (run) {
        run.reply = message.content as unknown as Reply;
        run.check();
      } else {
        this.requests.get(id)?.(message.content);
        this.requests.delete(id);
      }
    }
  }

  private giveUp(error: Error): void {
    this.runs.forEach((run) => run.giveUp(error));
    this.commands.forEach(({ reject }) => reject(error));
    this.commands.clear();
  }
}

type BridgeMessage =
  | { number: number; value?: unknown; error?: string }
  | { event: 'dead'; status: string }
  | ({ event: 'iopub' | 'shell' } & Message);
