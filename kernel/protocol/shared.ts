import type { Header, Request, Sender } from './message';

/** The contents of Jupyter's connection file, and this kernel's session. */
export interface ConnectionInfo extends Sender {
  transport: string;
  ip: string;
  shell_port: number;
  control_port: number;
  iopub_port: number;
  stdin_port: number;
  hb_port: number;
}

/** The arguments of the socket thread. */
export interface ThreadData {
  connection: ConnectionInfo;
  /** Memory that both threads read and write at any time, indexed by `Shared`. */
  shared: Int32Array<SharedArrayBuffer>;
}

/** The execution id while running code must not be terminated. */
export const UNINTERRUPTIBLE = 0;
/** The execution id from the decision to terminate the running code until V8 has terminated it. */
export const TERMINATING = -1;

/** Indexes into the shared memory. */
export enum Shared {
  /** Changes with each execution that may be terminated; else UNINTERRUPTIBLE or TERMINATING. */
  executionId,
  /** Characters of output that wait to be sent. */
  queuedCharacters,
  /** How often Stop was pressed. */
  stops,
  /** How many of these stops the main thread has handled. */
  handledStops,
  /** How often running code was terminated. */
  terminations,
  /** How many milliseconds code may run after Stop without returning to the event loop. */
  patienceMs,
  /** 1 while a stopped cell cleans up. */
  isEnding,
  /** The time, by `ticks`, when a cell began to wait for a child process, as execSync does; 0 while none does. */
  awaitsChildSince,
  /** The memory in use and its limit in MB, if the running cell was stopped because memory is short; else 0. */
  usedMegabytes,
  limitMegabytes,
  /** 1 if that is the limit of the whole class, 0 if it is the student's own. */
  isLimitShared,
  /** The number of values. */
  length,
}

/** From the socket thread to the main thread. */
export type FromThread = { request: Request } | 'interrupt';

/** From the main thread to the socket thread. */
export type ToThread =
  | { channel: 'shell' | 'control' | 'stdin' | 'iopub'; frames: (Uint8Array | string)[]; size: number }
  | Printed
  | 'interrupted'
  | 'cell started'
  | 'cell ended';

/** Text that a run has printed. The socket thread combines small pieces into one message. */
export interface Printed {
  run: number;
  /** The requests that receive the output; only sent when they have changed. */
  headers?: Header[];
  name: string;
  text: string;
}
