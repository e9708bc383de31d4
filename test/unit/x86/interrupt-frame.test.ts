import test from 'tape';
import { describeErrorCode } from '../../../src/x86/error-code.js';
import { CPU_MODES, type CpuMode, type CpuModeName } from '../../../src/x86/cpu-mode.js';
import { findExceptionVector } from '../../../src/x86/exceptions.js';
import { readPushedFrame, type PushedFrame } from '../../../src/x86/interrupt-frame.js';
import type { InterruptFrame } from '../../../src/x86/interrupt-target.js';
import { reader, segment, systemRegisters } from './sample-state.js';

const GDT = 0x100;
const STACK = 0x800;
const memory = new Uint8Array(0x1000);
const words = new DataView(memory.buffer);
words.setBigUint64(GDT + 8, 0x00af_9a00_0000_ffffn, true); // 08: 64-bit code
words.setBigUint64(GDT + 16, 0x00cf_9200_0000_ffffn, true); // 10: data
words.setBigUint64(GDT + 24, 0x00cf_fa01_0000_ffffn, true); // 18: 32-bit code of CPL 3, base 0x10000

function modeOf(name: CpuModeName): CpuMode {
  return CPU_MODES.find((mode) => mode.name === name) as CpuMode;
}

function layout(slotSize: 2 | 4 | 8, hasErrorCode: boolean): InterruptFrame {
  const first = hasErrorCode ? slotSize : 0;
  return { slotSize, hasErrorCode, ipOffset: first, csOffset: first + slotSize, flagsOffset: first + 2 * slotSize };
}

/** Pushes values, the last one ends up on top. */
function frame(name: CpuModeName, slotSize: 2 | 4 | 8, pushed: readonly bigint[], hasErrorCode = false): PushedFrame | undefined {
  pushed.forEach((value, i) => {
    const at = STACK + slotSize * (pushed.length - 1 - i);
    for (let byte = 0; byte < slotSize; byte++) memory[at + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
  });
  const sregs = systemRegisters({
    cr0: name.startsWith('real') ? 0n : 1n, efer: name === 'long64' ? 0x500n : 0n, gdt: { base: BigInt(GDT), limit: 0x1f }, ss: segment({ db: 1 }),
  });
  return readPushedFrame(layout(slotSize, hasErrorCode), sregs, BigInt(STACK), modeOf(name), reader(memory));
}

test('pushed frame: who was interrupted', (t) => {
  t.deepEqual(frame('real16', 2, [0x202n, 0x1000n, 0x234n]), { pc: 0x1_0234n, mode: modeOf('real16'), cpl: 0, flags: 0x202n });
  t.deepEqual(frame('long64', 8, [0x1_0046n, 8n, 0xffff_8000_0000_1234n, 2n], true), {
    pc: 0xffff_8000_0000_1234n, mode: modeOf('long64'), cpl: 0, flags: 0x1_0046n, errorCode: 2,
  });
  t.deepEqual(frame('long64', 8, [0x202n, 0x1bn, 0x1234n]), { pc: 0x1_1234n, mode: modeOf('compat32'), cpl: 3, flags: 0x202n }, 'CPL 3 and a base');
  t.deepEqual(frame('protected32', 4, [0x202n, 0x1bn, 0x1234n]), { pc: 0x1_1234n, mode: modeOf('protected32'), cpl: 3, flags: 0x202n });
  t.deepEqual(frame('protected32', 4, [0x2_0202n, 0x1000n, 0x10n]), { pc: 0x1_0010n, mode: modeOf('vm86'), cpl: 3, flags: 0x2_0202n });
  t.end();
});

test('pushed frame: what is none', (t) => {
  t.equal(frame('real16', 2, [0x200n, 0x1000n, 0x234n]), undefined, 'bit 1 of the flags is always set');
  t.equal(frame('long64', 8, [0x1_0000_0002n, 8n, 0x1234n]), undefined, 'flags have 22 bits');
  t.equal(frame('long64', 8, [0x202n, 0x10n, 0x1234n]), undefined, 'a data segment');
  t.equal(frame('long64', 8, [0x202n, 0x28n, 0x1234n]), undefined, 'beyond the GDT');
  t.equal(frame('long64', 8, [0x202n, 0n, 0x1234n]), undefined, 'the null selector');
  t.end();
});

test('error codes in words', (t) => {
  const rows: [number, number, string | undefined][] = [
    [14, 0, 'a read by supervisor code, the page is not mapped'],
    [14, 7, 'a write by user code, the page forbids it'],
    [14, 0x11, 'an instruction fetch by supervisor code, the page forbids it'],
    [14, 0x9, 'a read by supervisor code, a reserved bit is set in a page-table entry'],
    [14, 0x25, 'a read by user code, its protection key forbids it'],
    [13, 0, undefined],
    [13, 0x10, 'selector 0x10 in the GDT'],
    [11, 0x1c, 'selector 0x18 in the LDT'],
    [13, 0x402, 'IDT entry 0x80'],
    [10, 0x29, 'selector 0x28 in the GDT, met while an event was delivered'],
    [21, 3, 'missing ENDBRANCH'],
    [8, 0, undefined],
  ];
  for (const [vector, code, words_] of rows) t.equal(describeErrorCode(vector, code), words_, `${vector}: 0x${code.toString(16)}`);
  t.end();
});

test('exceptions by any of their names', (t) => {
  for (const name of ['14', '0xe', '#PF', 'pf', 'page-fault', 'Page Fault']) t.equal(findExceptionVector(name), 14, name);
  for (const name of ['', '#', '32', 'xy', '-1', '0x']) t.equal(findExceptionVector(name), undefined, `"${name}"`);
  t.equal(findExceptionVector('nmi'), 2);
  t.end();
});
