// A classroom in a copy of this checkout, with real users of this machine, who come by HTTP and websocket as browsers do.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Checkout, link } from './checkout';
import { root } from './notebook';
import { commandOf, descendants } from './processes';
import { Started } from './started';

/** Why there can be no classroom here; empty if there can. */
const cannotTeach =
  process.platform !== 'linux'
    ? 'a classroom needs Linux'
    : process.getuid!() !== 0
      ? 'only root can start servers as other users'
      : '';

/** Like `describe`, but skipped, with the reason in the title, where there can be no classroom. */
export function describeClassroom(title: string, tests: () => void): void {
  if (cannotTeach) {
    describe.skip(`${title} (skipped: ${cannotTeach})`, tests);
  } else {
    describe(title, tests);
  }
}

/** Waits until a condition holds; fails after two minutes. */
export async function until<T>(condition: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const value = await condition();
    if (value) {
      return value;
    }
    if (Date.now() > deadline) {
      throw new Error(`This never held: ${String(condition)}`);
    }
    await sleep(50);
  }
}

export class Classroom {
  readonly checkout = new Checkout();
  readonly state = join(this.checkout.root, 'classroom', 'state');
  /** The end of each login, so that they are nobody else's. */
  readonly suffix = randomBytes(3).toString('hex');
  private readonly made = new Set<string>();
  private command?: Started;
  port = 0;

  /** Sets the copy up so that all users can run it, and makes accounts: `ada` is the login of ada-SUFFIX. */
  async setUp(people: Record<string, 'student' | 'teacher'>): Promise<Record<string, Person>> {
    const { checkout } = this;
    checkout.takeOver();
    chmodSync(checkout.folder, 0o755);
    // TensorFlow in the project's own .cache, and an addon that is linked to it there.
    const ownCache = join(checkout.root, '.cache', 'mnist-lecture');
    mkdirSync(ownCache, { recursive: true });
    link(checkout.tensorflow, join(ownCache, basename(checkout.tensorflow)));
    rmSync(checkout.addon);
    const venv = join(root, 'classroom', '.venv');
    const copy = join(checkout.root, 'classroom', '.venv');
    const isThere = existsSync(join(venv, '.setup'));
    if (isThere) {
      link(venv, copy);
      checkout.replace('classroom/.venv/.setup', (stamp) => stamp.replace(root, checkout.root));
    }
    this.port = await freePorts();
    const rows = Object.entries(people).map(([name, role]) => `${this.login(name)},학생 ${name},${role}`);
    const { stdout, stderr } = this.addPeople(rows.join('\n'));
    if (!isThere && existsSync(join(copy, '.setup'))) {
      // For the next run, which then need not download it.
      const partial = `${venv}.${process.pid}`;
      link(copy, partial);
      rmSync(join(partial, '.setup'));
      writeFileSync(join(partial, '.setup'), readFileSync(join(copy, '.setup'), 'utf8').replace(checkout.root, root));
      rmSync(venv, { recursive: true, force: true });
      renameSync(partial, venv);
    }
    return Object.fromEntries(
      Object.keys(people).map((name) => {
        const [, password] = new RegExp(`login {6}${this.login(name)}\\n {2}password {3}(\\S+)`).exec(stdout) ?? [];
        if (!password) {
          throw new Error(`There is no password for ${name}:\n${stdout}${stderr}`);
        }
        return [name, new Person(this, this.login(name), password)];
      }),
    );
  }

  login(name: string): string {
    const login = `${name}-${this.suffix}`;
    this.made.add(login);
    return login;
  }

  addPeople(list: string | Buffer, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const file = join(this.checkout.home, 'list.csv');
    writeFileSync(file, list);
    return this.run('--students', file, ...args);
  }

