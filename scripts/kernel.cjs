// The kernel of the lecture: tslab, put together from its own parts as its `startKernel` does it, with four
// things better. Errors are reported as Jupyter's protocol has it and read like errors (kernel/traceback.cjs, with
// kernel/cells.cjs for the lines), Stop ends whatever a cell does (kernel/stop.cjs, kernel/control.cjs), Shift-Tab shows
// documentation with all that it says (kernel/inspection.cjs), and a page that is opened while cells run shows what they
// say (kernel/runs.cjs).
//
// The kernelspec that set-up writes starts it, with the flags that Node needs.
const { setFlagsFromString } = require('node:v8');
const { version } = require('tslab/package.json');

// Garbage is collected whenever the heap has grown by 30 per cent: V8 would let it grow further beyond the 250 MB of
// TypeScript's compiler.
setFlagsFromString('--heap-growing-percent=30');

if (version !== '1.0.22') {
  console.error(
    `The kernel's launcher was written for tslab 1.0.22, and this is ${version}: read it through, then say so in it.`,
  );
  process.exit(1);
}

const { compilationProblem, createConverter, startCell } = require('./kernel/cells.cjs');
const { completion, inspection } = require('./kernel/inspection.cjs');
const { Run, lastRun, listRuns } = require('./kernel/runs.cjs');
const { interrupted, listenOnControl, stoppable, stopping, whileCompiling } = require('./kernel/stop.cjs');
const { cellNumberOf, describe } = require('./kernel/traceback.cjs');
const { createExecutor } = require('tslab/dist/executor.js');
const { JupyterHandlerImpl, ZmqServer } = require('tslab/dist/jupyter.js');

/** The cell that runs or, between two cells, the one that ran last: its execute_request. */
let current;

/** All of them, by the count of the cell. */
const requests = new Map();

const converters = {
  node: whileCompiling(createConverter({ isJS: false, isBrowser: false })),
  get browser() {
    return (this.made ??= whileCompiling(createConverter({ isJS: false, isBrowser: true })));
  },
  close() {
    this.node.close();
    this.made?.close();
  },
};

let thrown;

const REFUSING_MS = 20;

const executor = createExecutor(process.cwd(), converters, {
  log: console.log,
  error(...values) {
    // One value: the cell threw it. Several: a problem that the compiler found; the converter knows more of it, except
    // in a cell that is a module, which does not fail by it.
    if (values.length === 1) {
      [thrown] = values;
    } else if (!compilationProblem()) {
      console.error(...values);
    }
  },
});

globalThis.__tslab__.stopping = stopping; // beside what tslab has put there for cells to call

/** Runs a cell; tells by true or false, as tslab does, whether it succeeded. */
async function execute(code) {
  startCell(current.number, code);
  const earlier = { ...executor.locals };
  try {
    const succeeded = await stoppable(() => executor.execute(code), executor);
    if (!succeeded) {
      fail(compilationProblem() ?? thrown);
      keepValues(earlier);
    }
    return succeeded;
  } catch (error) {
    fail(error);
    keepValues(earlier);
    return false;
  }
}

/**
 * What a failed cell would have declared anew, and did not come to, stays as an earlier cell or run left it: compiled, a
 * cell begins by making all its names undefined.
 */
function keepValues(earlier) {
  for (const [name, value] of Object.entries(earlier)) {
    if (executor.locals[name] === undefined) {
      executor.locals[name] = value;
    }
  }
}

function fail(error) {
  current.failure = describe(error);
  current.run.publish('error', current.failure);
}

/** What nobody caught, from a timer or a promise that nobody awaits: it is shown below its cell, and the kernel goes on. */
function report(error) {
  if (error === interrupted) {
    return; // it has been said
  }
  const description = describe(error);
  const cell = requests.get(cellNumberOf(error)) ?? current;
  if (cell) {
    cell.run.publish('error', description);
  } else {
    console.error(description.traceback.join('\n'));
  }
}

