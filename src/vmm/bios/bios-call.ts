/**
 * One call of a BIOS service: the caller's registers as INT n left them, and what the service gives back. FLAGS are
 * those that the INT pushed: IRET takes them from the stack (SDM vol. 2, INT n and IRET in real mode).
 */
import type { GeneralRegisterName, SegmentName } from '../../x86/cpu-state.js';
import type { GuestMemory } from '../guest-memory.js';
import type { Vcpu } from '../vcpu.js';

const CARRY = 1 << 0;
const ZERO = 1 << 6;
/** IP, CS, FLAGS lie on the stack in this order, 2 bytes each. */
const IP_OFFSET = 0;
const CS_OFFSET = 2;
const FLAGS_OFFSET = 4;
const MASK32 = 0xffff_ffffn;

type WordRegister = 'ax' | 'bx' | 'cx' | 'dx' | 'si' | 'di' | 'bp' | 'sp';
type ByteRegister = 'al' | 'ah' | 'bl' | 'bh' | 'cl' | 'ch' | 'dl' | 'dh';

export class BiosCall {
  constructor(private readonly vcpu: Vcpu, private readonly memory: GuestMemory, readonly vector: number) {}

  /** The low 16 bits of a register. */
  word(name: WordRegister): number {
    return Number(this.vcpu.regs[wide(name)] & 0xffffn);
  }

  setWord(name: WordRegister, value: number): void {
    const register = wide(name);
    this.vcpu.regs[register] = (this.vcpu.regs[register] & ~0xffffn) | BigInt(value & 0xffff);
  }

  /** The low 32 bits of a register. */
  dword(name: WordRegister): number {
    return Number(this.vcpu.regs[wide(name)] & MASK32);
  }

  setDword(name: WordRegister, value: number): void {
    this.vcpu.regs[wide(name)] = BigInt(value >>> 0);
  }

  byte(name: ByteRegister): number {
    const word = this.word(`${name[0]}x` as WordRegister);
    return name[1] === 'h' ? word >> 8 : word & 0xff;
  }

  setByte(name: ByteRegister, value: number): void {
    const word = `${name[0]}x` as WordRegister;
    const before = this.word(word);
    this.setWord(word, name[1] === 'h' ? (before & 0xff) | ((value & 0xff) << 8) : (before & 0xff00) | (value & 0xff));
  }

  /** GPA of segment:offset; segment bases count, so that unreal mode works. */
  address(segment: SegmentName, offset: number): number {
    return Number((this.vcpu.readSregs()[segment].base + BigInt(offset)) & MASK32);
  }

  /** The selector: the paragraph, in real mode. */
  segment(name: SegmentName): number {
    return this.vcpu.readSregs()[name].selector;
  }

  /** As MOV to a segment register does in real mode. */
  setSegment(name: SegmentName, paragraph: number): void {
    this.vcpu.writeSregs({ [name]: { ...this.vcpu.readSregs()[name], selector: paragraph, base: BigInt(paragraph << 4) } });
  }

  setCarry(on: boolean): void {
    this.setFlag(CARRY, on);
  }

  setZero(on: boolean): void {
    this.setFlag(ZERO, on);
  }

  /** `0000:7c2b`: the instruction behind the INT. */
  get caller(): string {
    const hex = (offset: number): string => (this.stackWord(offset) ?? 0).toString(16).padStart(4, '0');
    return `${hex(CS_OFFSET)}:${hex(IP_OFFSET)}`;
  }

  /** The service has nothing to give yet: the stub calls it again. */
  again(trapLength: number): void {
    this.vcpu.regs.rip -= BigInt(trapLength);
  }

  private setFlag(flag: number, on: boolean): void {
    const flags = this.stackWord(FLAGS_OFFSET);
    if (flags === undefined) return;
    const changed = on ? flags | flag : flags & ~flag;
    this.memory.write(this.stackAddress(FLAGS_OFFSET), Uint8Array.of(changed & 0xff, changed >> 8));
  }

  private stackWord(offset: number): number | undefined {
    const bytes = this.memory.read(this.stackAddress(offset), 2);
    return bytes.length === 2 ? bytes[0] | (bytes[1] << 8) : undefined;
  }

  private stackAddress(offset: number): number {
    return this.address('ss', (this.word('sp') + offset) & 0xffff);
  }
}

function wide(name: WordRegister): GeneralRegisterName {
  return `r${name}`;
}
