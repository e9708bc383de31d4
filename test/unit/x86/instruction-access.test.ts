/** Which bytes an instruction reads and writes: a table of forms. `r 1000+4` is a read of 4 bytes at linear 0x1000. */
import test from 'tape';
import { cpuMode } from '../../../src/x86/cpu-mode.js';
import type { GeneralRegisters, SystemRegisters } from '../../../src/x86/cpu-state.js';
import { accessesOf, type AccessState, type Instruction } from '../../../src/x86/instruction-access.js';
import { writeXsave, XSTATE } from '../../../src/x86/xsave.js';
import { generalRegisters, sampleLayout, segment, systemRegisters } from './sample-state.js';

type Mode = 'real' | 'prot' | 'long';

const SREGS: Readonly<Record<Mode, SystemRegisters>> = {
  real: systemRegisters({
    ds: segment({ base: 0x2_0000n }), es: segment({ base: 0x3_0000n }), ss: segment({ base: 0x5_0000n }),
    fs: segment({ base: 0x6_0000n }),
  }),
  prot: systemRegisters({
    cr0: 0x11n, cs: segment({ db: 1 }), ss: segment({ db: 1 }), es: segment({ base: 0x10_0000n }), gs: segment({ base: 0xffff_fff0n }),
  }),
  // The bases of DS and ES are there, and do not count.
  long: systemRegisters({
    cr0: 0x8000_0011n, efer: 0x500n, cs: segment({ l: 1 }), ds: segment({ base: 0x7000n }), es: segment({ base: 0x7000n }),
    fs: segment({ base: 0xffff_8000_0000_0000n }), gs: segment({ base: 0x1000n }),
  }),
};

/** The same numbers in every mode; `rip` is at 0x4000. */
const REGS: Partial<GeneralRegisters> = {
  rax: 0x1100n, rbx: 0x1200n, rcx: 0x10n, rdx: 0x1300n, rsi: 0x1400n, rdi: 0x1500n, rbp: 0x1600n, rsp: 0x1800n, rip: 0x4000n,
};

function state(mode: Mode, regs: Partial<GeneralRegisters> = {}, sregs: Partial<SystemRegisters> = {}): AccessState {
  const all = { ...SREGS[mode], ...sregs };
  return { regs: generalRegisters({ ...REGS, ...regs }), sregs: all, mode: cpuMode(all, 2n) };
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), (byte) => Number.parseInt(byte, 16));
}

function show(instruction: Instruction | undefined): string {
  if (instruction === undefined) return 'no instruction';
  return instruction.accesses
    .map(({ linear, size, read, write }) => `${read ? 'r' : ''}${write ? 'w' : ''} ${linear.toString(16)}+${size}`).join(', ');
}

type Row = readonly [assembly: string, mode: Mode, code: string, accesses: string, regs?: Partial<GeneralRegisters>];

function table(name: string, rows: readonly Row[]): void {
  test(`instruction access: ${name}`, (t) => {
    for (const [assembly, mode, code, expected, regs] of rows) {
      const instruction = accessesOf(bytes(code), state(mode, regs));
      t.equal(show(instruction), expected, `${mode}: ${assembly}`);
      t.equal(instruction?.length, code.split(' ').length, `${assembly}: length`);
    }
    t.end();
  });
}

