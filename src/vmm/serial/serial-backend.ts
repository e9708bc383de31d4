/**
 * The far end of a serial line: where the guest's bytes go and where its input comes from.
 *
 * A guest that floods its port must neither fill our memory nor keep the event loop from gdb, so no back end ever
 * blocks: what cannot be written at once waits in a bounded queue (`OutputQueue`), and what does not fit is dropped,
 * oldest first, which is said once.
 */
import type { SerialSink } from '../devices/serial-16550a.js';

export interface SerialBackend extends SerialSink {
  /** For people: `stdio`, `file out.txt`, `tcp 127.0.0.1:4444`, `pty /dev/pts/3`. */
  readonly description: string;
  /** Bytes from the far end; `receive` returns how many were taken. */
  onInput(receive: (bytes: Uint8Array) => number): void;
  /** Writes out what waits, as far as the far end takes it at once, and lets go of it. Idempotent. */
  close(): void;
}

/** What back ends need of the outside. */
export interface SerialContext {
  /** Sentences for the person at the console. */
  readonly log: (text: string) => void;
}

/** A serial line that cannot be opened; `message` is one sentence. */
export class SerialError extends Error {
  override readonly name = 'SerialError';
}
