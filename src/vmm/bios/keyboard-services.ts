/** INT 16h over a queue of keys. A program that waits for a key waits here, and the guest runs on the spot. */
import { biosKeys } from '../devices/scan-codes.js';
import type { BiosCall } from './bios-call.js';

/** A person who pastes more than this is not typing. */
const MOST_KEYS = 4096;

export class KeyboardServices {
  /** AX of each key: scan code and character. */
  private readonly queue: number[] = [];

  /** Types text (`biosKeys` says what it can have). Throws RangeError for a character without a key, having typed nothing. */
  type(text: string): void {
    this.queue.push(...biosKeys(text).slice(0, MOST_KEYS - this.queue.length));
  }

  reset(): void {
    this.queue.length = 0;
  }

  save(): readonly number[] {
    return [...this.queue];
  }

  restore(keys: readonly number[]): void {
    this.queue.splice(0, Infinity, ...keys);
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
