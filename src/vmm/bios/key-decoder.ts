/**
 * What a BIOS makes of a keyboard's scan codes: the words that INT 16h gives, set 1 code in the high byte and character in the
 * low one (IBM PC AT Technical Reference, "Keyboard encoding"), and which shift keys are held.
 */
import { characterOf } from '../devices/scan-codes.js';

const EXTENDED = 0xe0, RELEASED = 0x80;
const LEFT_SHIFT = 0x2a, RIGHT_SHIFT = 0x36, CTRL = 0x1d, ALT = 0x38, DELETE = 0x53, LOCKS: readonly number[] = [0x3a, 0x45, 0x46];
/** Bits of INT 16h, AH=02h. */
const FLAGS = new Map([[RIGHT_SHIFT, 0x01], [LEFT_SHIFT, 0x02], [CTRL, 0x04], [ALT, 0x08]]);
const SHIFT_HELD = 0x03, CTRL_HELD = 0x04, ALT_HELD = 0x08;

export class KeyDecoder {
  /** As INT 16h, AH=02h gives them. */
  flags = 0;
  private extended = false;

  /** Takes the next byte of scan code set 1: a key's word, `reset` for Ctrl-Alt-Delete, undefined for what is no key yet. */
  take(code: number): number | 'reset' | undefined {
    const isExtended = this.extended;
    this.extended = code === EXTENDED;
    if (this.extended) return undefined;
    const flag = FLAGS.get(code & ~RELEASED);
    if (flag !== undefined) {
      this.flags = (code & RELEASED) === 0 ? this.flags | flag : this.flags & ~flag;
      return undefined;
    }
    if ((code & RELEASED) !== 0 || LOCKS.includes(code)) return undefined;
    if (code === DELETE && (this.flags & CTRL_HELD) !== 0 && (this.flags & ALT_HELD) !== 0) return 'reset';
    return (code << 8) | (isExtended ? 0 : this.character(code));
  }

  private character(code: number): number {
    const character = characterOf(code, (this.flags & SHIFT_HELD) !== 0);
    if (character === undefined || (this.flags & ALT_HELD) !== 0) return 0;
    const value = character === '\n' ? 0x0d : character.charCodeAt(0);
    return (this.flags & CTRL_HELD) !== 0 && value >= 0x40 ? value & 0x1f : value;
  }

  reset(): void {
    this.flags = 0;
    this.extended = false;
  }
}
