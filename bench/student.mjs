// A student of the classroom, who comes as a browser does: by the login form, with cookies, and by a websocket.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { WebSocket } from 'ws';

/** What went wrong for a student, as a sentence. */
export class StudentError extends Error {}

/** The server is this machine. Its certificate may be for another name. */
const ANY_CERTIFICATE = { rejectUnauthorized: false };
/** How long a kernel may say nothing. With forty students on two cores, a cell takes minutes. */
const LONGEST_SILENCE_MS = 15 * 60_000;

/**
 * Runs the lecture as a student of the class.
 *
 * @param {string} url of the classroom, with a slash at its end.
 * @param {string} login
 * @param {string} password
 * @param {string} notebook its path in the student's folder.
 * @param {(notebook: { cells: Cell[] }) => Cell[]} cellsOf the code cells to run.
 * @param {() => void} onOutput called when a cell shows something.
 * @throws {StudentError}
 */
export async function runLecture(url, login, password, notebook, cellsOf, onOutput) {
  const browser = new Browser(url);
  await browser.logIn(login, password);
  await browser.startServer(login);
  const server = `user/${login}/`;
  await browser.open(`${server}lab/tree/${notebook}`);
  const { content } = await browser.json(`${server}api/contents/${notebook}`);
  const session = await browser.json(`${server}api/sessions`, 'POST', {
    ...{ path: notebook, name: notebook, type: 'notebook' },
    kernel: { name: content.metadata.kernelspec.name },
  });
  const path = `${server}api/kernels/${session.kernel.id}/channels`;
  const kernel = new Kernel(browser.socket(path), onOutput);
  try {
    for (const { id, source } of cellsOf(content)) {
      await kernel.run(id, source);
    }
  } finally {
    kernel.close();
  }
}

/** @typedef {{ id: string, cell_type: string, source: string }} Cell */

/** As much of a browser as logging in needs. */
class Browser {
  /** By path and name. */
  #cookies = /** @type {Map<string, { path: string, name: string, value: string }>} */ (new Map());

  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  /**
   * @param {string} login
   * @param {string} password
   */
  async logIn(login, password) {
    await this.open('hub/login');
    const body = new URLSearchParams({ username: login, password, _xsrf: this.#cookie('/hub/', '_xsrf') });
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const { status, text } = await this.#send('hub/login', { method: 'POST', headers, body: String(body) });
    if (status !== 302) {
      const [, reason = `status ${status}`] = /class="login_error">\s*([^<]*?)\s*</.exec(text) ?? [];
      throw new StudentError(`login refused: ${reason}`);
    }
    await this.open('hub/home'); // gives the token that goes with the login
  }

  /**
   * Starts the student's server, and returns when it can be used.
   *
   * @param {string} login
   */
  async startServer(login) {
    const server = `hub/api/users/${login}/server`;
    await this.json(server, 'POST');
    // The events that move the bar on the student's page. The last one says whether the server has started.
    const { status, text } = await this.#send(`${server}/progress`);
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data));
    if (!events.at(-1)?.ready) {
      throw new StudentError(`server not started: ${events.at(-1)?.message ?? `status ${status}`}`);
    }
  }

  /**
   * Opens a page, wherever it redirects to.
   *
   * @param {string} path
   */
  async open(path) {
    for (let next = new URL(path, this.url).href; ;) {
      const answer = await this.#send(next);
      const { location } = answer.headers;
      if (!location) {
        expectSuccess(answer, path);
        return;
      }
      next = new URL(location, next).href;
    }
  }

  /**
   * Asks an API.
   *
   * @param {string} path
   * @param {string} [method]
   * @param {object} [body]
   * @returns {Promise<any>} what it answers; undefined for nothing.
   */
  async json(path, method = 'GET', body) {
    const { pathname } = new URL(path, this.url);
    const answer = await this.#send(path, {
      method,
      headers: { 'X-XSRFToken': this.#cookie(pathname, '_xsrf') },
      ...(body && { body: JSON.stringify(body) }),
    });
    expectSuccess(answer, path);
    return answer.text ? JSON.parse(answer.text) : undefined;
  }

  /** @param {string} path */
  socket(path) {
    const { href, origin, pathname } = new URL(path, this.url);
    return new WebSocket(href.replace('http', 'ws'), {
      origin,
      headers: { Cookie: this.#cookieHeader(pathname) },
      ...ANY_CERTIFICATE,
    });
  }

  /**
   * @param {string} path
   * @param {RequestOptions} [options]
   */
  async #send(path, options = {}) {
    const url = new URL(path, this.url);
    const answer = await send(url, {
      ...options,
      headers: { ...options.headers, Cookie: this.#cookieHeader(url.pathname) },
    });
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      const [, cookiePath = '/'] = /; *path=([^;]*)/i.exec(cookie) ?? [];
      this.#cookies.set(`${cookiePath} ${name}`, { path: cookiePath, name, value });
    }
    return answer;
  }

  /** @param {string} pathname */
  #cookiesFor(pathname) {
    const cookies = [...this.#cookies.values()].filter(({ path }) => pathname.startsWith(path));
    return cookies.sort((a, b) => b.path.length - a.path.length);
  }

  /** @param {string} pathname */
  #cookieHeader(pathname) {
    return this.#cookiesFor(pathname)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /**
   * @param {string} pathname
   * @param {string} name
   */
  #cookie(pathname, name) {
    return this.#cookiesFor(pathname).find((cookie) => cookie.name === name)?.value ?? '';
  }
}

