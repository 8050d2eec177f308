import { createHmac, randomUUID } from 'node:crypto';

/** The header of a message in Jupyter's protocol. */
export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  date: string;
  version: string;
}

/** A received request, with the addresses for its reply. */
export interface Request {
  channel: 'shell' | 'control' | 'stdin';
  identities: Uint8Array[];
  header: Header;
  metadata: Record<string, unknown>;
  content: Record<string, unknown>;
}

/** A message that is malformed or wrongly signed. */
export class MessageError extends Error {}

/** The sender's session, and the key that signs its messages; an empty key means no signatures. */
export interface Sender {
  session: string;
  key: string;
}

const DELIMITER = '<IDS|MSG>';
const PROTOCOL_VERSION = '5.3';

/**
 * Parses the frames of a message: addresses, a delimiter, a signature, and four JSON parts.
 *
 * Source: https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
 *
 * @param key the connection's key; if empty, signatures are not checked.
 * @throws MessageError if the signature is wrong or the message is malformed.
 * @example const { header, content } = parse('shell', frames, key);
 */
export function parse(channel: Request['channel'], frames: Uint8Array[], key: string): Request {
  const delimiter = frames.findIndex((frame) => text(frame) === DELIMITER);
  const [signature, ...parts] = frames.slice(delimiter + 1);
  if (delimiter < 0 || parts.length < 4) {
    throw new MessageError(
      `a message has ${frames.length} frames (expected addresses, ${DELIMITER}, a signature and 4 parts)`,
    );
  }
  if (key && text(signature) !== sign(parts, key)) {
    throw new MessageError("a message is not signed with this connection's key");
  }
  const [header, , metadata, content] = parts.slice(0, 4).map(parseObject);
  if (typeof header.msg_type !== 'string' || typeof header.msg_id !== 'string') {
    throw new MessageError('the header of a message lacks msg_type or msg_id');
  }
  return { channel, identities: frames.slice(0, delimiter), header: header as unknown as Header, metadata, content };
}

/**
 * Serializes a message into frames.
 *
 * @param identities the addresses of a reply; on the iopub channel, the topic.
 * @param parent the header of the request that the message is about.
 * @param sender the kernel; its session differs after a restart.
 * @example socket.send(serialize(request.identities, request.header, 'execute_reply', { status: 'ok' }, connection));
 */
export function serialize(
  identities: (Uint8Array | string)[],
  parent: Header,
  msg_type: string,
  content: object,
  { session, key }: Sender,
): (Uint8Array | string)[] {
  const { username } = parent;
  const date = new Date().toISOString();
  const header: Header = { msg_id: randomUUID(), msg_type, session, username, date, version: PROTOCOL_VERSION };
  const parts = [header, parent, {}, content].map(toJson);
  return [...identities, DELIMITER, key ? sign(parts, key) : '', ...parts];
}

/**
 * JSON in which each half of a character that lacks the other half is U+FFFD, as where Node writes it. Jupyter could not save a
 * notebook with such a half.
 */
function toJson(part: object): string {
  const json = JSON.stringify(part);
  // JSON.stringify escapes these halves only, so that no pair is touched.
  return json.includes('\\ud')
    ? json.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, (found) => (found[1] === 'u' ? '\ufffd' : found))
    : json;
}

function sign(parts: (Uint8Array | string)[], key: string): string {
  const hash = createHmac('sha256', key);
  parts.forEach((part) => hash.update(part));
  return hash.digest('hex');
}

function text(frame: Uint8Array): string {
  return Buffer.from(frame).toString();
}

function parseObject(part: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text(part));
  } catch {
    throw new MessageError('a part of a message is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MessageError('a part of a message is not an object');
  }
  return value as Record<string, unknown>;
}
