import { writeSync } from 'node:fs';

/** Writes to the kernel's log, which appears where Jupyter was started, not on the page. Without a reader, the text is lost. */
export function log(text: string | Uint8Array, fd = 2): void {
  try {
    writeSync(fd, typeof text === 'string' ? Buffer.from(text) : text);
  } catch {
    // Jupyter ended, or its log is closed: the cell that runs must not fail for that.
  }
}