class Handler extends JupyterHandlerImpl {
  constructor(...args) {
    super(...args);
    // The cells behind one that failed are refused, for as long as they may still be on their way. tslab waits 200 ms:
    // whoever goes on at once, a person's next key or a program, would be refused as well.
    const { execQueue } = this;
    const reset = execQueue.reset.bind(execQueue);
    execQueue.reset = (delay) => reset(delay && REFUSING_MS);
  }

  async handleExecuteImpl(request) {
    current = request;
    request.number = this.execCount + 1;
    requests.set(request.number, request);
    const { run } = request;
    try {
      return await super.handleExecuteImpl(
        request,
        (name, text) => run.publish('stream', { name, text }),
        (content, isUpdate) => run.publish(isUpdate ? 'update_display_data' : 'display_data', content),
      );
    } catch (count) {
      if (request.stop_on_error === false) {
        return count; // thrown, it would make tslab refuse the cells behind it
      }
      throw count;
    }
  }

  async handleExecute(request) {
    if (request.followed) {
      return request.followed;
    }
    const reply = await super.handleExecute(request);
    if (request.failure) {
      Object.assign(reply, { status: 'error', ...request.failure });
    } else if (reply.status === 'abort') {
      reply.status = 'aborted';
    }
    request.run.end(reply);
    return reply;
  }

  handleInspect(request) {
    return inspection(request, executor.inspect);
  }

  handleComplete(request) {
    return completion(request, executor.complete);
  }
}

class Server extends ZmqServer {
  unsent = [];

  /** All of tslab's sockets but that of the control channel, which has a thread of its own. */
  async bindSocket(socket, port) {
    if (socket !== this.control) {
      return super.bindSocket(socket, port);
    }
    const take = (frames) => this.handleShellMessage(this.controlThread, ...frames);
    this.controlThread = listenOnControl(this.configPath, take);
  }

  close() {
    super.close();
    this.controlThread.close();
    this.publish = () => {}; // a cell that is still at work has nobody left to tell
  }

  /** Of a request that tslab does not know, such as JupyterLab's for a history, it would tell below the cell that runs. */
  async handleShellMessage(...args) {
    const { warn } = console;
    console.warn = () => {}; // what a cell warns of comes in a later turn of the event loop
    const handled = super.handleShellMessage(...args);
    console.warn = warn;
    return handled;
  }

  handleExecute(socket, message) {
    // tslab hands the handler no more than the request's content: what else it needs goes along.
    const request = message.content;
    if (message.metadata.follows) {
      request.followed = lastRun(message)?.follow(message) ?? { status: 'aborted' };
    } else {
      request.run = new Run(message, (...said) => this.publish(...said));
    }
    return super.handleExecute(socket, message);
  }

  handleCommInfoRequest(socket, message) {
    const reply = message.createReply();
    reply.header.msg_type = 'comm_info_reply';
    reply.content = listRuns();
    reply.signAndSend(this.connInfo.key, socket);
  }

  publishStatus(state, parent) {
    this.publish(parent, 'status', { execution_state: state });
  }

  /** Sends something about a request to all who listen; at once, or in its turn where much is being sent. */
  publish(parent, type, content) {
    const last = this.unsent.at(-1);
    if (type === 'stream' && last?.type === type && last.parent === parent && last.content.name === content.name) {
      last.content.text += content.text;
    } else {
      this.unsent.push({ parent, type, content });
    }
    this.sendUnsent();
  }

  /** The socket takes some 500 messages between two turns of the event loop, and then says that it is busy. */
  sendUnsent() {
    try {
      for (; this.unsent.length > 0; this.unsent.shift()) {
        const { parent, type, content } = this.unsent[0];
        const message = parent.createReply();
        message.header.msg_type = type;
        message.content = content;
        message.signAndSend(this.connInfo.key, this.iopub);
      }
    } catch (error) {
      if (error.code !== 'EBUSY') {
        throw error;
      }
      this.retry ??= setImmediate(() => {
        this.retry = undefined;
        this.sendUnsent();
      });
    }
  }
}

process.on('uncaughtException', report);
process.on('unhandledRejection', report);
void new Server(new Handler({ ...executor, execute }, false), process.argv[2]).init();