table('operands', [
  ['mov ax, [bx+si+2]', 'real', '8b 40 02', 'r 22602+2'],
  ['mov ax, [bp-2]', 'real', '8b 46 fe', 'r 515fe+2'],
  ['mov [fs:1234h], al', 'real', '64 a2 34 12', 'w 61234+1'],
  ['mov ax, [bx+si], 64 KiB wraps', 'real', '8b 00', 'r 20200+2', { rbx: 0xf000n, rsi: 0x1200n }],
  ['upper halves do not count in 16-bit addresses', 'real', '8b 07', 'r 21200+2', { rbx: 0xabcd_1200n }],
  ['mov eax, [ecx*4+eax]', 'real', '67 66 8b 04 88', 'r 21140+4'],
  ['mov al, [ffff0h], beyond 64 KiB', 'real', '67 8a 00', 'r 11fff0+1', { rax: 0xf_fff0n }],
  ['add [eax+ecx*8+10h], edx', 'prot', '01 54 c8 10', 'rw 1190+4'],
  ['mov eax, [gs:20h], 4 GiB wraps', 'prot', '65 a1 20 00 00 00', 'r 10+4'],
  ['mov eax, [gs:0dh], across 4 GiB', 'prot', '65 a1 0d 00 00 00', 'r fffffffd+3, r 0+1'],
  ['mov ax, [bx]', 'prot', '66 67 8b 07', 'r 1200+2'],
  ['mov eax, [esp+4]', 'prot', '8b 44 24 04', 'r 1804+4'],
  ['cmp byte [es:eax], 1', 'prot', '26 80 38 01', 'r 101100+1'],
  ['mov eax, [rip+10h]', 'long', '8b 05 10 00 00 00', 'r 4016+4'],
  ['mov eax, [eip-5000h]', 'long', '67 8b 05 00 b0 ff ff', 'r fffff007+4'],
  ['mov rax, [moffs64]', 'long', '48 a1 88 77 66 55 44 33 22 11', 'r 1122334455667788+8'],
  ['mov eax, [-10h]', 'long', '8b 04 25 f0 ff ff ff', 'r fffffffffffffff0+4'],
  ['mov [r15+rax*2-1], r8b', 'long', '45 88 44 47 ff', 'w 22ff+1', { r15: 0x100n }],
  ['mov eax, [fs:rax]', 'long', '64 8b 00', 'r ffff800000001100+4'],
  ['mov eax, [gs:eax]', 'long', '67 65 8b 00', 'r 1110+4', { rax: 0xffff_ffff_0000_0110n }],
  ['mov eax, [ds:rax] has no base', 'long', '3e 8b 00', 'r 1100+4'],
  ['mov rax, [-4], across the end', 'long', '48 8b 00', 'r fffffffffffffffc+4, r 0+4', { rax: (1n << 64n) - 4n }],
  ['lea', 'long', '48 8d 04 08', ''],
  ['nop [rax]', 'long', '0f 1f 00', ''],
  ['prefetcht0 [rax]', 'long', '0f 18 08', ''],
  ['clflush [rax]', 'long', '0f ae 38', ''],
  ['invlpg [rax]', 'long', '0f 01 38', ''],
  ['add eax, ecx', 'long', '01 c8', ''],
  ['movaps [rax], xmm0', 'long', '0f 29 00', 'w 1100+16'],
  ['vmovdqu ymm0, [rax]', 'long', 'c5 fe 6f 00', 'r 1100+32'],
  ['vaddps xmm1, xmm0, [rax] broadcast', 'long', '62 f1 7c 18 58 08', 'r 1100+4'],
]);

table('read-modify-write', [
  ['xchg [eax], ecx', 'prot', '87 08', 'rw 1100+4'],
  ['lock xadd [eax], cl', 'prot', 'f0 0f c0 08', 'rw 1100+1'],
  ['lock inc word [eax]', 'prot', '66 f0 ff 00', 'rw 1100+2'],
  ['cmpxchg [ebx], edx', 'prot', '0f b1 13', 'rw 1200+4'],
  ['cmpxchg8b [ebx]', 'prot', '0f c7 0b', 'rw 1200+8'],
  ['cmpxchg16b [rbx]', 'long', '48 0f c7 0b', 'rw 1200+16'],
]);

table('bit tests', [
  ['bts [rax], 5', 'long', '0f ba 28 05', 'rw 1100+4'],
  ['bt [rax], ecx: bit 16', 'long', '0f a3 08', 'r 1100+4'],
  ['bt [rax], ecx: bit 100', 'long', '0f a3 08', 'r 110c+4', { rcx: 100n }],
  ['btr [rax], ecx: bit -1', 'long', '0f b3 08', 'rw 10fc+4', { rcx: 0xffff_ffffn }],
  ['bts [rax], rcx: bit -65', 'long', '48 0f ab 08', 'rw 10f0+8', { rcx: (1n << 64n) - 65n }],
  ['btc [bx], cx: bit 8000h', 'real', '0f bb 0f', 'rw 20200+2', { rcx: 0x8000n }],
]);

