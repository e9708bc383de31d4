/**
 * The 16550A UART (National Semiconductor PC16550D datasheet, June 1995): eight registers of one byte.
 *
 * The line is infinitely fast: a written byte is out at once, so THR and the transmit FIFO are always empty. Bytes
 * that arrive wait here until the guest's FIFO has room, so nothing overruns. The baud rate divisor is remembered and
 * means nothing. OUT2 does not gate the interrupt: it does so on the PC's board, and guests forget it.
 */
import { savedNumber, type AccessSize, type DeviceState, type PortDevice } from '../device.js';

/** Where the guest's bytes go. */
export interface SerialSink {
  /** The bytes are copied or written before this returns. */
  write(bytes: Uint8Array): void;
}

/** Bytes that may wait for the guest; a sender is told when this is full. */
export const INPUT_LIMIT = 64 * 1024;

const IER_RX = 0x01, IER_THRE = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08;
const LSR_DR = 0x01, LSR_OE = 0x02, LSR_THRE = 0x20, LSR_TEMT = 0x40;
const LCR_DLAB = 0x80;
const MCR_LOOP = 0x10;
/** Carrier, data set ready, clear to send: as if a terminal were always there. */
const MSR_CONNECTED = 0xb0;
const FIFO_TRIGGERS = [1, 4, 8, 14];

export class Serial16550A implements PortDevice {
  readonly portWidth = 1 as const;
  readonly name: string;
  readonly #sink: SerialSink;
  readonly #setIrq: (level: boolean) => void;
  readonly #byte = new Uint8Array(1);

  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #msrDelta = 0;
  #scratch = 0;
  #divisor = 0;
  #overrun = 0;
  #threPending = 0;
  /** What the guest can read now. */
  #received: number[] = [];
  /** What waits for room in `#received`. */
  #waiting: number[] = [];
  #irqLevel = false;

  constructor(name: string, sink: SerialSink, setIrq: (level: boolean) => void = () => undefined) {
    this.name = `${name} (16550A)`;
    this.#sink = sink;
    this.#setIrq = setIrq;
    this.reset();
  }

  /** Master reset (datasheet, table I). Bytes that wait for the guest stay: the terminal did not go away. */
  reset(): void {
    this.#ier = this.#fcr = this.#lcr = this.#mcr = 0;
    this.#msrDelta = this.#scratch = this.#overrun = this.#threPending = 0;
    this.#divisor = 12;
    this.#received = [];
    this.#fill();
    this.#updateIrq();
  }

