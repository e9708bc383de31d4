import test from 'tape';
import { classifyExit, type Hit } from '../../../src/breakpoints/classify.js';
import type { Exit } from '../../../src/vmm/exit.js';

const debug = (exception: number, dr6 = 0n, pc = 0x100n): Exit => ({ reason: 'debug', exception, pc, dr6, dr7: 0n });
const HLT: Exit = { reason: 'hlt' };

interface Row { name: string; exit: Exit; pc?: bigint; stepping?: boolean; patches?: Record<number, 'int3' | 'hlt'>; registers?: number; code?: number; stale?: boolean; other?: boolean; expected: Hit }

const rows: Row[] = [
  { name: 'our int3', exit: debug(3), patches: { 0x100: 'int3' }, expected: { kind: 'patch', address: 0x100n } },
  { name: "the guest's own int3", exit: debug(3), expected: { kind: 'guest-int3', refused: false } },
  { name: 'int3 where a hlt patch stands is not ours', exit: debug(3), patches: { 0x100: 'hlt' }, expected: { kind: 'guest-int3', refused: false } },
  { name: 'an int3 of ours that has gone meanwhile', exit: debug(3), other: true, expected: { kind: 'lifted-patch' } },
  { name: 'an int3 of ours, over other code', exit: debug(3), patches: { 0x100: 'int3' }, other: true, expected: { kind: 'patch', address: 0x100n } },
  { name: 'our hlt: the pc is one past it', exit: HLT, pc: 0x101n, patches: { 0x100: 'hlt' }, expected: { kind: 'patch', address: 0x100n } },
  { name: "the guest's own hlt", exit: HLT, pc: 0x101n, expected: { kind: 'none' } },
  { name: 'a hlt that was stepped before', exit: HLT, pc: 0x101n, stale: true, expected: { kind: 'stale-halt' } },
  { name: 'a debug register of ours', exit: debug(1, 0xffff0ff2n), registers: 0b11, expected: { kind: 'debug-register', registers: 2 } },
  { name: 'a debug register that is not ours', exit: debug(1, 0xffff0ff4n), registers: 0b11, expected: { kind: 'guest-debug', dr6: 4n } },
  { name: 'a step', exit: debug(1, 0xffff4ff0n), stepping: true, expected: { kind: 'step' } },
  { name: 'a step onto our debug register', exit: debug(1, 0xffff4ff1n), stepping: true, registers: 1, expected: { kind: 'debug-register', registers: 1 } },
  { name: "the guest's own TF", exit: debug(1, 0xffff4ff0n), expected: { kind: 'guest-debug', dr6: 0x4000n } },
  { name: "an int3 that the emulator refused is the guest's own", exit: { reason: 'internal-error', suberror: 1, data: [] }, code: 0xcc, expected: { kind: 'guest-int3', refused: true } },
  { name: 'another instruction that the emulator refused', exit: { reason: 'internal-error', suberror: 1, data: [] }, code: 0x0f, expected: { kind: 'none' } },
  { name: 'another exit', exit: { reason: 'shutdown' }, expected: { kind: 'none' } },
];

for (const { name, exit, pc = 0x100n, stepping = false, patches = {}, registers = 0, code = 0x90, stale = false, other = false, expected } of rows) {
  test(`classify: ${name}`, (t) => {
    t.deepEqual(classifyExit({ exit, pc, stepping, patchAt: (linear) => patches[Number(linear)], byteAt: () => code, isOtherCodeAt: () => other, isStaleHalt: () => stale, debugRegisters: registers }), expected);
    t.end();
  });
}