table('stack', [
  ['push ax', 'real', '50', 'w 517fe+2'],
  ['push eax', 'real', '66 50', 'w 517fc+4'],
  ['push ax at SP 0', 'real', '50', 'w 5fffe+2', { rsp: 0n }],
  ['pop ax', 'real', '58', 'r 51800+2'],
  ['pop [bx]', 'real', '8f 07', 'w 21200+2, r 51800+2'],
  ['push [esp+4]', 'prot', 'ff 74 24 04', 'r 1804+4, w 17fc+4'],
  ['pop [esp+4]: after the increment', 'prot', '8f 44 24 04', 'w 1808+4, r 1800+4'],
  ['push qword [rax]', 'long', 'ff 30', 'r 1100+8, w 17f8+8'],
  ['call rel16', 'real', 'e8 00 00', 'w 517fe+2'],
  ['call [rax]', 'long', 'ff 10', 'r 1100+8, w 17f8+8'],
  ['call far 0:0', 'real', '9a 00 00 00 00', 'w 517fe+2, w 517fc+2'],
  ['jmp far [eax]', 'prot', 'ff 28', 'r 1100+6'],
  ['ret', 'long', 'c3', 'r 1800+8'],
  ['ret 8', 'prot', 'c2 08 00', 'r 1800+4'],
  ['retf', 'real', 'cb', 'r 51800+2, r 51802+2'],
  ['enter 16, 0', 'long', 'c8 10 00 00', 'w 17f8+8'],
  ['enter 16, 3', 'prot', 'c8 10 00 03', 'w 17fc+4, r 15fc+4, w 17f8+4, r 15f8+4, w 17f4+4, w 17f0+4'],
  ['leave', 'real', 'c9', 'r 51600+2'],
  ['leave', 'long', 'c9', 'r 1600+8'],
  ['pusha', 'real', '60', [0x517fe, 0x517fc, 0x517fa, 0x517f8, 0x517f6, 0x517f4, 0x517f2, 0x517f0].map((at) => `w ${at.toString(16)}+2`).join(', ')],
  ['popa, which skips SP', 'real', '61', [0x51800, 0x51802, 0x51804, 0x51808, 0x5180a, 0x5180c, 0x5180e].map((at) => `r ${at.toString(16)}+2`).join(', ')],
  ['pushf', 'long', '9c', 'w 17f8+8'],
  ['iret', 'real', 'cf', 'r 51800+2, r 51802+2, r 51804+2'],
  ['iretq', 'long', '48 cf', 'r 1800+8, r 1808+8, r 1810+8, r 1818+8, r 1820+8'],
  ['int 10h', 'real', 'cd 10', 'w 517fe+2, w 517fc+2, w 517fa+2'],
  ['int3 at SP 2', 'real', 'cc', 'w 50000+2, w 5fffe+2, w 5fffc+2', { rsp: 2n }],
  ['int 80h', 'long', 'cd 80', ''],
]);

table('strings, one iteration', [
  ['movsb', 'real', 'a4', 'w 31500+1, r 21400+1'],
  ['fs movsw', 'real', '64 a5', 'w 31500+2, r 61400+2'],
  ['rep movsd', 'prot', 'f3 a5', 'w 101500+4, r 1400+4'],
  ['rep movsd, ECX = 0', 'prot', 'f3 a5', '', { rcx: 0n }],
  ['rep movsd, CX = 0 does not count', 'prot', 'f3 a5', 'w 101500+4, r 1400+4', { rcx: 0x1_0000n }],
  ['rep stosq, upper half of RCX counts', 'long', 'f3 48 ab', 'w 1500+8', { rcx: 1n << 32n }],
  ['addr32 rep stosq: it does not', 'long', '67 f3 48 ab', '', { rcx: 1n << 32n }],
  ['lodsb', 'long', 'ac', 'r 1400+1'],
  ['repne scasw', 'long', '66 f2 af', 'r 1500+2'],
  ['cmpsb', 'real', 'a6', 'r 21400+1, r 31500+1'],
  ['insb', 'real', '6c', 'w 31500+1'],
  ['rep outsd', 'prot', 'f3 6f', 'r 1400+4'],
  ['xlat', 'real', 'd7', 'r 21234+1', { rax: 0xff34n }],
]);