  /** Bytes from the outside. Returns how many of them were taken; the rest must be offered again or is lost. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, INPUT_LIMIT - this.#waiting.length);
    for (let i = 0; i < taken; i++) this.#waiting.push(bytes[i]);
    this.#fill();
    this.#updateIrq();
    return taken;
  }

  readPort(offset: number, _size: AccessSize): number {
    const divisorLatch = (this.#lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case 0: return divisorLatch ? this.#divisor & 0xff : this.#readReceived();
      case 1: return divisorLatch ? this.#divisor >> 8 : this.#ier;
      case 2: return this.#readInterruptIdentification();
      case 3: return this.#lcr;
      case 4: return this.#mcr;
      case 5: {
        const status = this.#lineStatus();
        this.#overrun = 0;
        this.#updateIrq();
        return status;
      }
      case 6: {
        const status = this.#modemStatus();
        this.#msrDelta = 0;
        this.#updateIrq();
        return status;
      }
      default: return this.#scratch;
    }
  }

  writePort(offset: number, _size: AccessSize, value: number): void {
    const divisorLatch = (this.#lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case 0:
        if (divisorLatch) this.#divisor = (this.#divisor & 0xff00) | value;
        else this.#transmit(value);
        break;
      case 1:
        if (divisorLatch) {
          this.#divisor = (this.#divisor & 0xff) | (value << 8);
        } else {
          // Enabling the interrupt while THR is empty raises it (datasheet, 8.6.3; drivers rely on it to start).
          if ((value & IER_THRE) !== 0 && (this.#ier & IER_THRE) === 0) this.#threPending = 1;
          this.#ier = value & 0x0f;
        }
        break;
      case 2: this.#writeFifoControl(value); break;
      case 3: this.#lcr = value; break;
      case 4: this.#writeModemControl(value); break;
      case 7: this.#scratch = value; break;
      default: break; // LSR and MSR: for factory tests only
    }
    this.#updateIrq();
  }

  save(): DeviceState {
    return {
      ier: this.#ier, fcr: this.#fcr, lcr: this.#lcr, mcr: this.#mcr, msrDelta: this.#msrDelta, scratch: this.#scratch,
      divisor: this.#divisor, overrun: this.#overrun, threPending: this.#threPending,
      received: [...this.#received], waiting: [...this.#waiting],
    };
  }

  restore(state: DeviceState): void {
    this.#ier = savedNumber(state, 'ier');
    this.#fcr = savedNumber(state, 'fcr');
    this.#lcr = savedNumber(state, 'lcr');
    this.#mcr = savedNumber(state, 'mcr');
    this.#msrDelta = savedNumber(state, 'msrDelta');
    this.#scratch = savedNumber(state, 'scratch');
    this.#divisor = savedNumber(state, 'divisor');
    this.#overrun = savedNumber(state, 'overrun');
    this.#threPending = savedNumber(state, 'threPending');
    this.#received = [...(state['received'] as number[])];
    this.#waiting = [...(state['waiting'] as number[])];
    this.#updateIrq();
  }

  get #fifoEnabled(): boolean {
    return (this.#fcr & 1) !== 0;
  }

  get #depth(): number {
    return this.#fifoEnabled ? 16 : 1;
  }

  #fill(): void {
    const room = this.#depth - this.#received.length;
    if (room > 0 && this.#waiting.length > 0 && (this.#mcr & MCR_LOOP) === 0) {
      this.#received.push(...this.#waiting.splice(0, room));
    }
  }

  #transmit(value: number): void {
    if ((this.#mcr & MCR_LOOP) !== 0) {
      // Only the guest itself can overrun its receiver: without a FIFO the new byte replaces the old one.
      if (this.#received.length >= this.#depth) {
        this.#overrun = LSR_OE;
        if (!this.#fifoEnabled) this.#received[0] = value;
      } else {
        this.#received.push(value);
      }
    } else {
      this.#byte[0] = value;
      this.#sink.write(this.#byte);
    }
    this.#threPending = 1;
  }

  #readReceived(): number {
    const value = this.#received.shift() ?? 0;
    this.#fill();
    this.#updateIrq();
    return value;
  }

  #writeFifoControl(value: number): void {
    const switched = ((value ^ this.#fcr) & 1) !== 0;
    if (switched || ((value & 1) !== 0 && (value & 2) !== 0)) this.#received = [];
    this.#fcr = (value & 1) !== 0 ? value & 0xc9 : 0;
    this.#fill();
  }

  #writeModemControl(value: number): void {
    const before = this.#modemStatus() >> 4;
    this.#mcr = value & 0x1f;
    const after = this.#modemStatus() >> 4;
    const changed = before ^ after;
    // Delta bits; RI's is set by its trailing edge only.
    this.#msrDelta |= (changed & 0b1011) | (before & ~after & 0b0100);
    this.#fill();
  }

  #lineStatus(): number {
    return LSR_THRE | LSR_TEMT | this.#overrun | (this.#received.length > 0 ? LSR_DR : 0);
  }

  #modemStatus(): number {
    const mcr = this.#mcr;
    const lines = (mcr & MCR_LOOP) === 0
      ? MSR_CONNECTED
      // Loopback: RTS→CTS, DTR→DSR, OUT1→RI, OUT2→DCD (datasheet, 8.7).
      : ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4);
    return lines | this.#msrDelta;
  }

  /** IIR's low bits of the interrupt with the highest priority; 1 when there is none (datasheet, table III). */
  #pendingInterrupt(): number {
    if ((this.#ier & IER_LINE) !== 0 && this.#overrun !== 0) return 0x06;
    if ((this.#ier & IER_RX) !== 0 && this.#received.length > 0) {
      const trigger = this.#fifoEnabled ? FIFO_TRIGGERS[this.#fcr >> 6] : 1;
      // Below the trigger level: the character time-out, which our infinitely fast line reaches at once.
      return this.#received.length >= trigger ? 0x04 : 0x0c;
    }
    if ((this.#ier & IER_THRE) !== 0 && this.#threPending !== 0) return 0x02;
    if ((this.#ier & IER_MODEM) !== 0 && this.#msrDelta !== 0) return 0x00;
    return 0x01;
  }

  #readInterruptIdentification(): number {
    const pending = this.#pendingInterrupt();
    if (pending === 0x02) this.#threPending = 0;
    this.#updateIrq();
    return pending | (this.#fifoEnabled ? 0xc0 : 0);
  }

  #updateIrq(): void {
    const level = this.#pendingInterrupt() !== 0x01;
    if (level === this.#irqLevel) return;
    this.#irqLevel = level;
    this.#setIrq(level);
  }
}
