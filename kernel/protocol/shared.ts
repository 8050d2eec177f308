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

/** The places of the shared numbers. */
export enum Shared {
  /** Which stretch of work the main thread is in; 0 while its work must not be terminated. */
  stretch,
  /** Characters of output that wait to be sent. */
  queued,
  /** How often Stop was pressed. */
  stops,
  /** How often running code was terminated. */
  terminations,
  /** For how many milliseconds the main thread may go on in one stretch after Stop. */
  patience,
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
