/** INT 16h over the keyboard controller, which it polls. A program that waits for a key waits here, and the guest runs on the spot. */
import type { RaiseEvent } from '../device.js';
import type { I8042 } from '../devices/i8042.js';
import type { BiosCall } from './bios-call.js';
import { KeyDecoder } from './key-decoder.js';

const DATA = 0, STATUS = 4;
const OUTPUT_FULL = 0x01, FROM_MOUSE = 0x20;
/** Keys that may wait, as in a PC's buffer: those behind stay in the keyboard. */
const MOST_KEYS = 15;

export class KeyboardServices {
  private readonly decoder = new KeyDecoder();
  /** AX of each key: scan code and character. */
  private readonly queue: number[] = [];

  constructor(private readonly controller: Pick<I8042, 'readPort'>, private readonly raise: RaiseEvent) {}

  reset(): void {
    this.queue.length = 0;
    this.decoder.reset();
  }

  save(): readonly number[] {
    return [...this.queue];
  }

  restore(keys: readonly number[]): void {
    this.queue.splice(0, Infinity, ...keys);
  }

  /** `wait`: there is no key yet. False for a function that is not there. */
  serve(call: BiosCall): boolean | 'wait' {
    this.poll();
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
      case 0x02: case 0x12: call.setByte('al', this.decoder.flags); return true;
      case 0x03: return true;
      case 0x05:
        call.setByte('al', this.queue.length < MOST_KEYS ? 0 : 1);
        if (this.queue.length < MOST_KEYS) this.queue.push(call.word('cx'));
        return true;
      default: return false;
    }
  }

  private poll(): void {
    while (this.queue.length < MOST_KEYS) {
      if ((this.controller.readPort(STATUS, 1) & (OUTPUT_FULL | FROM_MOUSE)) !== OUTPUT_FULL) return;
      const key = this.decoder.take(this.controller.readPort(DATA, 1));
      if (key === 'reset') this.raise({ kind: 'reset', cause: 'Ctrl-Alt-Delete' });
      else if (key !== undefined) this.queue.push(key);
    }
  }
}
