/** Registers from before an instruction with LOCK, told from those behind it and from what it would store. */
import test from 'tape';
import { cpuMode } from '../../../src/x86/cpu-mode.js';
import type { GeneralRegisters } from '../../../src/x86/cpu-state.js';
import { undoLocked, type LockedUndo } from '../../../src/x86/locked-undo.js';
import { generalRegisters, segment, systemRegisters } from './sample-state.js';

const SREGS = systemRegisters({ cr0: 0x8000_0011n, efer: 0x500n, cs: segment({ l: 1 }) });
const ZF = 0x40n;
const END = 0x4000n;
const AT = 0x1100n;

/** In 64-bit code; rbx points at what is stored. */
function undo(code: string, regs: Partial<GeneralRegisters>, value: bigint, size: number, at = AT): LockedUndo | undefined {
  const bytes = Uint8Array.from(code.split(' '), (byte) => Number.parseInt(byte, 16));
  const cpu = { regs: generalRegisters({ rbx: AT, rip: END, rflags: 2n, ...regs }), sregs: SREGS, mode: cpuMode(SREGS, 2n) };
  // What lies before the instruction is NOPs.
  const before = Uint8Array.from({ length: 16 }, (_, i) => (i < 16 - bytes.length ? 0x90 : bytes[i - 16 + bytes.length]));
  return undoLocked((length) => before.subarray(16 - length), cpu, { value, size, isAt: (linear) => linear === at });
}

const rows: [name: string, code: string, regs: Partial<GeneralRegisters>, value: bigint, size: number, expected: Partial<GeneralRegisters>][] = [
  ['lock inc [rbx]', 'f0 ff 03', {}, 6n, 4, { rip: END - 3n }],
  ['lock add [rbx], ecx', 'f0 01 0b', { rcx: 4n }, 9n, 4, { rip: END - 3n }],
  ['lock bts [rbx+8], 3', 'f0 0f ba 6b 08 03', { rbx: AT - 8n }, 8n, 4, { rip: END - 6n }],
  ['lock xadd [rbx], rcx', 'f0 48 0f c1 0b', { rcx: 5n }, 12n, 8, { rip: END - 5n, rcx: 7n }],
  ['lock xadd [rbx], ecx, around', 'f0 0f c1 0b', { rcx: 5n }, 2n, 4, { rip: END - 4n, rcx: 0xffff_fffdn }],
  ['lock xadd [rbx], cx', 'f0 66 0f c1 0b', { rcx: 0xaaaa_0005n }, 7n, 2, { rip: END - 5n, rcx: 0xaaaa_0002n }],
  ['lock xadd [rbx], ch', 'f0 0f c0 2b', { rcx: 0xaaaa_05bbn }, 7n, 1, { rip: END - 4n, rcx: 0xaaaa_02bbn }],
  ['xchg [rbx], ecx', '87 0b', { rcx: 1n }, 0x77n, 4, { rip: END - 2n, rcx: 0x77n }],
  ['xchg [rbx], rbx', '48 87 1b', { rbx: 0n }, AT, 8, { rip: END - 3n, rbx: AT }],
  ['lock cmpxchg [rbx], ecx that stored', 'f0 0f b1 0b', { rax: 1n, rflags: 2n | ZF }, 9n, 4, { rip: END - 4n }],
  ['lock cmpxchg16b [rbx] that stored, its first half', 'f0 48 0f c7 0b', { rflags: 2n | ZF }, 9n, 8, { rip: END - 5n }],
  ['lock cmpxchg8b [rbx] that stored', 'f0 0f c7 0b', { rflags: 2n | ZF }, 9n, 8, { rip: END - 4n }],
];

for (const [name, code, regs, value, size, expected] of rows) {
  test(`locked undo: ${name}`, (t) => {
    t.deepEqual(undo(code, regs, value, size), { kind: 'undo', regs: expected });
    t.end();
  });
}

test('locked undo: what need not be, or cannot be', (t) => {
  t.deepEqual(undo('f0 0f b1 0b', { rax: 1n }, 1n, 4), { kind: 'none' }, 'a comparison that failed');
  t.equal(undo('ff 03', {}, 6n, 4), undefined, 'without LOCK');
  t.equal(undo('89 0b', { rcx: 6n }, 6n, 4), undefined, 'a plain store');
  t.equal(undo('87 d9', { rcx: 6n }, 6n, 4), undefined, 'xchg of registers');
  t.equal(undo('f0 ff 03', {}, 6n, 4, AT + 4n), undefined, 'a store elsewhere was not its own');
  t.equal(undo('f0 11 0b', { rcx: 1n }, 6n, 4), undefined, 'lock adc has used up the carry');
  t.end();
});
