/**
 * One client's conversation with one target: bytes in, bytes out, no sockets. A packet is answered before `receive`
 * returns, unless it resumes the guest; then the stop is written the moment the target reports it.
 */
import { TargetError } from '../target.js';
import type { DebugTarget, Disposable, StopEvent } from '../target.js';
import type { CommandSpec } from './command-spec.js';
import { findCommand, offeredFeatures } from './dispatch.js';
import { HeldBack } from './held-back.js';
import { PacketDecoder } from './packet-decoder.js';
import type { PacketSink } from './packet-decoder.js';
import { encodedSize, encodeNotification, encodePacket, plainText } from './packet-encoder.js';
import type { Reply } from './packet-encoder.js';
import { logBytes } from './packet-log.js';
import type { PacketLog } from './packet-log.js';
import { PACKET_SIZE, SessionState } from './session-state.js';
import type { SessionHooks } from './session-state.js';
import { StopNotifications } from './stop-notifications.js';
import { formatStanding, formatStopReply } from './stop-reply.js';

/** Takes bytes for the client; true when their buffer may be reused at once. */
export type WriteBytes = (bytes: Buffer) => boolean;

const ACK = Buffer.from('+', 'latin1');
const NACK = Buffer.from('-', 'latin1');
/** Characters of a packet that say whether a client is still getting to know the guest. */
const GREETING_LENGTH = 8;
/** Enough for a `g` of AVX-512 registers; larger replies replace it by a larger one, which stays. */
const FIRST_BUFFER = 0x4000;

