/** A serial line on a file descriptor that does not block: a terminal, a pipe, a pty's master. */
import { closeSync, read, writeSync } from 'node:fs';
import { OutputQueue } from './output-queue.js';
import type { SerialBackend, SerialContext } from './serial-backend.js';

const RETRY_MILLISECONDS = 5;
const INPUT_POLL_MILLISECONDS = 20;
const INPUT_BLOCK = 4096;

export interface DescriptorOptions {
  readonly description: string;
  /** Opened O_NONBLOCK, or a regular file. */
  readonly output: number;
  /** Polled for input when given; also O_NONBLOCK. */
  readonly input?: number;
  /** Descriptors to close in the end. */
  readonly owned: readonly number[];
}

export class DescriptorBackend implements SerialBackend {
  readonly description: string;
  readonly #output: number;
  readonly #input: number | undefined;
  readonly #owned: readonly number[];
  readonly #queue: OutputQueue;
  #retry: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #reading = false;
  #closed = false;
  #broken = false;

  constructor(options: DescriptorOptions, { log }: SerialContext) {
    this.description = options.description;
    this.#output = options.output;
    this.#input = options.input;
    this.#owned = options.owned;
    this.#queue = new OutputQueue(
      (bytes) => this.#tryWrite(bytes, log),
      () => log(`serial output to ${this.description} is not read fast enough; its oldest bytes are dropped`),
    );
  }

  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#queue.write(bytes);
    if (this.#queue.length > 0) this.#retryLater();
  }

  onInput(receive: (bytes: Uint8Array) => number): void {
    const descriptor = this.#input;
    if (descriptor === undefined) return;
    const buffer = new Uint8Array(INPUT_BLOCK);
    let offered = new Uint8Array(0);
    const poll = (): void => {
      if (this.#closed || this.#reading) return;
      // What the device had no room for is offered again before more is read.
      offered = offered.subarray(receive(offered));
      if (offered.length > 0) return;
      this.#reading = true;
      read(descriptor, buffer, 0, buffer.length, null, (error, length) => {
        this.#reading = false;
        if (this.#closed) return this.#closeOwned();
        if (error === null && length > 0) {
          const bytes = buffer.slice(0, length);
          offered = bytes.subarray(receive(bytes));
          setImmediate(poll);
        } else if (error === null) {
          clearInterval(this.#poll); // end of input
        }
      });
    };
    this.#poll = setInterval(poll, INPUT_POLL_MILLISECONDS);
    this.#poll.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#queue.flush();
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#poll);
    // A read under way still uses its descriptor; its callback closes it.
    if (!this.#reading) this.#closeOwned();
  }

  #closeOwned(): void {
    for (const descriptor of this.#owned) closeSync(descriptor);
  }

  #tryWrite(bytes: Uint8Array, log: (text: string) => void): number {
    if (this.#broken) return bytes.length;
    try {
      return writeSync(this.#output, bytes);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN') return 0;
      // A pty's master gives EIO while nobody has the other side open: a terminal that is switched off.
      if (code === 'EIO') return bytes.length;
      this.#broken = true;
      log(`serial output to ${this.description} ended: ${(error as Error).message}`);
      return bytes.length;
    }
  }

  #retryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (!this.#closed && !this.#queue.flush()) this.#retryLater();
    }, RETRY_MILLISECONDS);
  }
}
