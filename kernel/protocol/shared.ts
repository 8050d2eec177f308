import type { Header, Request, Sender } from './message';

/** What Jupyter writes into the connection file, and the session of this kernel. */
export interface ConnectionInfo extends Sender {
  transport: string;
  ip: string;
  shell_port: number;
  control_port: number;
  iopub_port: number;
  stdin_port: number;
  hb_port: number;
}

/** What the thread of the sockets is started with. */
export interface ThreadData {
  connection: ConnectionInfo;
  /** Numbers that both threads read and write at any time, by `Shared`. */
  numbers: Int32Array<SharedArrayBuffer>;
}

/** The stretch of work that must not be terminated. */
export const NOT_TO_BE_TERMINATED = 0;

/** The places of the shared numbers. */
export enum Shared {
  /** Which stretch of work the main thread is in, or NOT_TO_BE_TERMINATED. */
  stretch,
  /** Characters of output that wait to be sent. */
  queued,
  /** How often Stop was pressed. */
  stops,
  /** How many of these the main thread has taken. */
  stopsTaken,
  /** How often running code was terminated. */
  terminations,
  /** For how many milliseconds the main thread may go on in one stretch after Stop. */
  patience,
  /** 1 while a stopped cell tidies up. */
  ending,
  /** How many numbers there are. */
  count,
}

/** From the thread to the kernel. */
export type FromThread = { request: Request } | 'interrupt';

/** From the kernel to the thread. */
export type ToThread =
  | { channel: 'shell' | 'control' | 'stdin' | 'iopub'; frames: (Uint8Array | string)[]; size: number }
  | Printed
  | 'interrupted';

/** Text that a cell has printed; the thread sends together what is printed within a moment. */
export interface Printed {
  /** Which run has printed it. */
  run: number;
  /** The requests whose clients are told, where they are others than before. */
  headers?: Header[];
  name: string;
  text: string;
}
