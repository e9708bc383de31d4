/**
 * `qMemoryRegionInfo jThreadsInfo`: what lldb asks that gdb does not (llvm-project, lldb/docs/resources/lldbgdbremote.md). Without
 * them lldb has no `memory region`, no names of threads, and asks for the registers of each thread at each stop.
 */
import { TargetError } from '../../target.js';
import type { LinearRegion, ThreadInfo } from '../../target.js';
import type { CommandSpec } from '../command-spec.js';
import { textToHex, toHex } from '../hex.js';
import type { BinaryReply } from '../packet-encoder.js';
import { PacketReader } from '../packet-reader.js';
import { signalNumber } from '../stop-reply.js';
import type { SessionState } from '../session-state.js';

/** lldb's LLDB_INVALID_ADDRESS, at which its walk over all regions ends. */
const LAST_ADDRESS = 0xffff_ffff_ffff_ffffn;

function formatRegion({ start, size, access, name }: LinearRegion): string {
  const inReach = start + size > LAST_ADDRESS ? LAST_ADDRESS - start : size;
  const range = `start:${start.toString(16)};size:${inReach.toString(16)};`;
  if (access === undefined) return range;
  return `${range}permissions:r${access.writable ? 'w' : ''}${access.executable ? 'x' : ''};name:${textToHex(name)};`;
}

function memoryRegion(session: SessionState, args: Buffer): string {
  const reader = new PacketReader(args);
  reader.expect(':', 'before the address');
  const address = reader.bigint('an address');
  reader.expectEnd('the address');
  const region = session.target.memoryRegion?.(session.generalThread, address);
  return region === undefined ? '' : formatRegion(region);
}

/** One thread as lldb takes it: the one that stopped has the stop reply's signal, the others stopped for nothing of their own. */
function threadInfo({ target }: SessionState, { id, name }: ThreadInfo): object {
  const registers: Record<string, string> = {};
  for (const regnum of target.description.expedited) {
    try {
      registers[regnum] = toHex(target.readRegister(id, regnum));
    } catch (error) {
      // Left out: lldb then asks for it, and gets the reason.
      if (!(error instanceof TargetError)) throw error;
    }
  }
  const stopped = id === target.lastStop.thread;
  return { tid: id, name, registers, ...(stopped && { signal: signalNumber(target.lastStop.reason) }) };
}

function threadsInfo(session: SessionState): string | BinaryReply {
  if (session.isOver) return 'E01';
  const infos = session.target.threads().map((thread) => threadInfo(session, thread));
  return { prefix: '', bytes: Buffer.from(JSON.stringify(infos), 'latin1') };
}

export const lldbCommands: readonly CommandSpec[] = [
  { name: 'qMemoryRegionInfo', available: (target) => target.memoryRegion !== undefined, handle: memoryRegion },
  { name: 'jThreadsInfo', handle: threadsInfo },
];
