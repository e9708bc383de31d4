/**
 * Replies to bytes on the wire: `$` payload `#` checksum (gdb manual, "Remote Protocol", Overview).
 * Pure functions over a caller's buffer, so that the session can reuse one.
 *
 * Every encoder writes the `$` at offset 1: the payload then begins at an even offset, where hex digits can be
 * stored two at a time. The result is a view of `out` from that `$` to the last checksum digit.
 */
import { HEX_PAIRS, HEX_PAIR_SUMS } from './hex.js';

/** What a handler answers. A string is sent as it is, `''` is "not supported". */
export type Reply = string | HexReply | BinaryReply;

/** `bytes` as hex digits (`g`, `p`, `m`). */
export interface HexReply {
  readonly hex: Uint8Array;
}

/** `prefix`, then `bytes` escaped (`x`, `qXfer`). */
export interface BinaryReply {
  readonly prefix: string;
  readonly bytes: Uint8Array;
}

const DOLLAR = 0x24;
const PERCENT = 0x25;
const HASH = 0x23;
const ESCAPE = 0x7d;
const STAR = 0x2a;
const DIGIT_CODES = Buffer.from('0123456789abcdef', 'latin1');

/** Four of a character in a word. */
const HASHES = HASH * 0x01010101;
const DOLLARS = DOLLAR * 0x01010101;
const STARS = STAR * 0x01010101;
const ESCAPES = ESCAPE * 0x01010101;
const EIGHTH_BITS = 0x80808080 | 0;

const FIRST = 2;
/** `$`, `#`, two digits, the unused byte in front, and one to stay even. */
const FRAME = 6;

/** 1 for the bytes that must be escaped in what a stub sends: `#`, `$`, `}` and, because of run lengths, `*`. */
const MUST_ESCAPE = new Uint8Array(256);
for (const code of [DOLLAR, HASH, ESCAPE, STAR]) MUST_ESCAPE[code] = 1;

/** Bytes that `out` must have for this reply in the worst case. */
export function encodedSize(reply: Reply): number {
  if (typeof reply === 'string') return FRAME + 2 * reply.length;
  if ('hex' in reply) return FRAME + 2 * reply.hex.length;
  return FRAME + reply.prefix.length + 2 * reply.bytes.length;
}

/** The packet for `reply`, as a view of `out`, whose `byteOffset` must be even and length `encodedSize(reply)` or more. */
export function encodePacket(reply: Reply, out: Buffer): Buffer {
  if (typeof reply === 'string') return encodeText(reply, out);
  if ('hex' in reply) return encodeHex(reply.hex, out);
  return encodeBinary(reply.prefix, reply.bytes, out);
}

/** The notification for ASCII text, `%` payload `#` checksum, in a buffer of its own (gdb manual, "Notification Packets"). */
export function encodeNotification(payload: string): Buffer {
  const packet = Buffer.from(encodeText(payload, Buffer.alloc(encodedSize(payload))));
  packet[0] = PERCENT;
  return packet;
}

function finish(out: Buffer, end: number, sum: number): Buffer {
  out[1] = DOLLAR;
  out[end] = HASH;
  out[end + 1] = DIGIT_CODES[(sum >> 4) & 15]!;
  out[end + 2] = DIGIT_CODES[sum & 15]!;
  return out.subarray(1, end + 3);
}

/** Latin-1 text. Framing characters are escaped rather than trusted not to be there. */
function encodeText(text: string, out: Buffer): Buffer {
  let end = FIRST;
  let sum = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i) & 0xff;
    if (MUST_ESCAPE[code] === 1) {
      out[end++] = ESCAPE;
      sum += ESCAPE;
      code ^= 0x20;
    }
    out[end++] = code;
    sum += code;
  }
  return finish(out, end, sum);
}

function encodeHex(bytes: Uint8Array, out: Buffer): Buffer {
  const length = bytes.length;
  const pairs = new Uint16Array(out.buffer, out.byteOffset + FIRST, length);
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const byte = bytes[i];
    pairs[i] = HEX_PAIRS[byte]!;
    sum = (sum + HEX_PAIR_SUMS[byte]) | 0;
  }
  return finish(out, FIRST + 2 * length, sum);
}

/**
 * The eighth bit of each byte that need not be escaped, among others that mean nothing. Those that must be have seven
 * bits: the difference of a byte's low seven from a character, plus 0x7f, has the eighth bit set unless they are that
 * character, and nothing is carried to the next byte.
 */
function plainBytes(word: number): number {
  const low = word & 0x7f7f7f7f;
  const hash = (low ^ HASHES) + 0x7f7f7f7f;
  const dollar = (low ^ DOLLARS) + 0x7f7f7f7f;
  const star = (low ^ STARS) + 0x7f7f7f7f;
  const escape = (low ^ ESCAPES) + 0x7f7f7f7f;
  return (hash & dollar & star & escape) | word;
}

function sumOfBytes(word: number): number {
  const pairs = (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff);
  return (pairs + (pairs >>> 16)) & 0xffff;
}

/** Eight bytes at a time where none must be escaped: this is what a large memory read costs. */
function encodeBinary(prefix: string, bytes: Uint8Array, out: Buffer): Buffer {
  let end = FIRST;
  let sum = 0;
  for (let i = 0; i < prefix.length; i++) sum += out[end++] = prefix.charCodeAt(i);
  const length = bytes.length;
  const source = new DataView(bytes.buffer, bytes.byteOffset, length);
  const target = new DataView(out.buffer, out.byteOffset, out.length);
  // Each byte is read once for both the packet and its sum: these may be the guest's, and other threads may run.
  for (let i = 0; i < length; ) {
    if (i + 8 <= length) {
      const first = source.getInt32(i, true);
      const second = source.getInt32(i + 4, true);
      if ((plainBytes(first) & plainBytes(second) & EIGHTH_BITS) === EIGHTH_BITS) {
        target.setInt32(end, first, true);
        target.setInt32(end + 4, second, true);
        sum = (sum + sumOfBytes(first) + sumOfBytes(second)) | 0;
        end += 8;
        i += 8;
        continue;
      }
    }
    for (const stop = Math.min(i + 8, length); i < stop; i++) {
      let byte = bytes[i];
      if (MUST_ESCAPE[byte] === 1) {
        out[end++] = ESCAPE;
        sum += ESCAPE;
        byte ^= 0x20;
      }
      out[end++] = byte;
      sum = (sum + byte) | 0;
    }
  }
  return finish(out, end, sum);
}

/** What stands for a framing character in plain text: `#GP` reads as `GP`, `$pc` as `pc`. */
const PLAIN: Readonly<Record<string, string>> = { '#': '', $: '', '}': ')', '*': 'x' };

/** Text that can stand in an `E.` reply: gdb does not unescape those, so framing and control characters are replaced. */
export function plainText(text: string): string {
  return text.replace(/[^\x20-\x7e]|[#$}*]/g, (character) => PLAIN[character] ?? '?');
}