  /** Runs `npm run classroom` to its end. */
  run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return this.checkout.run('classroom', {}, ['--port', String(this.port), ...args]);
  }

  /** Opens the classroom, and returns once it says so. */
  async open(...args: string[]): Promise<Started> {
    const { checkout } = this;
    const command = [...checkout.command('classroom'), '--port', String(this.port), ...args];
    this.command = new Started(process.execPath, command, { cwd: checkout.root, env: checkout.environment });
    await this.command.says(/^The classroom is open:\n\n {4}https?:/m);
    return this.command;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The process of the hub or of the proxy. */
  pid(name: 'hub' | 'proxy'): number {
    return (JSON.parse(readFileSync(join(this.state, `${name}.process`), 'utf8')) as { pid: number }).pid;
  }

  /** Ends everything, and deletes the users. */
  async delete(): Promise<void> {
    this.run('--stop');
    await this.command?.killAll();
    for (const login of this.made) {
      spawnSync('userdel', ['--remove', login]);
      rmSync(join('/run/mnist-class', login), { recursive: true, force: true });
    }
    spawnSync('groupdel', ['mnist-class']); // refused while another classroom uses it
    this.checkout.delete();
  }
}

/**
 * The first of three neighbouring ports that are free. They are below Linux's ephemeral ports, one of which another program
 * could get while the classroom restarts.
 */
async function freePorts(): Promise<number> {
  const isFree = async (port: number): Promise<boolean> => {
    const server = createServer().listen(port, '127.0.0.1');
    return once(server, 'listening').then(
      () => (server.close(), true),
      () => false,
    );
  };
  for (;;) {
    const first = randomInt(20_000, 32_000);
    const ports = [first, first + 1, first + 2];
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) {
      return first;
    }
  }
}

/** Somebody with a browser. */
export class Person {
  private cookies = new Map<string, string>();
  private token?: string;

  constructor(
    readonly classroom: Classroom,
    readonly login: string,
    public password: string,
  ) {}

  get home(): string {
    return `/home/${this.login}`;
  }

  /** The same person in another browser. */
  elsewhere(): Person {
    return new Person(this.classroom, this.login, this.password);
  }

  /** Asks the hub, with the cookies that it has set. */
  async ask(
    path: string,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<{ status: number; location: string; text: string }> {
    const headers = {
      Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(this.token && { Authorization: `token ${this.token}` }),
      ...init.headers,
    };
    const length = init.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(init.body) };
    // By node:http: `fetch` tells the hub that it is no browser.
    const sent = request(`${this.classroom.origin}${path}`, {
      method: init.method,
      headers: { ...headers, ...length },
    });
    sent.end(init.body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    for (const cookie of response.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      this.cookies.set(name, value);
    }
    return {
      status: response.statusCode!,
      location: response.headers.location ?? '',
      text: await readText(response),
    };
  }

  /** Sends a form, as a browser does. */
  async send(path: string, fields: Record<string, string>, headers = {}): ReturnType<Person['ask']> {
    await this.ask(path, { headers });
    const body = new URLSearchParams({ ...fields, _xsrf: this.cookies.get('_xsrf') ?? '' });
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return this.ask(path, { method: 'POST', headers: { ...headers, ...type }, body: body.toString() });
  }

  logIn(password = this.password, headers = {}): ReturnType<Person['ask']> {
    return this.send('/hub/login', { username: this.login, password }, headers);
  }

  async changePassword(chosen: string): ReturnType<Person['ask']> {
    const answer = await this.send('/hub/change-password', { old: this.password, new: chosen, again: chosen });
    if (answer.status === 302) {
      this.password = chosen;
    }
    return answer;
  }

  /** Logs in, with a password of the person's own, and takes a token for the API. */
  async arrive(): Promise<void> {
    const { location, text } = await this.logIn();
    if (!location) {
      throw new Error(`${this.login} cannot log in: ${text}`);
    }
    if (location.endsWith('/change-password')) {
      await this.changePassword(`${this.login} likes TypeScript`);
    }
    await this.ask('/hub/home');
    const answer = await this.ask(`/hub/api/users/${this.login}/tokens`, {
      method: 'POST',
      headers: { 'X-XSRFToken': this.cookies.get('_xsrf')! },
    });
    this.token = (JSON.parse(answer.text) as { token: string }).token;
  }

  /** Asks the hub's API. */
  async api<T = unknown>(path: string, method = 'GET', body?: object): Promise<T> {
    const { status, text } = await this.ask(path, { method, ...(body && { body: JSON.stringify(body) }) });
    if (status >= 400) {
      throw new Error(`${method} ${path}: ${status} ${text}`);
    }
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Starts the person's server, and returns its process. */
  async startServer(): Promise<number> {
    await this.api(`/hub/api/users/${this.login}/server`, 'POST');
    await until(async () => (await this.server())?.ready);
    return this.serverPid;
  }

  async stopServer(): Promise<void> {
    await this.api(`/hub/api/users/${this.login}/server`, 'DELETE');
    await until(async () => !(await this.server()));
  }

  /** What the hub says of the person's server; undefined if there is none. */
  async server(): Promise<{ ready: boolean } | undefined> {
    const { servers } = await this.api<{ servers: Record<string, { ready: boolean }> }>(`/hub/api/users/${this.login}`);
    return servers[''];
  }

  get serverPid(): number {
    return this.pids(/student_server/)[0];
  }

  /** The person's processes whose command matches. */
  pids(command: RegExp): number[] {
    const { stdout } = spawnSync('pgrep', ['-u', this.login], { encoding: 'utf8' });
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(Number)
      .filter((pid) => command.test(commandOf(pid)));
  }

  /** Starts a kernel for the lecture. */
  async startKernel(): Promise<RemoteKernel> {
    const notebook = 'notebooks/mnist-dense.ipynb';
    const { kernel } = await this.api<{ kernel: { id: string } }>(`/user/${this.login}/api/sessions`, 'POST', {
      path: notebook,
      name: notebook,
      type: 'notebook',
      kernel: { name: 'tslab' },
    });
    return this.connect(kernel.id);
  }

  async connect(id: string): Promise<RemoteKernel> {
    const url = `${this.classroom.origin.replace('http', 'ws')}/user/${this.login}/api/kernels/${id}/channels`;
    // With a header: the server reads a token in the address only from browsers.
    const kernel = new RemoteKernel(id, new WebSocket(url, { headers: { Authorization: `token ${this.token}` } }));
    await kernel.connected;
    return kernel;
  }

  get apiToken(): string {
    return this.token!;
  }

  /** Runs a command as the person, in the person's home. */
  sh(command: string): { status: number | null; stdout: string; stderr: string } {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, this.login], { encoding: 'utf8' })));
    return spawnSync('sh', ['-c', command], {
      uid,
      gid,
      cwd: this.home,
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
  }
}

