/**
 * The interrupt controllers and the timer as a PC's BIOS leaves them: IRQ 0–7 at vectors 08h–0Fh, IRQ 8–15 at 70h–77h,
 * only timer, keyboard and cascade let through, and PIT channel 0 at 18.2 Hz (IBM PC AT Technical Reference, "BIOS listing").
 */
import type { KernelIrqchipState } from './irqchip-state.js';

/** `struct kvm_pic_state` behind the chip's number and four bytes (asm/kvm.h). */
const PIC = { imr: 8 + 2, irqBase: 8 + 5 } as const;
const PICS = [{ base: 0x08, mask: 0xf8 }, { base: 0x70, mask: 0xff }] as const;
/** `struct kvm_pit_channel_state` of channel 0, the first. */
const CHANNEL = { count: 0, rwMode: 12, mode: 13, gate: 15 } as const;
const LONGEST_COUNT = 0x1_0000, LOW_THEN_HIGH = 3, SQUARE_WAVE = 3;

/** `pristine` after power-on; a copy that a BIOS has programmed. */
export function programmedByBios({ chips, pit }: KernelIrqchipState): KernelIrqchipState {
  const programmed = chips.map((chip, i) => {
    const bytes = chip.slice();
    const pic = PICS[i];
    if (pic !== undefined) {
      bytes[PIC.imr] = pic.mask;
      bytes[PIC.irqBase] = pic.base;
    }
    return bytes;
  });
  const timer = pit.slice();
  new DataView(timer.buffer, timer.byteOffset).setUint32(CHANNEL.count, LONGEST_COUNT, true);
  timer[CHANNEL.rwMode] = LOW_THEN_HIGH;
  timer[CHANNEL.mode] = SQUARE_WAVE;
  timer[CHANNEL.gate] = 1;
  return { chips: programmed, pit: timer };
}
