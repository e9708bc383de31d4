/** A small ATA driver as a guest would have it: everything goes through I/O exits on a port bus. */
import { IdeChannel, CONTROL_OFFSET, type DrivePair } from '../../../../../src/vmm/devices/ata/ide-channel.js';
import { PortBus } from '../../../../../src/vmm/port-bus.js';
import { ImageError, type BlockImage } from '../../../../../src/vmm/storage/block-image.js';
import type { DeviceState } from '../../../../../src/vmm/device.js';

const BASE = 0x1f0, CONTROL = 0x3f6;
export const ERR = 0x01, DRQ = 0x08, IDLE = 0x50;

/** A command's arguments; `lba` may have 48 bits. */
export interface Command {
  readonly lba?: number;
  readonly count?: number;
  readonly features?: number;
  readonly device?: number;
}

export class AtaHost {
  readonly channel: IdeChannel;
  readonly irq: boolean[] = [];
  readonly #bus = new PortBus();

  constructor(drives: DrivePair) {
    this.channel = new IdeChannel('ide0', drives, (level) => this.irq.push(level));
    this.#bus.claim(this.channel, BASE, 8);
    this.#bus.claim(this.channel, CONTROL, 1, CONTROL_OFFSET);
  }

  in(register: number): number { return this.#bus.read(BASE + register, 1); }
  out(register: number, value: number): void { this.#bus.write(BASE + register, 1, value); }
  control(value: number): void { this.#bus.write(CONTROL, 1, value); }
  get alternateStatus(): number { return this.#bus.read(CONTROL, 1); }
  get status(): number { return this.in(7); }
  get error(): number { return this.in(1); }
  /** Count, LBA low, mid, high and device, as they read now. */
  get registers(): readonly number[] { return [2, 3, 4, 5, 6].map((register) => this.in(register)); }

  /** INTRQ's changes since the last look. */
  takeIrq(): readonly boolean[] { return this.irq.splice(0); }

  /** REP INS of `count` elements of `size` bytes in one exit. */
  ins(count: number, size = 2): Uint8Array {
    const data = new Uint8Array(count * size).fill(0xcc);
    this.#bus.serve({ reason: 'io', direction: 'in', port: BASE, size, count, data });
    return data;
  }

  outs(data: Uint8Array, size = 2): void {
    this.#bus.serve({ reason: 'io', direction: 'out', port: BASE, size, count: data.length / size, data });
  }

  /** One IN from the data port, element by element as slow drivers do. */
  inData(size: 1 | 2 | 4): number { return this.#bus.read(BASE, size); }

  command(code: number, { lba = 0, count = 0, features = 0, device = 0xe0 }: Command = {}): number {
    this.out(6, (device & 0xf0) | ((device & 0x40) !== 0 ? Math.floor(lba / 2 ** 24) & 0x0f : device & 0x0f));
    this.out(1, features);
    this.#task(lba, count);
    this.out(7, code);
    return this.alternateStatus;
  }

  /** A 48-bit command: the upper halves first. */
  command48(code: number, lba: number, count: number, device = 0x40): number {
    this.out(6, device);
    this.#task(Math.floor(lba / 2 ** 24), count >> 8);
    this.#task(lba, count);
    this.out(7, code);
    return this.alternateStatus;
  }

  chs(code: number, cylinder: number, head: number, sector: number, count = 1): number {
    return this.command(code, { lba: sector | (cylinder << 8), count, device: 0xa0 | head });
  }

  /** Reads blocks of `blockBytes` until DRQ goes away. */
  readAll(blockBytes = 512): Uint8Array {
    const blocks: Uint8Array[] = [];
    while ((this.status & DRQ) !== 0) blocks.push(this.ins(blockBytes / 2));
    return Uint8Array.from(Buffer.concat(blocks));
  }

  /** The channel's state as JSON carries it. */
  saved(): DeviceState {
    return JSON.parse(JSON.stringify(this.channel.save())) as DeviceState;
  }

  #task(lba: number, count: number): void {
    this.out(2, count & 0xff);
    this.out(3, lba % 0x100);
    this.out(4, Math.floor(lba / 0x100) % 0x100);
    this.out(5, Math.floor(lba / 0x10000) % 0x100);
  }
}

/** A word of IDENTIFY data. */
export function word(data: Uint8Array, index: number): number {
  return data[2 * index] | (data[2 * index + 1] << 8);
}

/** ASCII of IDENTIFY data, bytes swapped back. */
export function text(data: Uint8Array, index: number, length: number): string {
  return String.fromCharCode(...Array.from({ length }, (_, i) => data[2 * index + (i ^ 1)])).trim();
}

/** An image in memory whose bad sectors cannot be read or written. */
export class MemoryImage implements BlockImage {
  readonly name = 'test.img';
  readonly readOnly: boolean;
  readonly bad = new Set<number>();
  reads = 0;
  flushes = 0;
  constructor(readonly bytes: Uint8Array, { readOnly = false } = {}) { this.readOnly = readOnly; }
  get size(): number { return this.bytes.length; }
  read(offset: number, target: Uint8Array): void {
    this.reads++;
    this.#check(offset, target.length);
    target.set(this.bytes.subarray(offset, offset + target.length));
  }
  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length);
    this.bytes.set(bytes, offset);
  }
  flush(): void { this.flushes++; }
  save(): DeviceState { return {}; }
  restore(): void {}
  close(): void {}
  #check(offset: number, length: number): void {
    if (offset + length > this.bytes.length) throw new RangeError('beyond the end');
    for (let sector = Math.floor(offset / 512); sector * 512 < offset + length; sector++) {
      if (this.bad.has(sector)) throw new ImageError(`sector ${sector} is bad`);
    }
  }
}
