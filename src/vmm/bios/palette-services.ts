/** INT 10h, AH=10h: the sixteen palette registers, the border, blinking, and the DAC's 256 colours. */
import { ATTR } from '../devices/vga/vga-registers.js';
import type { VideoCard } from '../devices/vga/video-card.js';
import type { GuestMemory } from '../guest-memory.js';
import type { BiosCall } from './bios-call.js';

const PALETTE_REGISTERS = 16;
const COLOURS = 256;
const BLINK = 0x08;

/** False for a function that is not there. */
export function servePalette(call: BiosCall, { registers: { attribute }, vga: { dac } }: VideoCard, memory: GuestMemory): boolean {
  const table = (length: number): Uint8Array => memory.read(call.address('es', call.word('dx')), length);
  const answer = (bytes: Uint8Array): void => {
    const address = call.address('es', call.word('dx'));
    if (memory.contains(address, bytes.length)) memory.write(address, bytes);
  };
  const block = (): { first: number; count: number } => {
    const first = call.word('bx') % COLOURS;
    return { first, count: Math.min(call.word('cx'), COLOURS - first) };
  };
  switch (call.byte('al')) {
    case 0x00: attribute.write(call.byte('bl'), call.byte('bh')); return true;
    case 0x01: attribute.write(ATTR.overscan, call.byte('bh')); return true;
    case 0x02:
      table(PALETTE_REGISTERS + 1).forEach((value, i) => attribute.write(i < PALETTE_REGISTERS ? i : ATTR.overscan, value));
      return true;
    case 0x03: {
      const mode = attribute.values[ATTR.modeControl];
      attribute.write(ATTR.modeControl, (call.byte('bl') & 1) === 0 ? mode & ~BLINK : mode | BLINK);
      return true;
    }
    case 0x07: call.setByte('bh', attribute.read(call.byte('bl'))); return true;
    case 0x08: call.setByte('bh', attribute.read(ATTR.overscan)); return true;
    case 0x09: answer(Uint8Array.of(...attribute.values.subarray(0, PALETTE_REGISTERS), attribute.read(ATTR.overscan))); return true;
    case 0x10:
      dac.startWrite(call.byte('bl'));
      for (const name of ['dh', 'ch', 'cl'] as const) dac.writeData(call.byte(name));
      return true;
    case 0x12: {
      const { first, count } = block();
      dac.startWrite(first);
      for (const level of table(3 * count)) dac.writeData(level);
      return true;
    }
    case 0x15: {
      const at = 3 * call.byte('bl');
      call.setByte('dh', dac.palette[at]);
      call.setByte('ch', dac.palette[at + 1]);
      call.setByte('cl', dac.palette[at + 2]);
      return true;
    }
    case 0x17: {
      const { first, count } = block();
      answer(dac.palette.slice(3 * first, 3 * (first + count)));
      return true;
    }
    case 0x18: dac.pixelMask = call.byte('bl'); return true;
    case 0x19: call.setByte('bl', dac.pixelMask); return true;
    default: return false;
  }
}
