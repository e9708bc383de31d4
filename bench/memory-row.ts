/**
 * Memory read speed: the best packet of each server, `m` in hex or `x` in binary, at the size its PacketSize allows,
 * over guest RAM that holds bytes a debugger could meet (no long zero runs, some that need an escape).
 */
import type { RspClient, ServerFeatures } from './rsp-client.js';
import { hex } from './rsp-client.js';
import type { RunningServer } from './servers.js';

/** RAM that neither a BIOS nor the loop guest uses, bytes. */
const REGION = { start: 0x20000, size: 0x40000 } as const;
const WRITE_SIZE = 0x400;
const ESCAPE = 0x7d;
const WARM_UP_SHARE = 0.25;

/** Guest memory that the server hands over, in megabytes (10^6) a second. */
export function memoryMegabytes(server: RunningServer, duration: number): Promise<number> {
  return server.withClient(async (client, features) => {
    const content = pattern();
    for (let at = 0; at < content.length; at += WRITE_SIZE) {
      const bytes = content.subarray(at, at + WRITE_SIZE);
      await client.expectOk(`M${hex(REGION.start + at)},${hex(bytes.length)}:${bytes.toString('hex')}`);
    }
    const kinds = features.binaryUpload ? (['m', 'x'] as const) : (['m'] as const);
    let best = 0;
    for (const kind of kinds) {
      const requests = await verifiedRequests(client, features, kind, content);
      await run(client, requests, (duration * WARM_UP_SHARE) / kinds.length);
      best = Math.max(best, await run(client, requests, duration / kinds.length));
    }
    return best;
  });
}

/** A framed read and what is known about its reply since it was checked once. */
interface CheckedRead {
  readonly packet: Buffer;
  readonly replyLength: number;
  /** Bytes of guest memory in the reply. */
  readonly bytes: number;
}

/** Reads the whole region once, compares it with what was written, and returns the packets it took. */
async function verifiedRequests(client: RspClient, features: ServerFeatures, kind: 'm' | 'x', content: Buffer): Promise<CheckedRead[]> {
  const chunk = Math.min(kind === 'm' ? features.packetSize >> 1 : features.packetSize, REGION.size);
  const reads: CheckedRead[] = [];
  for (let at = 0; at < REGION.size; ) {
    const packet = client.frame(`${kind}${hex(REGION.start + at)},${hex(Math.min(chunk, REGION.size - at))}`);
    const reply = await client.request(packet);
    const bytes = kind === 'm' ? decodeHex(client.expandRunLengths(reply)) : decodeBinary(client.expandRunLengths(reply));
    if (bytes.length === 0 || !bytes.equals(content.subarray(at, at + bytes.length))) {
      throw new Error(`a ${kind} packet at 0x${hex(REGION.start + at)} did not bring the bytes that were written there`);
    }
    reads.push({ packet, replyLength: reply.length, bytes: bytes.length });
    at += bytes.length;
  }
  return reads;
}

async function run(client: RspClient, reads: readonly CheckedRead[], milliseconds: number): Promise<number> {
  const begin = performance.now();
  for (let bytes = 0; ; ) {
    for (const read of reads) {
      const reply = await client.request(read.packet);
      if (reply.length !== read.replyLength) throw new Error('a memory read came back with another length than before');
      bytes += read.bytes;
    }
    const elapsed = performance.now() - begin;
    if (elapsed >= milliseconds) return bytes / elapsed / 1000;
  }
}

function decodeHex(payload: Buffer): Buffer {
  return Buffer.from(payload.toString('latin1'), 'hex');
}

/** `b` and then binary data with `}` as the escape (gdb manual, "Overview"). */
function decodeBinary(payload: Buffer): Buffer {
  const out: number[] = [];
  for (let i = 1; i < payload.length; i++) {
    const byte = payload[i] ?? 0;
    out.push(byte === ESCAPE ? (payload[++i] ?? 0) ^ 0x20 : byte);
  }
  return Buffer.from(out);
}

/** Bytes of a fixed pseudo-random sequence (Numerical Recipes' LCG): the same in every run. */
function pattern(): Buffer {
  const bytes = Buffer.alloc(REGION.size);
  let state = 1;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
