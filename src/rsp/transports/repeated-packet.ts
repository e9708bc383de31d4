/**
 * What gdb sends again while a server that it started through a pipe is not yet reading: after 2 seconds without an
 * acknowledgement the same packet, up to three times (gdb manual, "Overview", and `set remotetimeout`). It waits for one
 * reply, and would take a second one for the reply to its next packet.
 */

const DOLLAR = 0x24;
const HASH = 0x23;
/** `#` and two digits. */
const CHECKSUM_LENGTH = 3;
const ACK = 0x2b;

/**
 * The first bytes of a connection without the repetitions of their first packet; `chunk` itself where there are none.
 * A client does not pipeline before its first packet is answered: it does not know yet what it may send.
 */
export function withoutRepeatedPacket(chunk: Buffer): Buffer {
  const begin = chunk.indexOf(DOLLAR);
  const hash = chunk.indexOf(HASH, begin);
  if (begin < 0 || hash < 0) return chunk;
  const packet = chunk.subarray(begin, hash + CHECKSUM_LENGTH);
  let end = begin + packet.length;
  for (let next = end; ; ) {
    while (chunk[next] === ACK) next++;
    if (!chunk.subarray(next, next + packet.length).equals(packet)) break;
    next += packet.length;
    end = next;
  }
  return end === begin + packet.length ? chunk : Buffer.concat([chunk.subarray(0, begin), packet, chunk.subarray(end)]);
}
