/**
 * The keyboard controller of a PC: an Intel 8042 with the PS/2 firmware (IBM PS/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller"), with a keyboard and a mouse behind it. Port 0x60 is offset 0 (data), port
 * 0x64 offset 4 (status and command). IRQ 1 and IRQ 12 say that a byte waits. A20 is always open: its bit is remembered.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice, type RaiseEvent } from '../device.js';
import { Ps2Keyboard } from './ps2-keyboard.js';
import { Ps2Mouse } from './ps2-mouse.js';
import { setOneOf } from './scan-codes.js';

const DATA = 0;
const STATUS_OUTPUT_FULL = 0x01, STATUS_SYSTEM = 0x04, STATUS_COMMAND = 0x08, STATUS_UNLOCKED = 0x10, STATUS_AUX = 0x20;
/** Command byte: interrupts on, self test passed, clocks off, translation to scan code set 1. */
const CTR_KEYBOARD_IRQ = 0x01, CTR_AUX_IRQ = 0x02, CTR_SYSTEM = 0x04, CTR_KEYBOARD_OFF = 0x10, CTR_AUX_OFF = 0x20, CTR_TRANSLATE = 0x40;
/** Output port: the processor's reset line (low resets), A20. */
const OUTPUT_RESET = 0x01, OUTPUT_A20 = 0x02;
const SELF_TEST_PASSED = 0x55, LINE_TEST_PASSED = 0x00;
/** What a break code of set 2 begins with. */
const BREAK = 0xf0;

type Source = 'controller' | 'keyboard' | 'mouse';
const SOURCES: readonly Source[] = ['controller', 'keyboard', 'mouse'];

export interface I8042Wiring {
  readonly raise: RaiseEvent;
  readonly keyboardIrq?: (level: boolean) => void;
  readonly mouseIrq?: (level: boolean) => void;
}

