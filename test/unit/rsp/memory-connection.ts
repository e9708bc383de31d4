/** A `Connection` in memory, for tests of the server. */
import type { Connection } from '../../../src/rsp/transports/connection.js';
import { frame, unframe } from './wire.js';

export class MemoryConnection implements Connection {
  ended = false;
  private written = '';
  private onData: ((chunk: Buffer) => void) | undefined;
  private onClose: (() => void) | undefined;

  constructor(readonly peer = 'memory') {}

  get started(): boolean {
    return this.onData !== undefined;
  }

  start(onData: (chunk: Buffer) => void, onClose: () => void): void {
    this.onData = onData;
    this.onClose = onClose;
  }

  write(bytes: Buffer): boolean {
    this.written += bytes.toString('latin1');
    return true;
  }

  end(): void {
    this.ended = true;
  }

  /** The client side: sends a packet and takes the payloads that came back at once, acknowledgements left out. */
  ask(payload: string): string[] {
    this.onData?.(Buffer.from(frame(payload), 'latin1'));
    return this.take();
  }

  take(): string[] {
    const taken = unframe(this.written).filter((payload) => payload !== '+');
    this.written = '';
    return taken;
  }

  /** The client goes away. */
  hangUp(): void {
    this.ended = true;
    this.onClose?.();
  }
}