export class Session implements PacketSink {
  readonly state: SessionState;
  private readonly decoder = new PacketDecoder(this, PACKET_SIZE);
  private readonly subscriptions: readonly Disposable[];
  private buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER);
  /** What `-` asks for again; kept only while packets are acknowledged. */
  private lastPacket: Buffer | undefined;
  private closed = false;
  /** Packets that came while one waits for the guest to be held (non-stop). */
  private readonly waiting = new HeldBack();
  private isHolding = false;
  private isAnswering = false;

  constructor(
    private readonly target: DebugTarget,
    private readonly write: WriteBytes,
    hooks: SessionHooks,
    private readonly log?: PacketLog,
  ) {
    const notifications = new StopNotifications((stop) => formatStopReply(stop, target, this.state.client), (payload) => this.notify(payload));
    this.state = new SessionState(target, hooks, (reply) => this.send(reply), notifications);
    this.state.offeredFeatures = () => offeredFeatures(this.state);
    this.subscriptions = [
      target.onStop((stop) => this.reportStop(stop)),
      target.onConsole((text) => {
        if (this.state.pending === 'resume') this.state.sendConsole(text);
        else if (this.state.nonStop && !this.state.isMonitoring) this.state.keepText(text);
      }),
    ];
  }

  /** Bytes from the client, cut anywhere. `chunk` may be reused after the call. */
  receive(chunk: Buffer): void {
    if (!this.closed) this.decoder.feed(chunk);
  }

  /** The client is gone: nothing is written any more and the target is no longer listened to. */
  close(): void {
    this.closed = true;
    this.state.notifications.close();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  packet(payload: Buffer): void {
    if (this.log !== undefined) logBytes(this.log, '<-', payload);
    if (!this.state.noAckMode) this.write(ACK);
    if (this.isHolding) this.waiting.add(payload);
    else this.take(payload);
  }

  interrupt(): void {
    this.log?.('<- interrupt');
    this.state.interrupt();
  }

  ack(): void {
    // Nothing waits for it: the transport is reliable, so only `-` matters.
  }

  nack(): void {
    if (!this.state.noAckMode && this.lastPacket !== undefined) this.write(this.lastPacket);
  }

  refused(why: 'checksum' | 'too-long' | 'run-length'): void {
    this.log?.(`<- refused packet: ${why}`);
    if (why === 'checksum') {
      if (!this.state.noAckMode) this.write(NACK);
      return;
    }
    if (!this.state.noAckMode) this.write(ACK);
    const text =
      why === 'too-long'
        ? `The packet is longer than the ${PACKET_SIZE} bytes that qSupported allows.`
        : 'The run-length encoding of the packet is wrong.';
    this.send(this.errorReply(new TargetError(text), undefined));
  }

  /** Carries a packet out, in non-stop when the guest is held if it needs that. */
  private take(payload: Buffer): void {
    const { nonStop } = this.target;
    if (nonStop === undefined || !this.needsHold(payload)) return this.carryOut(payload);
    const kept = Buffer.from(payload);
    this.isHolding = true;
    nonStop.hold(() => {
      this.isHolding = false;
      this.carryOut(kept);
      for (let next = this.next(); next !== undefined; next = this.next()) {
        if (next === 'refused') this.send(this.errorReply(new TargetError('Too many packets came before the guest could be held for the first of them.'), undefined));
        else this.take(next);
      }
    });
  }

  private next(): ReturnType<HeldBack['next']> {
    return this.isHolding ? undefined : this.waiting.next();
  }

  private needsHold(payload: Buffer): boolean {
    const { nonStop, generalThread } = this.state;
    if (!nonStop || !this.target.running) return false;
    const spec = findCommand(payload)?.spec;
    if (spec === undefined || spec.whileRunning === true) return false;
    return spec.whileOthersRun !== true || this.target.nonStop?.isRunning(generalThread) === true;
  }

  private carryOut(payload: Buffer): void {
    if (this.closed) return;
    this.isAnswering = true;
    const reply = this.answer(payload);
    if (reply !== undefined) this.send(reply);
    this.isAnswering = false;
    this.state.runLaterActions();
    if (this.state.nonStop) this.state.notifications.answered(payload.toString('latin1', 0, GREETING_LENGTH));
  }

  private answer(payload: Buffer): Reply | undefined {
    const found = findCommand(payload);
    if (found === undefined || found.spec.available?.(this.target) === false) return '';
    const { spec, args } = found;
    try {
      if (this.target.running && !this.state.nonStop && spec.whileRunning !== true) {
        throw new TargetError('The guest is running; interrupt it first (Ctrl-C).', 16);
      }
      return spec.handle(this.state, args);
    } catch (error) {
      return this.errorReply(error, spec);
    }
  }

  /** `E.text` where the client shows it, else `Exx` (gdb manual, "Standard Replies"). Never ends the session. */
  private errorReply(error: unknown, spec: CommandSpec | undefined): string {
    const message = error instanceof Error ? error.message : String(error);
    const errno = error instanceof TargetError ? error.errno : 1;
    // A fault of ours, not of the packet: leave a trace of where it came from.
    this.log?.(`-- ${error instanceof TargetError ? message : error instanceof Error ? (error.stack ?? message) : message}`);
    if (this.state.client.errorMessage || spec?.explains === true) return `E.${plainText(message)}`;
    return `E${String(errno % 100).padStart(2, '0')}`;
  }

  private reportStop(stop: StopEvent): void {
    const { state, target } = this;
    if (state.nonStop) return this.notifyStop(stop);
    const { pending } = state;
    if (pending === 'none') return;
    state.pending = 'none';
    state.generalThread = stop.thread;
    if (pending === 'attach') {
      this.send(formatStanding(stop, target, state.client));
      return;
    }
    if (stop.text !== undefined) state.sendConsole(stop.text.endsWith('\n') ? stop.text : `${stop.text}\n`);
    this.send(formatStopReply(stop, target, state.client));
  }

  private notifyStop(stop: StopEvent): void {
    const { state } = this;
    if (state.vacant) return;
    if (stop.text !== undefined) state.keepText(stop.text.endsWith('\n') ? stop.text : `${stop.text}\n`);
    // Not before the reply to the packet that led to it.
    if (!this.isAnswering) return state.notifications.add(stop);
    state.afterReply(() => {
      if (state.nonStop) state.notifications.add(stop);
    });
  }

  private notify(payload: string): void {
    if (this.closed) return;
    const packet = encodeNotification(payload);
    if (this.log !== undefined) logBytes(this.log, '->', packet);
    this.write(packet);
  }

  private send(reply: Reply): void {
    if (this.closed) return;
    const size = encodedSize(reply);
    if (size > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(size + (size & 1));
    const packet = encodePacket(reply, this.buffer);
    if (this.log !== undefined) logBytes(this.log, '->', packet);
    if (!this.state.noAckMode) this.lastPacket = Buffer.from(packet);
    if (!this.write(packet)) this.buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER);
  }
}