export class I8042 implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name = 'i8042 with keyboard and mouse';
  readonly keyboard = new Ps2Keyboard();
  readonly mouse = new Ps2Mouse();
  readonly #wiring: I8042Wiring;
  /** The output buffer, and whose byte is in it. */
  #output = 0;
  #source: Source | undefined;
  #commandByte = 0;
  #outputPort = 0;
  /** The command whose data byte is to come at port 0x60, 0 for none. */
  #awaiting = 0;
  #lastWasCommand = false;
  /** A break prefix waits for the code that it belongs to. */
  #breakPending = false;

  constructor(wiring: I8042Wiring) {
    this.#wiring = wiring;
    this.reset();
  }

  /** Types a text on the keyboard; throws RangeError with one sentence for what has no key. */
  type(text: string): void {
    this.keyboard.type(text);
    this.#fill();
  }

  readPort(offset: number, _size: AccessSize): number {
    if (offset !== DATA) return this.#status;
    this.#source = undefined;
    this.#driveIrqs();
    const value = this.#output;
    this.#fill();
    return value;
  }

  get #status(): number {
    return STATUS_UNLOCKED | (this.#commandByte & CTR_SYSTEM ? STATUS_SYSTEM : 0) | (this.#lastWasCommand ? STATUS_COMMAND : 0)
      | (this.#source !== undefined ? STATUS_OUTPUT_FULL : 0) | (this.#source === 'mouse' ? STATUS_AUX : 0);
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    this.#lastWasCommand = offset !== DATA;
    if (offset === DATA) this.#writeData(value);
    else this.#command(value);
    this.#fill();
  }

  #command(command: number): void {
    this.#awaiting = 0;
    // 0xF0–0xFF pulse the output port's low bits that are zero in the command.
    if (command >= 0xf0) {
      if ((command & OUTPUT_RESET) === 0) this.#reset(`i8042 command 0x${command.toString(16)}`);
      return;
    }
    switch (command) {
      case 0x20: this.#put('controller', this.#commandByte); break;
      case 0x60: case 0xd1: case 0xd2: case 0xd3: case 0xd4: this.#awaiting = command; break;
      case 0xa7: this.#commandByte |= CTR_AUX_OFF; break;
      case 0xa8: this.#commandByte &= ~CTR_AUX_OFF; break;
      case 0xa9: case 0xab: this.#put('controller', LINE_TEST_PASSED); break;
      case 0xaa:
        this.#commandByte |= CTR_SYSTEM;
        this.#put('controller', SELF_TEST_PASSED);
        break;
      case 0xad: this.#commandByte |= CTR_KEYBOARD_OFF; break;
      case 0xae: this.#commandByte &= ~CTR_KEYBOARD_OFF; break;
      case 0xc0: this.#put('controller', 0x80); break; // input port: the keyboard is not locked
      case 0xd0: this.#put('controller', this.#outputPort); break;
      case 0xdd: this.#outputPort &= ~OUTPUT_A20; break;
      case 0xdf: this.#outputPort |= OUTPUT_A20; break;
      default: break;
    }
  }

  #writeData(value: number): void {
    const command = this.#awaiting;
    this.#awaiting = 0;
    switch (command) {
      case 0x60: this.#commandByte = value; break;
      case 0xd1:
        this.#outputPort = value;
        if ((value & OUTPUT_RESET) === 0) this.#reset('i8042 output port');
        break;
      case 0xd2: this.#put('keyboard', value); break;
      case 0xd3: this.#put('mouse', value); break;
      case 0xd4:
        this.#commandByte &= ~CTR_AUX_OFF;
        this.mouse.receive(value);
        break;
      default:
        // A byte for the keyboard opens its clock line.
        this.#commandByte &= ~CTR_KEYBOARD_OFF;
        this.keyboard.receive(value);
    }
  }

  #put(source: Source, value: number): void {
    this.#output = value;
    this.#source = source;
    this.#driveIrqs();
  }

  /** The next byte of a device whose clock runs, when the output buffer is empty. */
  #fill(): void {
    if (this.#source === undefined && (this.#commandByte & CTR_KEYBOARD_OFF) === 0) this.#fillFromKeyboard();
    if (this.#source === undefined && (this.#commandByte & CTR_AUX_OFF) === 0) {
      const value = this.mouse.next();
      if (value !== undefined) this.#put('mouse', value);
    }
    this.#driveIrqs();
  }

  #fillFromKeyboard(): void {
    for (let value = this.keyboard.next(); value !== undefined; value = this.keyboard.next()) {
      if ((this.#commandByte & CTR_TRANSLATE) === 0) return this.#put('keyboard', value);
      if (value === BREAK) {
        this.#breakPending = true;
        continue;
      }
      const translated = setOneOf(value) | (this.#breakPending ? 0x80 : 0);
      this.#breakPending = false;
      return this.#put('keyboard', translated);
    }
  }

  #driveIrqs(): void {
    this.#wiring.keyboardIrq?.(this.#source !== undefined && this.#source !== 'mouse' && (this.#commandByte & CTR_KEYBOARD_IRQ) !== 0);
    this.#wiring.mouseIrq?.(this.#source === 'mouse' && (this.#commandByte & CTR_AUX_IRQ) !== 0);
  }

  #reset(cause: string): void {
    this.#wiring.raise({ kind: 'reset', cause });
  }

  /** As a BIOS would leave it for who asks nothing of it: translation, both clocks running, no interrupts. */
  reset(): void {
    this.keyboard.reset();
    this.mouse.reset();
    this.#output = this.#awaiting = 0;
    this.#source = undefined;
    this.#commandByte = CTR_SYSTEM | CTR_TRANSLATE | CTR_AUX_OFF;
    this.#outputPort = OUTPUT_RESET | OUTPUT_A20;
    this.#lastWasCommand = this.#breakPending = false;
    this.#driveIrqs();
  }

  save(): DeviceState {
    return {
      keyboard: this.keyboard.save(), mouse: this.mouse.save(),
      output: this.#output, source: this.#source === undefined ? -1 : SOURCES.indexOf(this.#source), commandByte: this.#commandByte,
      outputPort: this.#outputPort, awaiting: this.#awaiting, lastWasCommand: this.#lastWasCommand, breakPending: this.#breakPending,
    };
  }

  restore(state: DeviceState): void {
    this.keyboard.restore(state['keyboard'] as DeviceState);
    this.mouse.restore(state['mouse'] as DeviceState);
    this.#output = savedNumber(state, 'output');
    this.#source = SOURCES[savedNumber(state, 'source')];
    this.#commandByte = savedNumber(state, 'commandByte');
    this.#outputPort = savedNumber(state, 'outputPort');
    this.#awaiting = savedNumber(state, 'awaiting');
    this.#lastWasCommand = state['lastWasCommand'] === true;
    this.#breakPending = state['breakPending'] === true;
    this.#driveIrqs();
  }
}
