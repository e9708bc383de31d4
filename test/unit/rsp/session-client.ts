/** A client of a `Session`, for tests: asks in payloads, gets payloads. */
import { Session } from '../../../src/rsp/session.js';
import { FakeTarget } from './fake-target.js';
import type { FakeOptions } from './fake-target.js';
import { frame, unframe } from './wire.js';

export class SessionClient {
  readonly target: FakeTarget;
  readonly session: Session;
  readonly log: string[] = [];
  /** What the session asked of its server. */
  readonly asked: string[] = [];
  private written = '';

  constructor(options: FakeOptions = {}) {
    this.target = new FakeTarget(options);
    this.target.memory.fill(0x90);
    this.session = new Session(
      this.target,
      (bytes) => {
        this.written += bytes.toString('latin1');
        return true;
      },
      { onKill: () => this.asked.push('kill'), onDetach: () => this.asked.push('detach') },
      (line) => this.log.push(line),
    );
  }

  /** Sends raw bytes; returns everything that was answered at once, raw. */
  sendRaw(bytes: string): string {
    this.written = '';
    this.session.receive(Buffer.from(bytes, 'latin1'));
    return this.written;
  }

  /** Sends one packet; returns the payloads of the packets that came back at once (in no-ack mode). */
  ask(payload: string): string[] {
    return unframe(this.sendRaw(frame(payload)));
  }

  /** What has been written since the last send, as payloads. */
  take(): string[] {
    const taken = unframe(this.written);
    this.written = '';
    return taken;
  }

  /** No acknowledgements, and the features that gdb 13.1 offers (or others). */
  connect(features = 'multiprocess+;swbreak+;hwbreak+'): this {
    this.ask(`qSupported:${features}`);
    this.ask('QStartNoAckMode');
    return this;
  }
}

/** Lets what was put off to a later turn happen. */
export function nextTurn(): Promise<void> {
  // The immediate: after a held-up timer the fake target's own immediates have still to run.
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve), 2));
}
