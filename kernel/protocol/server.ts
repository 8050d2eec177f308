// Answers Jupyter's requests: https://jupyter-client.readthedocs.io/en/stable/messaging.html
import { version as tslabVersion } from 'tslab/package.json';
import { version as typescriptVersion } from 'typescript';
import { name, version } from '../package.json';
import type { Result, Runner } from '../cells/runner';
import { completeness } from '../language/completeness';
import { completion, inspection } from '../language/inspection';
import type { Scope } from '../language/scope';
import { cellNumberOf, describe } from '../output/errors';
import { lastReplay, listReplays } from '../output/replay';
import { currentRun, runOf } from '../output/context';
import { Run } from '../output/run';
import { collectGarbageIfShort } from '../stop/memory';
import type { Sections } from '../stop/sections';
import type { Connection } from './connection';
import { History } from './history';
import type { Request } from './message';

export class Server {
  private readonly queue: Run[] = [];
  private running: Run | null = null;
  private last: Run | undefined;
  private count = 0;
  private readonly runs = new Map<number, Run>();
  private readonly history = new History();

  constructor(
    private readonly connection: Connection,
    private readonly runner: Runner,
    private readonly scope: Scope,
    private readonly sections: Sections,
  ) {}

  /**
   * The run whose code is executing. If that is unknown, as in some callbacks, the stack tells which cell the code is from.
   * If no cell is in the stack, it is the run that started last.
   */
  readonly origin = (trace?: unknown): Run | undefined => {
    return currentRun() ?? this.runs.get(cellNumberOf(trace ?? new Error()) ?? 0) ?? this.last;
  };

  handle(request: Request): void {
    if (request.header.msg_type === 'execute_request' && !request.metadata.follows) {
      this.queue.push(new Run(request, this.connection));
      this.runNext();
      return;
    }
    this.publishStatus('busy', request);
    const idle = (): void => {
      this.publishStatus('idle', request);
      if (this.running) {
        this.publishStatus('busy', this.running.request); // otherwise pages would show the kernel as idle
      }
    };
    try {
      this.answer(request, idle);
    } catch (error) {
      const type = request.header.msg_type.replace(/_request$/, '_reply');
      this.connection.reply(request, type, { status: 'error', ...describe(error) });
      idle();
    }
  }

  /** Shows an uncaught error from a timer or an unawaited promise below the cell that it comes from. */
  readonly report = (error: unknown, promise?: unknown): void => {
    // Getters of the error are code of the cell, which can be stopped.
    const shown = this.sections.apart(() => ({
      run: (promise instanceof Promise ? runOf(promise) : undefined) ?? this.origin(error),
      description: describe(error),
    }));
    if (!shown || shown.description.ename === 'Interrupted') {
      return; // the cell itself has failed with it
    }
    const { run, description } = shown;
    if (run) {
      run.publish('error', description);
    } else {
      console.error(description.traceback.join('\n'));
    }
  };

  private answer(request: Request, idle: () => void): void {
    const { content, metadata } = request;
    const reply = (type: string, answer: object): void => {
      this.connection.reply(request, type, answer);
      idle();
    };
    switch (request.header.msg_type) {
      case 'execute_request': {
        // The extension in labextension/ asks for the output of a run in progress or of an ended one.
        const replay = lastReplay(metadata.cellId);
        if (replay) {
          replay.replay(request, (answer) => reply('execute_reply', answer));
        } else {
          reply('execute_reply', { status: 'aborted' });
        }
        return;
      }
      case 'kernel_info_request':
        return reply('kernel_info_reply', kernelInfo());
      case 'is_complete_request':
        return reply('is_complete_reply', completeness(String(content.code)));
      case 'inspect_request':
        return reply(
          'inspect_reply',
          this.sections.run(() => inspection(this.scope, cursorOf(content))),
        );
      case 'complete_request':
        return reply(
          'complete_reply',
          this.sections.run(() => completion(this.scope, cursorOf(content))),
        );
      case 'history_request':
        return reply('history_reply', { status: 'ok', history: this.history.find(content) });
      case 'comm_info_request':
        return reply('comm_info_reply', { status: 'ok', comms: listReplays(content.target_name) });
      case 'comm_open':
      case 'comm_msg':
        // The kernel has no comms, so any comm that a client uses is closed.
        this.connection.publish(request.header, 'comm_close', { comm_id: content.comm_id, data: {} });
        return idle();
      default:
        return idle(); // unknown requests have no reply
    }
  }