table('areas', [
  ['sgdt [eax]', 'prot', '0f 01 00', 'w 1100+6'],
  ['sidt [rax]', 'long', '0f 01 08', 'w 1100+10'],
  ['lidt [eax]', 'prot', '0f 01 18', 'r 1100+6'],
  ['fxsave [rax]', 'long', '0f ae 00', 'w 1100+512'],
  ['fxrstor [rax]', 'long', '0f ae 08', 'r 1100+512'],
  ['fnsave [eax]', 'prot', 'dd 30', 'w 1100+108'],
  ['fnsave [bx+si]', 'real', 'dd 30', 'w 22600+94'],
  ['fld tbyte [rax]', 'long', 'db 28', 'r 1100+10'],
  ['xsave [rax], size not known', 'long', '0f ae 20', 'rw 1100+576'],
  ['maskmovdqu xmm0, xmm1', 'long', '66 0f f7 c1', 'w 1500+16'],
  ['vmaskmovps [rax], xmm1, xmm0', 'long', 'c4 e2 71 2e 00', 'w 1100+16'],
  ['movdir64b rcx, [rax]', 'long', '66 0f 38 f8 08', 'r 1100+64, w 10+64'],
  ['clzero', 'long', '0f 01 fc', 'w 1100+64', { rax: 0x113fn }],
  ['bound eax, [ecx]', 'prot', '62 01', 'r 10+8'],
  ['les eax, [edx]', 'prot', 'c4 02', 'r 1300+6'],
]);

test('instruction access: an XSAVE area is as long as XCR0 and EDX:EAX make it', (t) => {
  const size = (xcr0: bigint, mask: bigint): number | undefined => {
    const cpu = { ...state('long', { rax: mask, rdx: 0n, rdi: 0x9000n }), xsave: { xcr0, layout: sampleLayout(), area: new Uint8Array(0) } };
    return accessesOf(bytes('0f ae 27'), cpu)?.accesses[0]?.size;
  };
  t.deepEqual([size(3n, 7n), size(7n, 3n), size(7n, 7n), size(0x2e7n, 0x2e7n), size(0xe7n, 0x27n)], [576, 576, 832, 2696, 1152]);
  t.end();
});

test('instruction access: several iterations of a REP in one step', (t) => {
  const of = (mode: Mode, code: string, regs: Partial<GeneralRegisters>, iterations: number): string =>
    show(accessesOf(bytes(code), state(mode, regs), iterations));
  t.equal(of('prot', 'f3 a5', { rcx: 3n }, 1024), 'w 101500+12, r 1400+12', 'as many as are left');
  t.equal(of('prot', 'f3 a5', { rcx: 3000n }, 1024), 'w 101500+4096, r 1400+4096', 'as many as a step may take');
  t.equal(of('prot', 'f3 a5', { rcx: 3n, rflags: 0x402n }, 1024), 'w 1014f8+12, r 13f8+12', 'downwards');
  t.equal(of('real', 'f3 ab', { rcx: 4n, rdi: 0xfffcn }, 1024), 'w 3fffc+4, w 30000+4', 'upwards around 64 KiB');
  t.equal(of('real', 'f3 ab', { rcx: 4n, rdi: 2n, rflags: 0x402n }, 1024), 'w 30000+4, w 3fffc+4', 'downwards');
  t.equal(of('prot', 'a5', { rcx: 3n }, 1024), 'w 101500+4, r 1400+4', 'without the prefix one');
  t.end();
});

test('instruction access: the stack pointer is as wide as SS.B says', (t) => {
  const wide = { ss: segment({ base: 0x5_0000n, db: 1 }) };
  const cpu = state('real', { rsp: 0x1_0004n }, wide);
  t.equal(show(accessesOf(bytes('50'), cpu)), 'w 60002+2', 'push in 16-bit code on a 32-bit stack');
  t.equal(show(accessesOf(bytes('cc'), cpu)), 'w 60002+2, w 60000+2, w 5fffe+2', 'int3');
  t.equal(show(accessesOf(bytes('50'), state('prot', { rsp: 0xabcd_0002n }, { ss: segment({ db: 0 }) }))), 'w fffe+4',
    'push in 32-bit code on a 16-bit stack');
  t.end();
});

