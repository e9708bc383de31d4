/** `qCRC qSearch`: work on memory that saves sending it, for `compare-sections` and `find` (gdb manual, "General Query Packets"). */
import { TargetError } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { parseMemoryRange, parseSearch } from '../command-parser.js';
import type { SessionState } from '../session-state.js';

/** Bytes read at a time. */
const CHUNK = 0x10000;
/** These run to their end before the next packet is read, so what one may cost is bounded. */
const LONGEST = 0x1000_0000;

/** gdb's CRC-32: polynomial 0x04c11db7, most significant bit first, no final inversion. */
const CRC_TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte << 24;
  for (let bit = 0; bit < 8; bit++) remainder = remainder < 0 ? (remainder << 1) ^ 0x04c11db7 : remainder << 1;
  CRC_TABLE[byte] = remainder;
}

function checkLength(length: number): void {
  if (length > LONGEST) throw new TargetError(`The longest range is ${LONGEST} bytes.`);
}

function crc(session: SessionState, args: Buffer): string {
  const { address, length } = parseMemoryRange(args.subarray(1));
  checkLength(length);
  let value = 0xffffffff | 0;
  for (let done = 0; done < length; ) {
    const wanted = Math.min(CHUNK, length - done);
    const bytes = session.target.readMemory(session.generalThread, address + BigInt(done), wanted);
    if (bytes.length < wanted) throw unreadable(address + BigInt(done + bytes.length));
    for (const byte of bytes) value = (value << 8) ^ CRC_TABLE[((value >>> 24) ^ byte) & 0xff];
    done += wanted;
  }
  return `C${(value >>> 0).toString(16)}`;
}

function search(session: SessionState, args: Buffer): string {
  const { address, length, pattern } = parseSearch(args.subarray(1));
  checkLength(length);
  if (pattern.length > CHUNK) throw new TargetError(`The longest pattern is ${CHUNK} bytes.`);
  // Chunks overlap by what a match may reach over their end.
  for (let done = 0; done + pattern.length <= length; done += CHUNK) {
    const wanted = Math.min(CHUNK + pattern.length - 1, length - done);
    const at = address + BigInt(done);
    const bytes = session.target.readMemory(session.generalThread, at, wanted);
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(pattern);
    if (found >= 0) return `1,${(at + BigInt(found)).toString(16)}`;
    if (bytes.length < wanted) throw unreadable(at + BigInt(bytes.length));
  }
  return '0';
}

function unreadable(address: bigint): TargetError {
  return new TargetError(`No memory can be read at 0x${address.toString(16)}.`, 14);
}

export const searchCommands: readonly CommandSpec[] = [
  { name: 'qCRC', whileOthersRun: true, handle: crc },
  { name: 'qSearch', whileOthersRun: true, handle: search },
];
