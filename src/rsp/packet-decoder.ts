/**
 * Bytes from a client to packets, in any split (gdb manual, "Remote Protocol", Overview and "Interrupts").
 * Does no I/O. Between packets it knows `+`, `-` and 0x03 and ignores all else; within one, 0x03 is data.
 *
 * Memory is bounded: a packet longer than the limit is dropped as it arrives and reported when its end is seen.
 * A payload that arrived in one piece is handed on without a copy.
 */
import { hexValue } from './hex.js';

export interface PacketSink {
  /** A good packet, unescaped. `payload` is valid only during the call. */
  packet(payload: Buffer): void;
  /** 0x03 between packets. */
  interrupt(): void;
  ack(): void;
  nack(): void;
  /** A frame that cannot be used; the next packet is read as if nothing had been. */
  refused(why: 'checksum' | 'too-long' | 'run-length'): void;
}

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const INTERRUPT = 0x03;

type Place = 'between' | 'payload' | 'checksum';

/** Feeds bytes in, calls its sink for each packet, acknowledgement and interrupt. Never throws; wrong input is `refused`. */
export class PacketDecoder {
  private place: Place = 'between';
  /** What came of the payload in earlier chunks. */
  private held: Buffer = Buffer.alloc(0);
  private heldLength = 0;
  private tooLong = false;
  /** First checksum digit, or -1. */
  private firstDigit = -1;
  private complete: Buffer = Buffer.alloc(0);

  /** `limit` is the longest payload in bytes, as it is on the wire. */
  constructor(
    private readonly sink: PacketSink,
    private readonly limit: number,
  ) {}

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.place === 'between') at = this.readBetween(chunk, at);
      else if (this.place === 'payload') at = this.readPayload(chunk, at);
      else at = this.readChecksum(chunk, at);
    }
    // The transport may reuse the chunk, so a payload in it that still waits for its checksum is copied.
    if (this.place === 'checksum' && this.complete.buffer === chunk.buffer) this.complete = Buffer.from(this.complete);
  }

  private readBetween(chunk: Buffer, at: number): number {
    const code = chunk[at];
    if (code === DOLLAR) this.beginPayload();
    else if (code === INTERRUPT) this.sink.interrupt();
    else if (code === PLUS) this.sink.ack();
    else if (code === MINUS) this.sink.nack();
    return at + 1;
  }

  private beginPayload(): void {
    this.place = 'payload';
    this.heldLength = 0;
    this.tooLong = false;
  }

  private readPayload(chunk: Buffer, at: number): number {
    const hash = chunk.indexOf(HASH, at);
    const end = hash < 0 ? chunk.length : hash;
    let piece = chunk.subarray(at, end);
    // A `$` never stands raw in a payload: the client gave up on the packet before and began anew.
    const restart = piece.lastIndexOf(DOLLAR);
    if (restart >= 0) {
      this.beginPayload();
      piece = piece.subarray(restart + 1);
    }
    if (this.heldLength + piece.length > this.limit) {
      this.tooLong = true;
      this.heldLength = 0;
      this.held = Buffer.alloc(0);
    }
    if (hash < 0) {
      if (!this.tooLong) this.hold(piece);
      return chunk.length;
    }
    if (!this.tooLong) {
      if (this.heldLength === 0) this.complete = piece;
      else {
        this.hold(piece);
        this.complete = this.held.subarray(0, this.heldLength);
      }
    }
    this.place = 'checksum';
    this.firstDigit = -1;
    return hash + 1;
  }

  private hold(piece: Buffer): void {
    const needed = this.heldLength + piece.length;
    if (needed > this.held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.limit, Math.max(needed, 2 * this.held.length, 4096)));
      this.held.copy(larger, 0, 0, this.heldLength);
      this.held = larger;
    }
    piece.copy(this.held, this.heldLength);
    this.heldLength = needed;
  }

  private readChecksum(chunk: Buffer, at: number): number {
    const digit = chunk[at];
    if (this.firstDigit < 0) {
      this.firstDigit = digit;
      return at + 1;
    }
    this.place = 'between';
    this.finish((hexValue(this.firstDigit) << 4) | hexValue(digit));
    return at + 1;
  }

  private finish(checksum: number): void {
    const payload = this.complete;
    this.complete = EMPTY;
    if (this.tooLong) return this.sink.refused('too-long');
    if (checksum > 0xff || checksum !== checksumOf(payload)) return this.sink.refused('checksum');
    const plain = unescape(expandRuns(payload, this.limit));
    if (plain === undefined) return this.sink.refused('run-length');
    this.sink.packet(plain);
  }
}

const EMPTY = Buffer.alloc(0);

function checksumOf(payload: Buffer): number {
  let sum = 0;
  for (let i = 0; i < payload.length; i++) sum = (sum + payload[i]) | 0;
  return sum & 0xff;
}

/**
 * `0*"` means `000000`: the byte after `*`, less 29, is the number of repeats (gdb manual, Overview). Only a stub has to
 * escape `*`, so in the packets where a client sends binary data a `*` stands for itself.
 */
function expandRuns(payload: Buffer, limit: number): Buffer | undefined {
  if (!payload.includes(STAR) || hasBinaryData(payload)) return payload;
  const pieces: Buffer[] = [];
  let length = 0;
  for (let at = 0; at < payload.length; ) {
    const star = payload.indexOf(STAR, at);
    const end = star < 0 ? payload.length : star;
    pieces.push(payload.subarray(at, end));
    length += end - at;
    if (star < 0) break;
    const repeats = (payload[star + 1] ?? 0) - 29;
    if (star === 0 || repeats < 3 || repeats > 97 || length + repeats > limit) return undefined;
    pieces.push(Buffer.alloc(repeats, payload[star - 1]));
    length += repeats;
    at = star + 2;
  }
  return Buffer.concat(pieces, length);
}

function hasBinaryData(payload: Buffer): boolean {
  return payload[0] === 0x58 /* X */ || payload.subarray(0, 7).equals(SEARCH);
}
const SEARCH = Buffer.from('qSearch', 'latin1');

/** `}` and a byte mean that byte xor 0x20. A lone `}` at the end has nothing to stand for and is dropped. */
function unescape(payload: Buffer | undefined): Buffer | undefined {
  if (payload === undefined) return undefined;
  let escape = payload.indexOf(ESCAPE);
  if (escape < 0) return payload;
  const plain = Buffer.allocUnsafe(payload.length);
  let length = 0;
  let from = 0;
  while (escape >= 0) {
    length += payload.copy(plain, length, from, escape);
    if (escape + 1 < payload.length) plain[length++] = payload[escape + 1] ^ 0x20;
    from = escape + 2;
    escape = payload.indexOf(ESCAPE, from);
  }
  length += payload.copy(plain, length, Math.min(from, payload.length));
  return plain.subarray(0, length);
}