/** A processor whose vector registers hold these 32-bit elements, and whose opmask registers these bits. */
function vectors(mode: Mode, registers: Readonly<Record<number, readonly number[]>>, opmasks: Readonly<Record<number, number>> = {}): AccessState {
  const layout = sampleLayout();
  const area = new Uint8Array(Math.max(...[...layout.values()].map(({ offset, size }) => offset + size)));
  const put = (component: number, start: number, size: number, from: Uint8Array): void => {
    writeXsave(area, layout, { component, start, size }, from);
  };
  for (const [name, elements] of Object.entries(registers)) {
    const number = Number(name);
    const all = new Uint8Array(Int32Array.from({ length: 16 }, (_, i) => elements[i] ?? 0).buffer);
    if (number >= 16) put(XSTATE.hi16Zmm, 64 * (number - 16), 64, all);
    else {
      put(XSTATE.sse, 16 * number, 16, all);
      put(XSTATE.avx, 16 * number, 16, all.subarray(16));
      put(XSTATE.zmmHi256, 32 * number, 32, all.subarray(32));
    }
  }
  for (const [number, bits] of Object.entries(opmasks)) put(XSTATE.opmask, 8 * Number(number), 8, Uint8Array.of(bits & 0xff, bits >> 8, 0, 0, 0, 0, 0, 0));
  return { ...state(mode), xsave: { xcr0: 0xe7n, layout, area } };
}

const ON = -0x8000_0000;

test('instruction access: the lanes of a gather or scatter that count, at signed indices', (t) => {
  const gather = (registers: Readonly<Record<number, readonly number[]>>, code = 'c4 e2 69 92 04 08', mode: Mode = 'long'): string =>
    show(accessesOf(bytes(code), vectors(mode, registers)));
  t.equal(gather({ 1: [0, 0x40, -0x40, 8], 2: [ON, ON, ON, ON] }), 'r 1100+4, r 1140+4, r 10c0+4, r 1108+4', 'vgatherdps xmm0, [rax+xmm1], xmm2');
  t.equal(gather({ 1: [0, 0x40, -0x40, 8], 2: [0, ON, 0x7fff_ffff, -1] }), 'r 1140+4, r 1108+4', 'masked');
  t.equal(gather({ 1: [1, 2, 3, 4], 2: [0, 0, 0, 0] }), '', 'none');
  t.equal(gather({ 1: [1, 0, 0, 0, 5, 6], 2: Array<number>(8).fill(ON) }, 'c4 e2 6d 92 04 c8'),
    'r 1108+4, r 1100+4, r 1100+4, r 1100+4, r 1128+4, r 1130+4, r 1100+4, r 1100+4', 'ymm, scale 8');
  t.equal(gather({ 3: [4, 9, 7, 7], 1: [0, ON, 0, ON] }, 'c4 e2 f1 92 04 98'), 'r 1110+8, r 1124+8', 'vgatherdpd: two of the four indices');
  t.equal(gather({ 3: [0x10, 0, -8, -1], 2: [ON, ON, ON, ON] }, 'c4 e2 69 93 0c 18'), 'r 1110+4, r 10f8+4', 'vgatherqps xmm: 8-byte indices');
  t.equal(gather({ 1: [-0x2000, 0, 0, 0], 2: [ON] }, 'c4 e2 69 92 04 08', 'prot'), 'r fffff100+4', '32-bit addresses wrap');
  const scatter = (k1: number, code: string): string => show(accessesOf(bytes(code), vectors('long', { 3: [0, 1, 2, 3, 4, 5, 6, 7, 8], 19: [0x100, 0x200] }, { 1: k1 })));
  t.equal(scatter(0b1_0000_0101, '62 f2 7d 49 a0 0c 98'), 'w 1100+4, w 1108+4, w 1120+4', 'vpscatterdd [rax+zmm3*4]{k1}, zmm1');
  t.equal(scatter(3, '62 e2 7d 41 a0 0c 18'), 'w 1200+4, w 1300+4', 'zmm19');
  t.end();
});

test('instruction access: a gather without the vector registers, and a tile, are bounded by all of linear memory', (t) => {
  const gather = accessesOf(bytes('c4 e2 69 92 04 08'), state('long'));
  t.deepEqual([gather?.isScattered, show(gather)], [true, `r 0+${2 ** 64}`], 'vgatherdps');
  const scatter = accessesOf(bytes('62 f2 7d 09 a2 04 08'), state('prot'));
  t.deepEqual([scatter?.isScattered, show(scatter)], [true, `w 0+${2 ** 32}`], 'vscatterdps');
  const tile = accessesOf(bytes('c4 e2 7b 4b 04 08'), vectors('long', {}));
  t.deepEqual([tile?.isScattered, show(tile)], [true, `r 0+${2 ** 64}`], 'tileloadd');
  t.equal(accessesOf(bytes('8b 00'), state('long'))?.isScattered, false);
  t.end();
});

