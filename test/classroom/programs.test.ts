// The programs of the classroom, as a later command finds them.
import { execFileSync } from 'node:child_process';
import { Checkout } from '../helpers/checkout';
import { testOnLinux } from '../helpers/on-linux';

/** Listens, and ends the first thread of its process: /proc calls it a zombie, although another thread holds the port. */
const PROGRAM = `
import ctypes, socket, threading, time
server = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=lambda: time.sleep(60), daemon=True).start()
print(server.getsockname()[1], flush=True)
ctypes.CDLL(None).pthread_exit(None)
`;

/** Prints whether the program runs and its port is in use: while it lives, and once it has been stopped. */
const LOOK = `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { logOf, makeState, running, start, stat, stop } from './classroom/programs.mjs';

const look = async () => {
  const port = Number(readFileSync(logOf('program'), 'utf8'));
  const server = createServer();
  const isUsed = await new Promise((resolve) => {
    server.on('error', () => resolve(true));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
  });
  return { isRunning: running('program') !== undefined, isUsed };
};

makeState();
start('program', ['python3', '-c', process.argv[1]], process.env);
const { pid } = running('program');
while (stat(pid)[0] !== 'Z') {
  await sleep(10);
}
const before = await look();
await stop('program');
console.log(JSON.stringify([before, await look()]));
`;

testOnLinux('a program runs until its last thread has ended: once it is stopped, its port is free', () => {
  const checkout = new Checkout();
  try {
    const args = ['--input-type=module', '--eval', LOOK, PROGRAM];
    const output = execFileSync(process.execPath, args, { cwd: checkout.root, encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual([
      { isRunning: true, isUsed: true },
      { isRunning: false, isUsed: false },
    ]);
  } finally {
    checkout.delete();
  }
});
