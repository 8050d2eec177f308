// The kernel. README.md says how a cell travels from the page to its output; kernel.json is how Jupyter starts it.
import { setFlagsFromString } from 'node:v8';
import { installGlobals } from './cells/globals';
import { Modules } from './cells/modules';
import { Runner } from './cells/runner';
import { tslabModule } from './cells/tslab';
import { Scope, projectOf } from './language/scope';
import { Connection } from './protocol/connection';
import { Server } from './protocol/server';
import { Sections } from './stop/sections';
import * as tensorflow from './stop/tensorflow';

const [, , connectionFile] = process.argv;
const folder = process.cwd();
const project = projectOf(__dirname);

const connection = new Connection(connectionFile);
const sections = new Sections(connection.shared);
const scope = new Scope(folder, project);
const display = (content: object, isUpdate: boolean): void => {
  server.origin()?.publish(isUpdate ? 'update_display_data' : 'display_data', content);
};
const modules = new Modules(folder, project, { tslab: () => tslab });
const tslab = tslabModule(display);
const runner = new Runner(scope, modules, sections, connection.shared, folder);
const server = new Server(connection, runner, scope, sections);

installGlobals({
  modules,
  sections,
  folder,
  origin: server.origin,
  check: runner.check,
  onModulesLoaded: () => tensorflow.attach(sections, runner.checkOnce),
  kernel: {
    display,
    onStop: (listener, onTerminated) => runner.onStop(listener, onTerminated),
    uninterruptible: (work) => sections.run(work),
  },
});

// Cells see Stop as SIGINT. A cell may listen to it as well, or in place of the kernel.
const interrupt = (): void => runner.interrupt();
process.on(
  'newListener',
  (event, listener) => event === 'SIGINT' && listener === interrupt && sections.setStopTakenOver(false),
);
process.on(
  'removeListener',
  (event, listener) => event === 'SIGINT' && listener === interrupt && sections.setStopTakenOver(true),
);
process.on('SIGINT', interrupt);
process.on('uncaughtException', (error) => server.report(error));
process.on('unhandledRejection', server.report);

connection.listen({
  request: (request) => server.handle(request),
  interrupt: () => {
    process.emit('SIGINT', 'SIGINT');
    runner.noteEnding();
  },
});
setImmediate(() => {
  sections.run(() => scope.program('')); // load TypeScript's libraries before the first cell
  // From now on, collect garbage whenever the heap has grown by 30 percent. By default, V8 would let it grow much larger, because
  // TypeScript's compiler fills so much of it. Before, all that is loaded stays.
  setFlagsFromString('--heap-growing-percent=30');
});
