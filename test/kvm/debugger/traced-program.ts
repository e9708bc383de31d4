/**
 * Random programs whose every step is known: a generator of code with loops, calls, loads and stores, and what the
 * processor does with it, instruction by instruction, worked out without one.
 */
import { randomNumbers } from '../../random-numbers.js';
import type { TestMode } from './guest-under-debug.js';
import { EXIT, NOP, REGISTER, absolute, branch, le, load, stackSlot, wordSize } from './machine-code.js';

export interface DataAccess {
  /** Linear. */
  readonly address: number;
  /** In bytes. */
  readonly size: number;
  readonly read: boolean;
  readonly write: boolean;
}

export interface TraceEntry {
  /** Of the instruction, from the start of the code. */
  readonly offset: number;
  readonly accesses: readonly DataAccess[];
}

export interface TracedProgram {
  readonly code: readonly number[];
  /** Of all instructions, ascending. */
  readonly offsets: readonly number[];
  /** Every instruction that is executed, in order; the last one ends the machine. */
  readonly trace: readonly TraceEntry[];
}

/** Loads and stores go to these bytes, around a page boundary. */
export const DATA = { start: 0x9fc0, end: 0xa040 } as const;
/** Where `rsp` must stand at the start. */
export const STACK_TOP = 0x7000;

interface Instruction {
  readonly offset: number;
  readonly bytes: readonly number[];
  readonly access?: DataAccess;
  readonly effect?:
    | { readonly kind: 'set'; readonly register: number; readonly value: number }
    | { readonly kind: 'decrement'; readonly register: number }
    | { readonly kind: 'loop'; readonly register: number; readonly target: number }
    | { readonly kind: 'call'; readonly target: number }
    | { readonly kind: 'return' | 'end' };
}

class Generator {
  readonly instructions: Instruction[] = [];
  private at = 0;

  constructor(private readonly mode: TestMode, private readonly random: (below: number) => number) {}

  program(): void {
    // The functions come first, so that calls know where they are; the program begins with a jump over them.
    const body = new Generator(this.mode, this.random);
    const jump = branch(this.mode, [0xe9], 0, 0).length;
    body.at = jump;
    const functions = Array.from({ length: 2 }, () => body.function());
    this.emit(branch(this.mode, [0xe9], 0, body.at), undefined, { kind: 'loop', register: -1, target: body.at });
    for (const instruction of body.instructions) this.instructions.push(instruction);
    this.at = body.at;
    this.block(6, [REGISTER.bx, REGISTER.bp], functions);
    this.emit(EXIT.slice(0, 2));
    this.emit(EXIT.slice(2), undefined, { kind: 'end' });
  }

  private function(): number {
    const start = this.at;
    this.block(2, [REGISTER.si], []);
    this.emit([0xc3], undefined, { kind: 'return' });
    return start;
  }

  /** A sequence; `counters` are the registers that loops in it may count with, `functions` what it may call. */
  private block(length: number, counters: readonly number[], functions: readonly number[]): void {
    for (let i = 0; i < length; i++) {
      const choice = this.random(8);
      const [counter, ...inner] = counters;
      if (choice < 2 && counter !== undefined) this.loop(counter, inner, functions);
      else if (choice < 4 && functions.length > 0) this.call(functions[this.random(functions.length)]);
      else if (choice < 5) this.emit(this.random(2) === 0 ? [NOP] : [0x83, 0xc0 | REGISTER.dx, 1]);
      else this.dataAccess();
    }
  }

  private loop(register: number, inner: readonly number[], functions: readonly number[]): void {
    const value = 2 + this.random(2);
    this.emit(load(this.mode, register, value), undefined, { kind: 'set', register, value });
    const target = this.at;
    this.block(2 + this.random(2), inner, functions);
    this.emit([0xff, 0xc8 | register], undefined, { kind: 'decrement', register });
    this.emit(branch(this.mode, [0x0f, 0x85], this.at, target), undefined, { kind: 'loop', register, target });
  }

  private call(target: number): void {
    this.emit(branch(this.mode, [0xe8], this.at, target), undefined, { kind: 'call', target });
  }

  /** A load, a store or both in one, of 1 to 8 bytes at any alignment. */
  private dataAccess(): void {
    const { mode, random } = this;
    const word = wordSize(mode);
    const wide = mode === 'long' && random(3) === 0;
    const size = wide ? 8 : random(2) === 0 ? 1 : word;
    const address = DATA.start + random(DATA.end - DATA.start - size);
    const bit = size === 1 ? 0 : 1;
    const prefix = wide ? [0x48] : [];
    const kind = random(5);
    const make = (opcode: number, reg: number, immediate: readonly number[] = []): number[] => absolute(mode, [...prefix, opcode | bit], reg, address, immediate);
    if (kind === 0) this.emit(make(0x8a, REGISTER.ax), { address, size, read: true, write: false });
    else if (kind === 1) this.emit(make(0x88, REGISTER.dx), { address, size, read: false, write: true });
    else if (kind === 2) this.emit(make(0xfe, 0), { address, size, read: true, write: true });
    else if (kind === 3) this.emit(make(0x38, REGISTER.ax), { address, size, read: true, write: false });
    else this.emit(make(0xc6, 0, le(random(0x7fff), size === 1 ? 1 : word)), { address, size, read: false, write: true });
  }

  private emit(bytes: readonly number[], access?: DataAccess, effect?: Instruction['effect']): void {
    this.instructions.push({ offset: this.at, bytes, ...(access !== undefined && { access }), ...(effect !== undefined && { effect }) });
    this.at += bytes.length;
  }
}

/** What the processor does, from the first instruction to the one that ends the machine. */
function traceOf(instructions: readonly Instruction[], mode: TestMode): TraceEntry[] {
  const byOffset = new Map(instructions.map((instruction) => [instruction.offset, instruction]));
  const registers = new Map<number, number>();
  const returns: number[] = [];
  const trace: TraceEntry[] = [];
  const size = stackSlot(mode);
  for (let at = 0; ; ) {
    const { offset, bytes, access, effect } = byOffset.get(at) as Instruction;
    const accesses: DataAccess[] = access === undefined ? [] : [access];
    at = offset + bytes.length;
    if (effect?.kind === 'set') registers.set(effect.register, effect.value);
    if (effect?.kind === 'decrement') registers.set(effect.register, (registers.get(effect.register) as number) - 1);
    if (effect?.kind === 'loop' && registers.get(effect.register) !== 0) at = effect.target;
    if (effect?.kind === 'call') {
      returns.push(at);
      accesses.push({ address: STACK_TOP - size * returns.length, size, read: false, write: true });
      at = effect.target;
    }
    if (effect?.kind === 'return') {
      accesses.push({ address: STACK_TOP - size * returns.length, size, read: true, write: false });
      at = returns.pop() as number;
    }
    trace.push({ offset, accesses });
    if (effect?.kind === 'end') return trace;
  }
}

/** The program of a seed. Its code is at most 2 KiB, its trace some hundred instructions. */
export function tracedProgram(mode: TestMode, seed: number): TracedProgram {
  const generator = new Generator(mode, randomNumbers(seed));
  generator.program();
  const { instructions } = generator;
  return {
    code: instructions.flatMap(({ bytes }) => [...bytes]),
    offsets: instructions.map(({ offset }) => offset),
    trace: traceOf(instructions, mode),
  };
}
