// What set-up tells people about a failure.
import { tmpdir } from 'node:os';
import { basename } from 'node:path';

/** Why set-up failed, as a sentence for the person who typed the command. */
export class SetupError extends Error {}

/** A command that failed, with its output as the message. */
export class CommandError extends Error {
  /**
   * @param {string} command
   * @param {string} message
   */
  constructor(command, message) {
    super(message);
    this.command = command;
  }
}

const NETWORK_ERROR = new RegExp(
  'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|NewConnectionError|' +
    'Failed to establish a new connection|ConnectTimeoutError|ReadTimeoutError|ProxyError|name resolution',
);
const FULL_DISK = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i;
const WRONG_HASH = /DO NOT MATCH THE HASHES|EINTEGRITY/;
const RUN_AGAIN = 'run the same command again. Everything done so far is kept.';

/**
 * Says what to do about a step that failed.
 *
 * @param {string | undefined} command the command that failed; undefined if set-up itself did.
 * @param {string} output the output of the command, or the message of the error.
 * @returns a sentence, below the output where that adds something.
 */
export function remedyFor(command, output) {
  if (NETWORK_ERROR.test(output)) {
    const registry = command === 'npm' ? 'npm' : 'PyPI';
    return `The packages of ${registry} could not be downloaded: check the network (or the proxy) and ${RUN_AGAIN}`;
  }
  if (FULL_DISK.test(output)) {
    return `The disk of the project or of temporary files (${tmpdir()}) is full: make room and ${RUN_AGAIN}`;
  }
  if (WRONG_HASH.test(output)) {
    return `${output}\nA downloaded file does not match its pinned hash and was not used: ${RUN_AGAIN}`;
  }
  return `${output}\n${command ? basename(command) : 'Set-up'} failed (see above): fix the cause and ${RUN_AGAIN}`;
}
