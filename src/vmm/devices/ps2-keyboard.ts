/**
 * A PS/2 keyboard as the controller sees it: scan code set 2 (or 1) and the commands of the IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard". Keys come from `type`.
 */
import { savedNumber, type DeviceState } from '../device.js';
import { keystrokes, setOneSequence } from './scan-codes.js';

const ACK = 0xfa, RESEND = 0xfe, SELF_TEST_PASSED = 0xaa, ECHO = 0xee;
/** What identifies a keyboard of 101 keys and more. */
const ID = [0xab, 0x83];
/** Bytes that may wait: a long text, but not without end. */
const QUEUE_LIMIT = 64 * 1024;

export class Ps2Keyboard {
  /** Answers come before keys. */
  #answers: number[] = [];
  #keys: number[] = [];
  #scanning = true;
  #scanCodeSet = 2;
  #leds = 0;
  /** The command whose argument comes next, 0 for none. */
  #awaiting = 0;
  #lastSent = 0;

  /** Caps Lock 4, Num Lock 2, Scroll Lock 1. */
  get leds(): number {
    return this.#leds;
  }

  /** Presses and releases the keys that make `text`. Throws RangeError for a character without a key, or too long a text. */
  type(text: string): void {
    const codes = keystrokes(text);
    if (this.#keys.length + codes.length > QUEUE_LIMIT) throw new RangeError('The guest has not read what was typed before; type less, or wait.');
    for (const code of codes) this.#keys.push(code);
  }

  /** The next byte for the controller, if there is one. Keys wait while scanning is off. */
  next(): number | undefined {
    const value = this.#answers.shift() ?? (this.#scanning ? this.#nextKey() : undefined);
    if (value !== undefined) this.#lastSent = value;
    return value;
  }

  #nextKey(): number | undefined {
    if (this.#scanCodeSet === 1 && this.#keys.length > 0) {
      // One key's codes at a time: a break code is two bytes of set 2 and one of set 1.
      const length = 1 + this.#keys.findIndex((code) => code !== 0xe0 && code !== 0xf0);
      const codes = setOneSequence(this.#keys.splice(0, length));
      this.#answers.push(...codes.slice(1));
      return codes[0];
    }
    return this.#keys.shift();
  }

  /** A byte from the controller. */
  receive(value: number): void {
    const command = this.#awaiting;
    this.#awaiting = 0;
    if (command !== 0) this.#argument(command, value);
    else this.#command(value);
  }

  #argument(command: number, value: number): void {
    this.#answers.push(ACK);
    if (command === 0xed) this.#leds = value & 7;
    else if (command === 0xf0 && value === 0) this.#answers.push(this.#scanCodeSet);
    else if (command === 0xf0 && (value === 1 || value === 2)) this.#scanCodeSet = value;
  }

  #command(value: number): void {
    switch (value) {
      case 0xed: case 0xf0: case 0xf3: // LEDs, scan code set, typematic rate
        this.#awaiting = value;
        this.#answers.push(ACK);
        break;
      case 0xee: this.#answers.push(ECHO); break;
      case 0xf2: this.#answers.push(ACK, ...ID); break;
      case 0xf4: this.#acknowledge(true); break;
      case 0xf5: this.#setDefaults(); this.#acknowledge(false); break;
      case 0xf6: this.#setDefaults(); this.#acknowledge(true); break;
      case 0xfe: this.#answers.push(this.#lastSent); break;
      case 0xff: {
        // What the guest has not read yet was typed for it, not for this keyboard's past.
        const keys = this.#keys;
        this.reset();
        this.#keys = keys;
        this.#answers.push(ACK, SELF_TEST_PASSED);
        break;
      }
      default: this.#answers.push(value >= 0xed ? ACK : RESEND);
    }
  }

  #acknowledge(scanning: boolean): void {
    this.#scanning = scanning;
    this.#answers.push(ACK);
  }

  #setDefaults(): void {
    this.#scanCodeSet = 2;
    this.#leds = 0;
  }

  reset(): void {
    this.#answers = [];
    this.#keys = [];
    this.#scanning = true;
    this.#awaiting = this.#lastSent = 0;
    this.#setDefaults();
  }

  save(): DeviceState {
    return {
      answers: [...this.#answers], keys: [...this.#keys], scanning: this.#scanning, scanCodeSet: this.#scanCodeSet,
      leds: this.#leds, awaiting: this.#awaiting, lastSent: this.#lastSent,
    };
  }

  restore(state: DeviceState): void {
    this.#answers = [...state['answers'] as number[]];
    this.#keys = [...state['keys'] as number[]];
    this.#scanning = state['scanning'] === true;
    this.#scanCodeSet = savedNumber(state, 'scanCodeSet');
    this.#leds = savedNumber(state, 'leds');
    this.#awaiting = savedNumber(state, 'awaiting');
    this.#lastSent = savedNumber(state, 'lastSent');
  }
}
