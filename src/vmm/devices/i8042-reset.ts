/**
 * As much of the Intel 8042 keyboard controller as a guest without a keyboard needs: a status register that never
 * blocks, the self tests, the output port with A20, and the pulse of command 0xFE that resets the processor.
 * Port 0x60 is offset 0 (data), port 0x64 offset 4 (status and command).
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice, type RaiseEvent } from '../device.js';

const DATA = 0;
const STATUS_OUTPUT_FULL = 0x01;
const STATUS_SYSTEM = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_UNLOCKED = 0x10;
/** Output port: bit 0 is the processor's reset line (low resets), bit 1 A20. */
const OUTPUT_PORT_RESET = 0x01;
const OUTPUT_PORT_DEFAULT = 0x03;

export class I8042Reset implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name = 'i8042 (reset and A20 only)';
  readonly #raise: RaiseEvent;
  #output = 0;
  #outputFull = 0;
  #commandByte = 0;
  #outputPort = OUTPUT_PORT_DEFAULT;
  /** The command whose data byte is to come at port 0x60, 0 for none. */
  #awaiting = 0;
  #lastWasCommand = 0;

  constructor(raise: RaiseEvent) {
    this.#raise = raise;
  }

  readPort(offset: number, _size: AccessSize): number {
    if (offset === DATA) {
      this.#outputFull = 0;
      return this.#output;
    }
    return STATUS_UNLOCKED | STATUS_SYSTEM
      | (this.#lastWasCommand !== 0 ? STATUS_COMMAND : 0)
      | (this.#outputFull !== 0 ? STATUS_OUTPUT_FULL : 0);
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    this.#lastWasCommand = offset === DATA ? 0 : 1;
    if (offset === DATA) this.#writeData(value);
    else this.#command(value);
  }

  #command(command: number): void {
    this.#awaiting = 0;
    // 0xF0–0xFF pulse the output port's low bits that are zero in the command; bit 0 is the reset line.
    if (command >= 0xf0) {
      if ((command & OUTPUT_PORT_RESET) === 0) this.#reset(`i8042 command 0x${command.toString(16)}`);
      return;
    }
    switch (command) {
      case 0x20: this.#reply(this.#commandByte); break;
      case 0x60: case 0xd1: this.#awaiting = command; break;
      case 0xaa: this.#reply(0x55); break; // self test passed
      case 0xab: this.#reply(0x00); break; // keyboard interface test passed
      case 0xd0: this.#reply(this.#outputPort); break;
      case 0xdd: this.#outputPort &= ~0x02; break;
      case 0xdf: this.#outputPort |= 0x02; break;
      default: break; // keyboard and mouse commands: there is neither
    }
  }

  #writeData(value: number): void {
    if (this.#awaiting === 0x60) this.#commandByte = value;
    if (this.#awaiting === 0xd1) {
      this.#outputPort = value;
      if ((value & OUTPUT_PORT_RESET) === 0) this.#reset('i8042 output port');
    }
    this.#awaiting = 0;
  }

  #reply(value: number): void {
    this.#output = value;
    this.#outputFull = 1;
  }

  #reset(cause: string): void {
    this.#raise({ kind: 'reset', cause });
  }

  reset(): void {
    this.#output = this.#outputFull = this.#commandByte = this.#awaiting = this.#lastWasCommand = 0;
    this.#outputPort = OUTPUT_PORT_DEFAULT;
  }

  save(): DeviceState {
    return {
      output: this.#output, outputFull: this.#outputFull, commandByte: this.#commandByte,
      outputPort: this.#outputPort, awaiting: this.#awaiting, lastWasCommand: this.#lastWasCommand,
    };
  }

  restore(state: DeviceState): void {
    this.#output = savedNumber(state, 'output');
    this.#outputFull = savedNumber(state, 'outputFull');
    this.#commandByte = savedNumber(state, 'commandByte');
    this.#outputPort = savedNumber(state, 'outputPort');
    this.#awaiting = savedNumber(state, 'awaiting');
    this.#lastWasCommand = savedNumber(state, 'lastWasCommand');
  }
}