/** @typedef {{ method?: string, headers?: Record<string, string>, body?: string }} RequestOptions */

/**
 * Sends a request and reads the answer. Not by `fetch`: that says in a header that it is no browser's address bar, and
 * JupyterHub then gives it no cookie.
 *
 * @param {URL} url
 * @param {RequestOptions} [options]
 */
async function send(url, { body, ...options } = {}) {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  try {
    const sent = request(url, { ...options, agent: false, ...ANY_CERTIFICATE }).end(body);
    const [response] = /** @type {[import('node:http').IncomingMessage]} */ (await once(sent, 'response'));
    return { status: response.statusCode ?? 0, headers: response.headers, text: await readText(response) };
  } catch (error) {
    throw new StudentError(`${url.pathname}: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * @param {{ status: number, text: string }} answer text: JSON with a message, if the hub or a server refuses.
 * @param {string} path
 */
function expectSuccess({ status, text }, path) {
  if (status >= 400) {
    const [, message] = /"message": *("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
    throw new StudentError(`${path}: ${message ? JSON.parse(message) : `status ${status}`}`);
  }
}

/** A kernel behind proxy and server. */
class Kernel {
  /**
   * The cell that runs.
   *
   * @type {{ id: string, awaited: Set<string>, resolve: () => void, reject: (reason: StudentError) => void } | undefined}
   */
  #run;
  /** @type {StudentError | undefined} */
  #lost;

  /**
   * @param {WebSocket} socket
   * @param {() => void} onOutput
   */
  constructor(socket, onOutput) {
    this.socket = socket;
    this.onOutput = onOutput;
    this.opened = new Promise((resolve) => socket.on('open', resolve));
    this.silence = setTimeout(
      () => this.#lose(`the kernel said nothing for ${LONGEST_SILENCE_MS / 60_000} minutes`),
      LONGEST_SILENCE_MS,
    );
    socket.on('error', ({ message }) => this.#lose(`the websocket failed: ${message}`));
    socket.on('close', (code) => this.#lose(`the websocket was closed (code ${code})`));
    socket.on('message', (data) => this.#receive(JSON.parse(String(data))));
  }

  /**
   * Runs a cell to its end.
   *
   * @param {string} cell its id, for the error.
   * @param {string} code
   */
  async run(cell, code) {
    try {
      await /** @type {Promise<void>} */ (
        new Promise((resolve, reject) => {
          const id = randomUUID();
          this.#run = { id, awaited: new Set(['execute_reply', 'idle']), resolve, reject };
          if (this.#lost) {
            reject(this.#lost);
          }
          void this.opened.then(() => this.socket.send(executeRequest(id, code)));
        })
      );
    } catch (error) {
      throw new StudentError(`cell ${cell}: ${/** @type {Error} */ (error).message}`);
    }
  }

  close() {
    clearTimeout(this.silence);
    this.socket.close();
  }

  /** @param {{ msg_type: string, content: any, parent_header: { msg_id?: string } }} message */
  #receive({ msg_type, content, parent_header }) {
    this.silence.refresh();
    if (msg_type === 'status' && ['restarting', 'dead'].includes(content.execution_state)) {
      this.#lose('the kernel died');
    }
    const run = this.#run;
    if (!run || parent_header.msg_id !== run.id) {
      return;
    }
    if (msg_type === 'error' || content.status === 'error') {
      run.reject(new StudentError(`${content.ename}: ${content.evalue}`));
    }
    if (['stream', 'display_data', 'execute_result'].includes(msg_type)) {
      this.onOutput();
    }
    run.awaited.delete(msg_type === 'status' ? content.execution_state : msg_type);
    if (run.awaited.size === 0) {
      run.resolve();
    }
  }

  /** @param {string} reason */
  #lose(reason) {
    this.#lost ??= new StudentError(reason);
    this.#run?.reject(this.#lost);
  }
}

/**
 * @param {string} msg_id
 * @param {string} code
 */
function executeRequest(msg_id, code) {
  const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
  const date = new Date().toISOString();
  const header = { msg_id, msg_type: 'execute_request', session: msg_id, username: '', version: '5.3', date };
  return JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content });
}
