/** INT 11h, 12h, 15h (memory, A20, wait) and 1Ah (time). */
import { encodeTime, RTC_CENTURY, RTC_DAY, RTC_HOURS, RTC_MINUTES, RTC_MONTH, RTC_SECONDS, RTC_YEAR } from '../devices/rtc-time.js';
import type { GuestMemory } from '../guest-memory.js';
import type { MemoryWrite } from '../boot/boot-options.js';
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
const DAY_MILLISECONDS = 86_400_000;
const UNSUPPORTED = 0x86;
const BDA_TICKS = 0x46c, BDA_MIDNIGHT = 0x470;
/** Two descriptors of INT 15h, AH=87h: from and to (IBM PC AT Technical Reference, "Move Block"). */
const MOVE_FROM = 0x10, MOVE_TO = 0x18;
const MOST_WORDS = 0x8000;
const MOVE_FAILED = 2;

export class SystemServices {
  private waitUntil: number | undefined;

  /** `ticking`: the guest counts at 40:6C by itself. */
  constructor(
    private readonly memory: GuestMemory, private readonly map: readonly MemoryMapEntry[], private readonly ticking: boolean, private readonly now: () => Date,
  ) {}

  /** The count of ticks at 40:6C as the guest finds it. */
  get clock(): MemoryWrite {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, ticksOf(this.now()), true);
    return { address: BigInt(BDA_TICKS), bytes };
  }

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
      case 0x87: return this.move(call);
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

  /** CX words between places that two descriptors of a table at ES:SI name, whatever A20 and the mode. */
  private move(call: BiosCall): boolean {
    const table = call.address('es', call.word('si'));
    const base = (at: number): number => {
      const [low, high] = [this.memory.read32(table + at + 2), this.memory.readByte(table + at + 7)];
      return low === undefined || high === undefined ? Infinity : (low & 0xff_ffff) + high * 0x100_0000;
    };
    const [from, to] = [base(MOVE_FROM), base(MOVE_TO)];
    const length = 2 * call.word('cx');
    const fits = call.word('cx') <= MOST_WORDS && [from, to].every((at) => at !== Infinity && this.memory.contains(at, length));
    if (fits) this.memory.write(to, this.memory.read(from, length));
    call.setByte('ah', fits ? 0 : MOVE_FAILED);
    call.setCarry(!fits);
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
    const registers = new Uint8Array(RTC_CENTURY + 1);
    encodeTime(now.getTime(), { binary: false, hours24: true }, registers);
    call.setCarry(false);
    switch (call.byte('ah')) {
      case 0x00: {
        const ticks = this.ticking ? this.memory.read32(BDA_TICKS) ?? 0 : ticksOf(now);
        call.setWord('cx', ticks >>> 16);
        call.setWord('dx', ticks & 0xffff);
        call.setByte('al', this.memory.readByte(BDA_MIDNIGHT) ?? 0);
        this.memory.writeByte(BDA_MIDNIGHT, 0);
        return true;
      }
      case 0x02:
        call.setWord('cx', (registers[RTC_HOURS] << 8) | registers[RTC_MINUTES]);
        call.setWord('dx', registers[RTC_SECONDS] << 8);
        return true;
      case 0x04:
        call.setWord('cx', (registers[RTC_CENTURY] << 8) | registers[RTC_YEAR]);
        call.setWord('dx', (registers[RTC_MONTH] << 8) | registers[RTC_DAY]);
        return true;
      case 0x01: {
        const ticks = new Uint8Array(4);
        new DataView(ticks.buffer).setUint32(0, call.word('cx') * 0x1_0000 + call.word('dx'), true);
        this.memory.write(BDA_TICKS, ticks);
        return true;
      }
      default:
        call.setCarry(true);
        return false;
    }
  }
}

/** Since midnight of the CMOS clock's time, which is UTC. */
function ticksOf(now: Date): number {
  return Math.floor((now.getTime() % DAY_MILLISECONDS) * TICKS_PER_MILLISECOND);
}
