import test from 'tape';
import { LastRegisters } from '../../../src/debugger/last-registers.js';
import type { Vcpu } from '../../../src/vmm/vcpu.js';

/** As much of a vCPU as LastRegisters looks at. */
function fakeVcpu(): { vcpu: Vcpu; at: (csBase: bigint, rip: bigint) => void; restored: Uint8Array[] } {
  const now = { csBase: 0n, rip: 0x7c00n };
  const restored: Uint8Array[] = [];
  const vcpu = {
    get regs() { return { rip: now.rip }; },
    readSregs: () => ({ cs: { base: now.csBase } }),
    copyRegisters: () => ({ regs: Uint8Array.of(Number(now.rip & 0xffn)), sregs: Uint8Array.of(Number(now.csBase & 0xffn)) }),
    restoreRegisters: (regs: Uint8Array, sregs: Uint8Array) => { restored.push(regs, sregs); },
  } as unknown as Vcpu;
  return { vcpu, at: (csBase, rip) => Object.assign(now, { csBase, rip }), restored };
}

test('last registers: put back where a triple fault reset the processor', (t) => {
  const { vcpu, at, restored } = fakeVcpu();
  const last = new LastRegisters(vcpu);
  at(0x11n, 0x7c22n);
  last.keep();
  at(0xffff_0000n, 0xfff0n);
  t.ok(last.restoreIfReset());
  t.deepEqual(restored, [Uint8Array.of(0x22), Uint8Array.of(0x11)]);
  t.end();
});

test('last registers: left alone where the host kept them, or where there are none yet', (t) => {
  const { vcpu, at, restored } = fakeVcpu();
  const last = new LastRegisters(vcpu);
  at(0xffff_0000n, 0xfff0n);
  t.notOk(last.restoreIfReset(), 'nothing was kept');
  last.keep();
  at(0n, 0xfff0n);
  t.notOk(last.restoreIfReset(), 'IP of a reset, another segment');
  at(0xffff_0000n, 0x7c22n);
  t.notOk(last.restoreIfReset(), 'the segment, another IP');
  t.deepEqual(restored, []);
  t.end();
});
