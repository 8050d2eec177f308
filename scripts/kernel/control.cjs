// A thread of its own for Jupyter's control channel, so that Stop is heard while the main thread is busy. What arrives
// goes to the main thread; where it does not come to take a Stop, what it does is terminated.
const { createHmac, randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { Session } = require('node:inspector');
const { parentPort, workerData } = require('node:worker_threads');

const { transport, ip, control_port, key } = JSON.parse(readFileSync(workerData.connectionFile, 'utf8'));
const { Router } = require(workerData.zeromq);

const PATIENCE = 200; // milliseconds
const NOT_TO_BE_TERMINATED = 0;
const DELIMITER = '<IDS|MSG>';

const socket = new Router();

/** The requests to stop that the main thread has not taken yet, as frames. */
const requests = [];

/** Connected from such a request on, so that later nothing lies between seeing that it is due and terminating. */
let session;

parentPort.on('message', (message) => {
  if (message === 'interrupted') {
    replyToInterrupt(requests.shift());
    if (requests.length === 0) {
      session.disconnect();
    }
  } else if (message === 'close') {
    socket.close();
    parentPort.close();
  } else {
    void socket.send(message.map((frame) => (typeof frame === 'string' ? frame : Buffer.from(frame))));
  }
});

void (async () => {
  await socket.bind(`${transport}://${ip}:${control_port}`);
  for await (const frames of socket) {
    if (!isInterrupt(frames)) {
      parentPort.postMessage(frames);
      continue;
    }
    parentPort.postMessage('interrupt');
    if (requests.push(frames) === 1) {
      session = new Session();
      session.connectToMainThread();
      setTimeout(terminateUnlessTaken, PATIENCE, Atomics.load(workerData.stretch, 0));
    }
  }
})();

/** Terminates what the main thread does if it is still in the same stretch of it as a while ago. */
function terminateUnlessTaken(earlier) {
  if (requests.length === 0) {
    return;
  }
  const stretch = Atomics.load(workerData.stretch, 0);
  if (stretch === earlier && stretch !== NOT_TO_BE_TERMINATED) {
    session.post('Runtime.terminateExecution');
  }
  setTimeout(terminateUnlessTaken, PATIENCE, stretch);
}

/*
 * A message: whom to answer, a delimiter, a signature, and four parts, of which header and parent's header count here.
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
 */
function split(frames) {
  const at = frames.findIndex((frame) => String(frame) === DELIMITER);
  const [signature, ...parts] = frames.slice(at + 1);
  return { addresses: frames.slice(0, at), signature: String(signature), parts };
}

function signatureOf(parts) {
  const hash = createHmac('sha256', key);
  parts.forEach((part) => hash.update(part));
  return hash.digest('hex');
}

function isInterrupt(frames) {
  const { signature, parts } = split(frames);
  return signatureOf(parts) === signature && JSON.parse(String(parts[0])).msg_type === 'interrupt_request';
}

function replyToInterrupt(frames) {
  const { addresses, parts } = split(frames);
  const parent = JSON.parse(String(parts[0]));
  const header = { ...parent, msg_id: randomUUID(), msg_type: 'interrupt_reply', date: new Date().toISOString() };
  const reply = [header, parent, {}, { status: 'ok' }].map((part) => JSON.stringify(part));
  void socket.send([...addresses, DELIMITER, signatureOf(reply), ...reply]);
}