interface Message {
  msg_type: string;
  content: Record<string, unknown>;
  parent_header: { msg_id?: string };
}

/** A kernel behind hub, proxy and server. */
export class RemoteKernel {
  readonly connected: Promise<void>;
  readonly messages: Message[] = [];
  isClosed = false;

  constructor(
    readonly id: string,
    private readonly socket: WebSocket,
  ) {
    socket.onmessage = ({ data }) => void this.messages.push(JSON.parse(data as string) as Message);
    socket.onclose = () => (this.isClosed = true);
    this.connected = new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('The websocket of the kernel could not be opened'));
    });
  }

  /** Starts a cell, and returns its id. */
  start(code: string): string {
    const msg_id = randomBytes(8).toString('hex');
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
    const header = { msg_id, msg_type: 'execute_request', session: 'test', username: 'test', version: '5.3', date: '' };
    this.socket.send(JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content }));
    return msg_id;
  }

  /** What a cell has printed so far, or its error. */
  output(id: string): string {
    return this.of(id)
      .map(({ msg_type, content }) =>
        msg_type === 'stream'
          ? String(content.text)
          : msg_type === 'error'
            ? `${String(content.ename)}: ${String(content.evalue)}`
            : '',
      )
      .join('');
  }

  /** Waits until a cell has ended, and returns what it has printed. */
  async ended(id: string): Promise<string> {
    const has = (type: string, state?: string): boolean =>
      this.of(id).some(({ msg_type, content }) => msg_type === type && (!state || content.execution_state === state));
    await until(() => (has('execute_reply') && has('status', 'idle')) || this.isClosed);
    return this.output(id);
  }

  /** Runs a cell to its end, and returns what it prints. */
  run(code: string): Promise<string> {
    return this.ended(this.start(code));
  }

  close(): void {
    this.socket.close();
  }

  private of(id: string): Message[] {
    return this.messages.filter(({ parent_header }) => parent_header.msg_id === id);
  }
}

/** The kernels that a server has started. */
export const kernelsOf = (server: number): number[] =>
  descendants(server).filter((pid) => /kernel.dist.main/.test(commandOf(pid)));
