import test from 'tape';
import { CPU_MODES, cpl, cpuMode, isUnreal, linearPc, linearSp, ripOfLinear } from '../../../src/x86/cpu-mode.js';
import type { SystemRegisters } from '../../../src/x86/cpu-state.js';
import { segment, systemRegisters } from './sample-state.js';

const PE = { cr0: 1n };
const LONG = { cr0: 0x8000_0001n, efer: 0x500n };
const cases: [string, Partial<SystemRegisters>, bigint, string, number][] = [
  ['reset', {}, 2n, 'real16', 16],
  ['PE cleared before the far jump', { cs: segment({ db: 1 }) }, 2n, 'real32', 32],
  ['PE set before the far jump', PE, 2n, 'protected16', 16],
  ['32-bit code', { ...PE, cs: segment({ db: 1 }) }, 2n, 'protected32', 32],
  ['EFLAGS.VM', PE, 0x2_0002n, 'vm86', 16],
  ['EFLAGS.VM means nothing without PE', {}, 0x2_0002n, 'real16', 16],
  ['LMA before the far jump', { ...LONG, cs: segment({ db: 1 }) }, 2n, 'compat32', 32],
  ['LMA, 16-bit code', LONG, 2n, 'compat16', 16],
  ['64-bit code', { ...LONG, cs: segment({ l: 1 }) }, 2n, 'long64', 64],
];

test('cpu mode: from control registers and CS', (t) => {
  for (const [what, changes, rflags, name, bits] of cases) {
    const mode = cpuMode(systemRegisters(changes), rflags);
    t.equal(mode.name, name, what);
    t.equal(mode.operandBits, bits);
    t.equal(CPU_MODES[mode.code], mode, 'code is the index');
  }
  t.end();
});

test('cpu mode: privilege level', (t) => {
  const user = systemRegisters({ ...PE, cs: segment({ selector: 0x1b }), ss: segment({ dpl: 3 }) });
  t.equal(cpl(user, cpuMode(user, 2n)), 3);
  const real = systemRegisters({ cs: segment({ selector: 0x703 }), ss: segment({ dpl: 3 }) });
  t.equal(cpl(real, cpuMode(real, 2n)), 0, 'a paragraph has no RPL');
  t.equal(cpl(systemRegisters(PE), cpuMode(systemRegisters(PE), 0x2_0002n)), 3, 'vm86 is CPL 3');
  t.end();
});

test('cpu mode: unreal', (t) => {
  const big = systemRegisters({ ds: segment({ limit: 0xffff_ffff }) });
  t.ok(isUnreal(big, cpuMode(big, 2n)));
  t.notOk(isUnreal(systemRegisters(), cpuMode(systemRegisters(), 2n)));
  const flat = systemRegisters({ ...PE, ds: segment({ limit: 0xffff_ffff }) });
  t.notOk(isUnreal(flat, cpuMode(flat, 2n)));
  t.end();
});

test('cpu mode: linear pc and its inverse', (t) => {
  const at = (changes: Partial<SystemRegisters>, rip: bigint): bigint => {
    const sregs = systemRegisters(changes);
    const mode = cpuMode(sregs, 2n);
    const linear = linearPc(sregs, rip, mode);
    t.equal(linearPc(sregs, ripOfLinear(sregs, linear, mode), mode), linear, 'inverse');
    return linear;
  };
  t.equal(at({ cs: segment({ base: 0x7000n }) }, 0xc00n), 0x7c00n);
  t.equal(at({ cs: segment({ base: 0xffff_0000n }) }, 0xfff0n), 0xffff_fff0n, 'reset vector');
  t.equal(at({ ...PE, cs: segment({ base: 0xffff_fff0n, db: 1 }) }, 0x20n), 0x10n, 'wraps at 4 GiB');
  t.equal(at({ ...LONG, cs: segment({ base: 0x1000n, l: 1 }) }, 0xffff_ffff_8000_0000n), 0xffff_ffff_8000_0000n);
  t.end();
});

test('cpu mode: linear stack pointer', (t) => {
  const sp = (changes: Partial<SystemRegisters>, rsp: bigint): bigint => {
    const sregs = systemRegisters(changes);
    return linearSp(sregs, rsp, cpuMode(sregs, 2n));
  };
  t.equal(sp({ ss: segment({ base: 0x9000n }) }, 0x1_fffen), 0x1_8ffen, 'SS.B = 0 takes 16 bits');
  t.equal(sp({ ...PE, ss: segment({ base: 0x1000n, db: 1 }) }, 0xffff_0000_0001_0000n), 0x1_1000n);
  t.equal(sp({ ...LONG, cs: segment({ l: 1 }), ss: segment({ base: 0x1000n }) }, 0xffff_8000_0000_0000n), 0xffff_8000_0000_0000n);
  t.end();
});
