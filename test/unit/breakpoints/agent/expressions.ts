/** Agent expressions for tests: written as hex with spaces, run against a small memory and made-up registers. */
import { decodeProgram } from '../../../../src/breakpoints/agent/bytecode.js';
import { evaluate, type AgentContext, type Evaluation } from '../../../../src/breakpoints/agent/evaluate.js';

/** `22 05 27` as bytes. */
export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** `const64` of a value, signed or not. */
export function constant(value: bigint): string {
  return `25${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}`;
}

/** `printf` of a format; its values, the last first, and the two zeros on top stand before it. */
export function printf(format: string, count: number): string {
  const text = Buffer.from(`${format}\0`, 'utf8');
  const byte = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return `2200 2200 34${byte(count, 2)}${byte(text.length, 4)}${text.toString('hex')}`;
}

export const MEMORY_AT = 0x1000n;

export class Guest implements AgentContext {
  printed = '';
  /** From `MEMORY_AT`; there is nothing else. */
  readonly memory = new Uint8Array(0x100);
  reads = 0;

  read = (address: bigint, length: number): Uint8Array => {
    this.reads++;
    const start = address - MEMORY_AT;
    if (start < 0n || start >= BigInt(this.memory.length)) return new Uint8Array(0);
    return this.memory.subarray(Number(start), Number(start) + length);
  };

  /** Register n has the value 0xn0; there are ten. */
  register(regnum: number): bigint | undefined {
    return regnum < 10 ? BigInt(regnum) << 4n : undefined;
  }

  print(text: string): void {
    this.printed += text;
  }
}

export function run(hex: string, guest = new Guest()): Evaluation {
  return evaluate(decodeProgram(bytes(hex)), guest);
}
