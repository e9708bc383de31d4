/**
 * An IDE channel with up to two drives (ATA/ATAPI-6, 7 and 9): routes the registers to the drive that the Device register
 * selects and drives INTRQ. The command block (1F0–1F7 of the primary channel) is offsets 0–7, the control block's one
 * register (3F6) offset 8.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../../device.js';
import { STATUS_BSY, type IdeDrive } from './ide-drive.js';
import { DEVICE, DEVICE_DEV } from './task-file.js';

export const CONTROL_OFFSET = 8;

const DATA = 0, ERROR = 1, STATUS = 7, COMMAND = 7;
const CONTROL_NIEN = 0x02, CONTROL_SRST = 0x04, CONTROL_HOB = 0x80;
const EXECUTE_DEVICE_DIAGNOSTIC = 0x90;

export type DrivePair = readonly [master: IdeDrive | undefined, slave: IdeDrive | undefined];

export class IdeChannel implements PortDevice {
  /** The data port takes 32 bits; the other registers are bytes side by side. */
  readonly portWidth = 4 as const;
  readonly name: string;
  readonly drives: DrivePair;
  readonly #setIrq: (level: boolean) => void;
  readonly #word = new Uint8Array(4);
  #selected: 0 | 1 = 0;
  #control = 0;
  #level = false;

  /** `label`: `ide0`. `setIrq` gets INTRQ's level whenever it changes. */
  constructor(label: string, drives: DrivePair, setIrq: (level: boolean) => void = () => undefined) {
    this.name = `${label} (${drives.map((drive) => drive?.name ?? 'no drive').join(', ')})`;
    this.drives = drives;
    this.#setIrq = setIrq;
  }

  reset(): void {
    this.#selected = 0;
    this.#control = 0;
    for (const drive of this.drives) drive?.reset('hard');
    this.#updateIrq();
  }

  readPort(offset: number, size: AccessSize): number {
    const bytes = this.#word.fill(0, 0, size);
    if (offset === DATA) this.readPortBlock(offset, size, bytes.subarray(0, size));
    else for (let i = 0; i < size; i++) bytes[i] = this.#readRegister(offset + i);
    return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
  }

  writePort(offset: number, size: AccessSize, value: number): void {
    if (offset === DATA) {
      for (let i = 0; i < size; i++) this.#word[i] = value >>> (8 * i);
      this.writePortBlock(offset, size, this.#word.subarray(0, size));
    } else {
      for (let i = 0; i < size; i++) this.#writeRegister(offset + i, (value >>> (8 * i)) & 0xff);
    }
  }

  /** The data port: all that the drive has, then zeros. */
  readPortBlock(offset: number, _size: AccessSize, data: Uint8Array): number {
    if (offset !== DATA) return 0;
    data.fill(0, this.#drive?.readData(data) ?? 0);
    this.#updateIrq();
    return data.length;
  }

  /** The data port: what the drive does not want is dropped. */
  writePortBlock(offset: number, _size: AccessSize, data: Uint8Array): number {
    if (offset !== DATA) return 0;
    this.#drive?.writeData(data);
    this.#updateIrq();
    return data.length;
  }

  /** The selected drive; absent ones read as zeros, the status that drivers take for "nobody there". */
  get #drive(): IdeDrive | undefined {
    return this.drives[this.#selected];
  }

  #readRegister(offset: number): number {
    const drive = this.#drive;
    if (drive === undefined) return 0;
    switch (offset) {
      case ERROR: return drive.error;
      case STATUS: {
        const status = drive.readStatus();
        this.#updateIrq();
        return status;
      }
      case CONTROL_OFFSET: return drive.alternateStatus;
      default: return drive.task.read(offset, (this.#control & CONTROL_HOB) !== 0);
    }
  }

  #writeRegister(offset: number, value: number): void {
    if (offset === CONTROL_OFFSET) {
      this.#writeControl(value);
    } else {
      // Any write to the command block turns back to the registers' present content (7.9).
      this.#control &= ~CONTROL_HOB;
      if (offset === COMMAND) this.#writeCommand(value);
      else this.#writeTaskFile(offset, value);
    }
    this.#updateIrq();
  }

  /** Both drives hear what is written; a busy one does not listen. */
  #writeTaskFile(register: number, value: number): void {
    if (register === DEVICE) this.#selected = (value & DEVICE_DEV) !== 0 ? 1 : 0;
    for (const drive of this.drives) {
      if (drive !== undefined && (drive.alternateStatus & STATUS_BSY) === 0) drive.task.write(register, value);
    }
  }

  #writeCommand(command: number): void {
    if ((this.#control & CONTROL_SRST) !== 0) return;
    // The line falls before the command raises it again: an interrupt controller that waits for edges must see one.
    if (this.#drive !== undefined) this.#drive.interrupt = false;
    this.#updateIrq();
    if (command === EXECUTE_DEVICE_DIAGNOSTIC) {
      this.#selected = 0;
      for (const drive of this.drives) drive?.reset('diagnostic');
    } else {
      this.#drive?.writeCommand(command);
    }
  }

  #writeControl(value: number): void {
    const changed = value ^ this.#control;
    this.#control = value & (CONTROL_HOB | CONTROL_NIEN | CONTROL_SRST);
    if ((changed & CONTROL_SRST) === 0) return;
    this.#selected = 0;
    for (const drive of this.drives) {
      if ((value & CONTROL_SRST) !== 0) drive?.holdReset();
      else drive?.reset('soft');
    }
  }

  /** Only the selected drive drives INTRQ, and only when the host wants it (7.6). */
  #updateIrq(): void {
    const level = (this.#control & CONTROL_NIEN) === 0 && this.#drive?.interrupt === true;
    if (level === this.#level) return;
    this.#level = level;
    this.#setIrq(level);
  }

  save(): DeviceState {
    return {
      selected: this.#selected, control: this.#control,
      drives: this.drives.map((drive) => drive?.save() ?? null),
    };
  }

  restore(state: DeviceState): void {
    this.#selected = savedNumber(state, 'selected') === 1 ? 1 : 0;
    this.#control = savedNumber(state, 'control');
    const saved = state['drives'] as readonly (DeviceState | null)[];
    this.drives.forEach((drive, i) => {
      const own = saved[i];
      if (drive !== undefined && own !== null) drive.restore(own);
    });
    this.#updateIrq();
  }
}
