/** A guest whose exceptions all have handlers, for the tests of `monitor catch`. */
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';

const IDT = 0x3000;
const HANDLERS = 0x5000;
const VECTORS = 32;
const NOP = 0x90;

/** Each vector has a handler of its own. */
export function handler(vector: number): number {
  return HANDLERS + 16 * vector;
}

/** Four NOPs and an endless loop behind each gate; `place` says where, and may lead several to one handler. */
export function catchGuest(mode: TestMode, code: readonly number[], mechanisms?: readonly Mechanism[], place = handler): GuestUnderDebug {
  const guest = new GuestUnderDebug(mode, code, undefined, mechanisms);
  setHandlers(guest, place);
  if (mode === 'real') return guest;
  const size = mode === 'long' ? 16 : 8;
  guest.machine.vcpus[0].writeSregs({ idt: { base: BigInt(IDT), limit: VECTORS * size - 1 } });
  return guest;
}

export function setHandlers(guest: GuestUnderDebug, place: (vector: number) => number): void {
  const { mode } = guest;
  const size = mode === 'long' ? 16 : 8;
  for (let vector = 0; vector < VECTORS; vector++) {
    const at = place(vector);
    if (mode === 'real') guest.poke(4 * vector, [at & 0xff, at >> 8, 0, 0]);
    else guest.poke(IDT + vector * size, [at & 0xff, at >> 8, 0x08, 0x00, 0x00, 0x8e, 0, 0]);
    guest.poke(at, [NOP, NOP, NOP, NOP, 0xeb, 0xfe]);
  }
}

/** What a monitor command prints. */
export function monitor(guest: GuestUnderDebug, command: string): string {
  let text = '';
  guest.target.monitor.execute(command, (part) => { text += part; });
  return text;
}
