/**
 * What all drives on an IDE channel have: the task file, status, error and interrupt, and the data block that the host
 * moves through the data port while DRQ is set (PIO, ATA/ATAPI-6, 9.5 and 9.6). A drive is infinitely fast: BSY is
 * only ever seen during a reset.
 */
import { savedNumber, type DeviceState } from '../../device.js';
import { TaskFile } from './task-file.js';

export const STATUS_ERR = 0x01, STATUS_DRQ = 0x08, STATUS_DSC = 0x10, STATUS_DF = 0x20, STATUS_DRDY = 0x40, STATUS_BSY = 0x80;
export const ERROR_ABRT = 0x04, ERROR_IDNF = 0x10, ERROR_UNC = 0x40;

/** Ready, heads on track. */
const STATUS_IDLE = STATUS_DRDY | STATUS_DSC;

/** The diagnostic code of a drive that works (9.10, table 21). */
const DIAGNOSTIC_PASSED = 0x01;

export type Direction = 'to-host' | 'to-drive';

const NO_BLOCK = new Uint8Array(0);

export abstract class IdeDrive {
  abstract readonly name: string;
  readonly task = new TaskFile();
  /** INTRQ, before the channel gates it. */
  interrupt = false;
  protected status = STATUS_IDLE;
  protected errorCode = DIAGNOSTIC_PASSED;
  #block: Uint8Array = NO_BLOCK;
  #position = 0;
  #direction: Direction = 'to-host';

  /** Carries out `command`, whose arguments are in the task file. No block is pending, the status is idle. */
  protected abstract execute(command: number): void;
  /** All of the block was moved; `block` is what the host wrote, or what it has read. */
  protected abstract blockDone(block: Uint8Array, direction: Direction): void;
  /** To the state after a hardware or software reset; the task file shows the signature afterwards. */
  protected abstract resetDrive(hard: boolean): void;
  protected abstract saveDrive(): DeviceState;
  protected abstract restoreDrive(state: DeviceState): void;

  get error(): number { return this.errorCode; }

  /** The status, without the side effect that reading the Status register has. */
  get alternateStatus(): number { return this.status; }

  readStatus(): number {
    this.interrupt = false;
    return this.status;
  }

  /** The channel has taken INTRQ away before. */
  writeCommand(command: number): void {
    this.endBlock();
    this.errorCode = 0;
    this.status = STATUS_IDLE;
    this.execute(command);
  }

  /** While SRST is set: busy, and whatever was going on is over. */
  holdReset(): void {
    this.interrupt = false;
    this.endBlock();
    this.status = STATUS_BSY;
  }

  /** Reset and self test: the end of SRST, power-on, or EXECUTE DEVICE DIAGNOSTIC (which interrupts). */
  reset(kind: 'hard' | 'soft' | 'diagnostic'): void {
    this.endBlock();
    this.errorCode = DIAGNOSTIC_PASSED;
    this.status = STATUS_IDLE;
    this.interrupt = kind === 'diagnostic';
    this.resetDrive(kind === 'hard');
  }

  /** Moves the next bytes to the host; several blocks when one follows the other. Returns how many there were. */
  readData(target: Uint8Array): number {
    return this.#move('to-host', target.length, (done, count) => {
      target.set(this.#block.subarray(this.#position, this.#position + count), done);
    });
  }

  /** Takes the next bytes from the host. Returns how many were wanted. */
  writeData(source: Uint8Array): number {
    return this.#move('to-drive', source.length, (done, count) => {
      this.#block.set(source.subarray(done, done + count), this.#position);
    });
  }

  save(): DeviceState {
    return {
      task: this.task.save(), status: this.status, error: this.errorCode, interrupt: this.interrupt,
      block: Buffer.from(this.#block).toString('base64'), position: this.#position, direction: this.#direction,
      drive: this.saveDrive(),
    };
  }

  restore(state: DeviceState): void {
    this.task.restore(state['task'] as DeviceState);
    this.status = savedNumber(state, 'status');
    this.errorCode = savedNumber(state, 'error');
    this.interrupt = state['interrupt'] === true;
    this.#block = Uint8Array.from(Buffer.from(state['block'] as string, 'base64'));
    this.#position = savedNumber(state, 'position');
    this.#direction = state['direction'] as Direction;
    this.restoreDrive(state['drive'] as DeviceState);
  }

  /** Sets DRQ for `block`, which the host reads or fills. */
  protected startBlock(block: Uint8Array, direction: Direction): void {
    this.#block = block;
    this.#position = 0;
    this.#direction = direction;
    this.status |= STATUS_DRQ;
  }

  protected endBlock(): void {
    this.#block = NO_BLOCK;
    this.#position = 0;
    this.status &= ~STATUS_DRQ;
  }

  /** The command ended well. */
  protected complete(): void {
    this.status = STATUS_IDLE;
    this.interrupt = true;
  }

  /** The command ended with `error` in the Error register. */
  protected fail(error: number, status = STATUS_ERR): void {
    this.status = STATUS_IDLE | status;
    this.errorCode = error;
    this.interrupt = true;
  }

  #move(direction: Direction, length: number, copy: (done: number, count: number) => void): number {
    let done = 0;
    while (done < length && this.#direction === direction && (this.status & STATUS_DRQ) !== 0) {
      const count = Math.min(length - done, this.#block.length - this.#position);
      copy(done, count);
      done += count;
      this.#position += count;
      if (this.#position === this.#block.length) {
        const block = this.#block;
        this.endBlock();
        this.blockDone(block, direction);
      }
    }
    return done;
  }
}
