/** INT 11h, 12h, 15h (memory, A20, wait) and 1Ah (time). */
import type { GuestMemory } from '../guest-memory.js';
import { LOW_MEMORY_END, type MemoryMapEntry } from '../boot/memory-map.js';
import { EQUIPMENT } from './bios-rom.js';
import type { BiosCall } from './bios-call.js';

const SMAP = 0x534d4150;
const E820_ENTRY = 20;
const MEBIBYTE = 1 << 20;
const EXTENDED_END = 16 * MEBIBYTE;
const FOUR_GIB = 2 ** 32;
/** The PC's timer ticks 1193182 / 65536 times a second. */
const TICKS_PER_MILLISECOND = 1_193_182 / 65_536 / 1000;
const UNSUPPORTED = 0x86;

export class SystemServices {
  private waitUntil: number | undefined;

  constructor(private readonly memory: GuestMemory, private readonly map: readonly MemoryMapEntry[], private readonly now: () => Date) {}

  reset(): void {
    this.waitUntil = undefined;
  }

  /** Milliseconds that a wait goes on, null where there is none. */
  save(): number | null {
    return this.waitUntil === undefined ? null : this.waitUntil - performance.now();
  }

  restore(wait: number | null): void {
    this.waitUntil = wait === null ? undefined : performance.now() + wait;
  }

  /** `wait`: the time asked for is not over. False for a function that is not there. */
  serve(call: BiosCall): boolean | 'wait' {
    switch (call.vector) {
      case 0x11: call.setWord('ax', EQUIPMENT); return true;
      case 0x12: call.setWord('ax', LOW_MEMORY_END / 1024); return true;
      case 0x15: return this.system(call);
      case 0x1a: return this.time(call);
      default: return false;
    }
  }

  private system(call: BiosCall): boolean | 'wait' {
    const ax = call.word('ax');
    call.setCarry(false);
    if (ax >= 0x2400 && ax <= 0x2403) return this.a20(call, ax & 0xff);
    if (ax === 0xe820) return this.e820(call);
    if (ax === 0xe801) return this.e801(call);
    switch (ax >> 8) {
      case 0x86: return this.wait(call);
      case 0x88: call.setWord('ax', Math.min(this.extendedBytes(FOUR_GIB) / 1024, 0xffff)); return true;
      default:
        call.setByte('ah', UNSUPPORTED);
        call.setCarry(true);
        return false;
    }
  }

  /** The A20 line is always open here. */
  private a20(call: BiosCall, what: number): boolean {
    call.setByte('ah', 0);
    if (what === 2) call.setByte('al', 1);
    if (what === 3) call.setWord('bx', 3);
    return true;
  }

  private e820(call: BiosCall): boolean {
    const index = call.dword('bx');
    const entry = this.map[index];
    const at = call.address('es', call.word('di'));
    if (call.dword('dx') !== SMAP || entry === undefined || call.dword('cx') < E820_ENTRY || !this.memory.contains(at, E820_ENTRY)) {
      call.setByte('ah', UNSUPPORTED);
      call.setCarry(true);
      return true;
    }
    const bytes = new DataView(new ArrayBuffer(E820_ENTRY));
    bytes.setBigUint64(0, BigInt(entry.start), true);
    bytes.setBigUint64(8, BigInt(entry.size), true);
    bytes.setUint32(16, entry.type, true);
    this.memory.write(at, new Uint8Array(bytes.buffer));
    call.setDword('ax', SMAP);
    call.setDword('cx', E820_ENTRY);
    call.setDword('bx', index + 1 < this.map.length ? index + 1 : 0);
    return true;
  }

  /** KiB between 1 and 16 MiB, and 64 KiB blocks above. */
  private e801(call: BiosCall): boolean {
    const low = this.extendedBytes(EXTENDED_END) / 1024;
    const high = Math.floor((this.extendedBytes(FOUR_GIB) - this.extendedBytes(EXTENDED_END)) / 0x1_0000);
    for (const [first, second] of [['ax', 'bx'], ['cx', 'dx']] as const) {
      call.setWord(first, low);
      call.setWord(second, high);
    }
    return true;
  }

  /** Bytes of RAM from 1 MiB on, without a gap, below `end`. */
  private extendedBytes(end: number): number {
    const region = this.map.find(({ start, type }) => start === MEBIBYTE && type === 1);
    return region === undefined ? 0 : Math.max(0, Math.min(region.start + region.size, end) - MEBIBYTE);
  }

  /** CX:DX microseconds. */
  private wait(call: BiosCall): boolean | 'wait' {
    const now = performance.now();
    this.waitUntil ??= now + (call.word('cx') * 0x1_0000 + call.word('dx')) / 1000;
    if (now < this.waitUntil) return 'wait';
    this.waitUntil = undefined;
    return true;
  }

  private time(call: BiosCall): boolean {
    const now = this.now();
    call.setCarry(false);
    switch (call.byte('ah')) {
      case 0x00: {
        const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
        const ticks = Math.floor((now.getTime() - midnight.getTime()) * TICKS_PER_MILLISECOND);
        call.setWord('cx', ticks >>> 16);
        call.setWord('dx', ticks & 0xffff);
        call.setByte('al', 0);
        return true;
      }
      case 0x02:
        call.setWord('cx', (bcd(now.getHours()) << 8) | bcd(now.getMinutes()));
        call.setWord('dx', bcd(now.getSeconds()) << 8);
        return true;
      case 0x04:
        call.setWord('cx', (bcd(Math.floor(now.getFullYear() / 100)) << 8) | bcd(now.getFullYear() % 100));
        call.setWord('dx', (bcd(now.getMonth() + 1) << 8) | bcd(now.getDate()));
        return true;
      case 0x01: return true;
      default:
        call.setCarry(true);
        return false;
    }
  }
}

function bcd(value: number): number {
  return (Math.floor(value / 10) << 4) | value % 10;
}
