/** INT 16h over a queue of keys. A program that waits for a key waits here, and the guest runs on the spot. */
import type { BiosCall } from './bios-call.js';

/** Scan codes of a US keyboard, set 1, by the character they make. */
const ROWS: readonly [number, string, string][] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'], [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, 'asdfghjkl;\'`', 'ASDFGHJKL:"~'], [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
];
const SCAN_CODES = new Map<string, number>([['\r', 0x1c], ['\b', 0x0e], ['\t', 0x0f], ['\x1b', 0x01], [' ', 0x39]]);
for (const [first, plain, shifted] of ROWS) {
  [...plain].forEach((character, i) => SCAN_CODES.set(character, first + i));
  [...shifted].forEach((character, i) => SCAN_CODES.set(character, first + i));
}
/** A person who pastes more than this is not typing. */
const MOST_KEYS = 4096;

export class KeyboardServices {
  /** AX of each key: scan code and character. */
  private readonly queue: number[] = [];

  /** Types text; a newline is Enter. What no key makes is left out; so is what is more than the queue holds. */
  type(text: string): void {
    for (const character of text.replaceAll('\n', '\r')) {
      const scanCode = SCAN_CODES.get(character);
      if (scanCode !== undefined && this.queue.length < MOST_KEYS) this.queue.push((scanCode << 8) | character.charCodeAt(0));
    }
  }

  reset(): void {
    this.queue.length = 0;
  }

  /** `wait`: there is no key yet. False for a function that is not there. */
  serve(call: BiosCall): boolean | 'wait' {
    const key = this.queue[0];
    switch (call.byte('ah')) {
      case 0x00: case 0x10:
        if (key === undefined) return 'wait';
        this.queue.shift();
        call.setWord('ax', key);
        return true;
      case 0x01: case 0x11:
        call.setZero(key === undefined);
        if (key !== undefined) call.setWord('ax', key);
        return true;
      case 0x02: case 0x12: call.setByte('al', 0); return true;
      case 0x03: case 0x05: return true;
      default: return false;
    }
  }
}
