/** What a `PacketDecoder` makes of bytes, as words. */
import { PacketDecoder } from '../../../src/rsp/packet-decoder.js';

/** Feeds the chunks in order to a new decoder whose payloads may have `limit` bytes. */
export function decodedEvents(limit: number, chunks: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const decoder = new PacketDecoder(
    {
      packet: (payload) => seen.push(`packet ${payload.toString('latin1')}`),
      interrupt: () => seen.push('interrupt'),
      ack: () => seen.push('+'),
      nack: () => seen.push('-'),
      refused: (why) => seen.push(`refused ${why}`),
    },
    limit,
  );
  for (const chunk of chunks) {
    // A transport may reuse its buffer after the call.
    const borrowed = Buffer.from(chunk);
    decoder.feed(borrowed);
    borrowed.fill(0x23);
  }
  return seen;
}