test('instruction access: what is no instruction', (t) => {
  t.equal(accessesOf(bytes('0f ff'), state('long'))?.accesses.length, undefined);
  t.equal(accessesOf(bytes('06'), state('long')), undefined, 'push es in 64-bit code');
  t.equal(accessesOf(bytes('e8 00'), state('long')), undefined, 'cut off');
  t.equal(accessesOf(new Uint8Array(0), state('long')), undefined, 'no byte');
  t.equal(accessesOf(Uint8Array.from({ length: 15 }, () => 0x66), state('long')), undefined, 'prefixes alone');
  t.end();
});

test('instruction access: the cache knows an instruction by address, mode and bytes', (t) => {
  const cpu = state('long');
  t.equal(show(accessesOf(bytes('8b 00 90'), cpu)), 'r 1100+4');
  t.equal(show(accessesOf(bytes('8b 00'), { ...cpu, regs: generalRegisters({ ...REGS, rax: 8n }) })), 'r 8+4', 'other registers');
  t.equal(show(accessesOf(bytes('89 00'), cpu)), 'w 1100+4', 'the code was changed');
  t.equal(show(accessesOf(bytes('89'), cpu)), 'no instruction', 'and then cut off');
  t.equal(show(accessesOf(bytes('89 00'), state('prot'))), 'w 1100+4');
  t.equal(show(accessesOf(bytes('89 00'), state('real'))), 'w 22600+2', 'another mode');
  const moved = { ...cpu, regs: generalRegisters({ ...REGS, rip: 0x5000n }) };
  t.equal(show(accessesOf(bytes('8b 05 00 00 00 00'), cpu)), 'r 4006+4');
  t.equal(show(accessesOf(bytes('8b 05 00 00 00 00'), moved)), 'r 5006+4', 'relative to another pc');
  t.end();
});

test('instruction access: kinds', (t) => {
  const kinds: readonly (readonly [string, string])[] = [
    ['0f a2', 'cpuid'], ['0f 32', 'rdmsr'], ['0f 30', 'wrmsr'], ['f4', 'hlt'], ['cd 80', 'int'], ['cc', 'int'], ['f1', 'int'],
    ['e4 60', 'in'], ['ec', 'in'], ['6c', 'in'], ['f3 66 6d', 'in'], ['e6 80', 'out'], ['ef', 'out'], ['6e', 'out'],
    ['0f 20 c0', 'mov-cr'], ['0f 22 e0', 'mov-cr'], ['44 0f 20 c0', 'mov-cr'], ['0f 21 f8', 'mov-dr'], ['0f 23 c0', 'mov-dr'],
    ['0f 01 18', 'lidt'], ['0f 01 10', 'lgdt'], ['0f 01 f0', 'lmsw'], ['ff 28', 'far-branch'], ['ff 18', 'far-branch'],
    ['cb', 'far-branch'], ['48 cb', 'far-branch'], ['cf', 'iret'], ['48 cf', 'iret'],
    ['0f 05', 'syscall'], ['48 0f 07', 'syscall'], ['0f 34', 'syscall'], ['0f 35', 'syscall'],
    ['8c d8', 'other'], ['8e d8', 'other'], ['c3', 'other'], ['e8 00 00 00 00', 'other'], ['f2 0f 10 00', 'other'], ['0f 01 e0', 'other'],
  ];
  for (const [code, kind] of kinds) t.equal(accessesOf(bytes(code), state('long'))?.kind, kind, `${code}: ${kind}`);
  t.equal(accessesOf(bytes('ea 00 00 08 00'), state('real'))?.kind, 'far-branch', 'jmp 8:0');
  t.equal(accessesOf(bytes('ce'), state('prot'))?.kind, 'int', 'into');
  const repeated = (code: string): boolean | undefined => accessesOf(bytes(code), state('long'))?.isRepeated;
  t.deepEqual([repeated('f3 a4'), repeated('a4'), repeated('f3 90'), repeated('f2 ae')], [true, false, false, true]);
  t.deepEqual(accessesOf(bytes('f2 a5'), state('long'))?.mnemonic, 'movsd');
  t.end();
});