  private runNext(): void {
    const run = this.queue[0];
    if (this.running || !run) {
      return;
    }
    this.queue.shift();
    this.running = run;
    this.last = run;
    const { code, silent, store_history } = run.request.content;
    run.isCounted = store_history !== false && !silent;
    run.number = run.isCounted ? ++this.count : this.count;
    run.isSilent = silent === true;
    this.publishStatus('busy', run.request);
    this.sections.run(collectGarbageIfShort);
    this.connection.noteCell('cell started');
    if (typeof code !== 'string') {
      this.finish(run, {
        status: 'error',
        ...describe(new TypeError('an execute_request has no code (expected a string)')),
      });
      return;
    }
    if (run.isCounted) {
      this.runs.set(run.number, run);
      this.history.add(run.number, code);
    }
    run.publish('execute_input', { code, execution_count: run.number });
    this.runner.execute(run, (result) => this.finish(run, result));
  }

  private finish(run: Run, result: Result): void {
    const execution_count = run.number;
    if (result.status === 'error') {
      const { ename, evalue, traceback } = result;
      run.publish('error', { ename, evalue, traceback });
      if (run.request.content.stop_on_error !== false) {
        this.abortQueued();
      }
      this.end(run, { status: 'error', execution_count, ename, evalue, traceback, payload: [], user_expressions: {} });
      return;
    }
    if (result.bundle) {
      if (run.isCounted) {
        this.history.setOutput(execution_count, result.bundle['text/plain']);
      }
      run.publish('execute_result', { execution_count, data: result.bundle, metadata: {} });
    }
    const expressions = Object.entries(
      (run.request.content.user_expressions as Record<string, string> | undefined) ?? {},
    );
    this.runner.evaluateAll(run, expressions, (user_expressions) => {
      this.end(run, { status: 'ok', execution_count, payload: [], user_expressions });
    });
  }

  private end(run: Run, reply: object): void {
    this.connection.noteCell('cell ended');
    this.connection.reply(run.request, 'execute_reply', reply);
    run.replay.end(reply);
    this.publishStatus('idle', run.request);
    this.running = null;
    setImmediateTimer(() => this.runNext());
  }

  /** After a failure, cells already queued are aborted. */
  private abortQueued(): void {
    this.connection.receivePending();
    for (const run of this.queue.splice(0)) {
      this.publishStatus('busy', run.request);
      const reply = { status: 'aborted' };
      this.connection.reply(run.request, 'execute_reply', reply);
      run.replay.end(reply);
      this.publishStatus('idle', run.request);
    }
  }

  private publishStatus(execution_state: 'busy' | 'idle', { header }: Request): void {
    this.connection.publish(header, 'status', { execution_state });
  }
}

/** Node's own `setImmediate`: globals.ts replaces the global one. */
const setImmediateTimer = setImmediate;

function cursorOf({ code, cursor_pos }: Record<string, unknown>): { code: string; cursor_pos: number } {
  if (typeof code !== 'string') {
    throw new TypeError('the request has no code (expected a string)');
  }
  return { code, cursor_pos: typeof cursor_pos === 'number' ? cursor_pos : [...code].length };
}

function kernelInfo(): object {
  return {
    status: 'ok',
    protocol_version: '5.3',
    implementation: name,
    implementation_version: version,
    language_info: {
      name: 'typescript',
      version: typescriptVersion,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
    },
    banner: `TypeScript ${typescriptVersion} on Node ${process.versions.node}, with the display functions of tslab ${tslabVersion}`,
    help_links: [
      { text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' },
      { text: 'TensorFlow.js', url: 'https://js.tensorflow.org/api/latest/' },
    ],
  };
}
