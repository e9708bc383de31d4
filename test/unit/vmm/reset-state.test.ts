import test from 'tape';
import { RESET_DEBUG_REGISTERS, applyCpuState, resetState } from '../../../src/vmm/reset-state.js';

test("the processor after reset is the SDM's table", (t) => {
  const { regs, sregs } = resetState({ signature: 0x306c3 });
  t.equal(regs.rflags, 2n, 'EFLAGS');
  t.equal(regs.rip, 0xfff0n, 'EIP');
  t.equal(regs.rdx, 0x306c3n, 'EDX');
  for (const name of ['rax', 'rbx', 'rcx', 'rsi', 'rdi', 'rbp', 'rsp', 'r8', 'r15'] as const) t.equal(regs[name], 0n, name);
  t.equal(sregs.cr0, 0x6000_0010n, 'CR0');
  for (const name of ['cr2', 'cr3', 'cr4', 'cr8', 'efer'] as const) t.equal(sregs[name], 0n, name);
  t.deepEqual([sregs.cs.selector, sregs.cs.base, sregs.cs.limit, sregs.cs.present], [0xf000, 0xffff_0000n, 0xffff, 1], 'CS');
  for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) {
    const { selector, base, limit, type, present, s } = sregs[name];
    t.deepEqual([selector, base, limit, type, present, s], [0, 0n, 0xffff, 3, 1, 1], name);
  }
  for (const name of ['tr', 'ldt'] as const) t.deepEqual([sregs[name].selector, sregs[name].base, sregs[name].limit, sregs[name].present], [0, 0n, 0xffff, 1], name);
  t.deepEqual([sregs.gdt, sregs.idt], [{ base: 0n, limit: 0xffff }, { base: 0n, limit: 0xffff }], 'GDTR, IDTR');
  t.deepEqual(RESET_DEBUG_REGISTERS, { db: [0n, 0n, 0n, 0n], dr6: 0xffff_0ff0n, dr7: 0x400n }, 'DR0–DR7');
  t.equal(sregs.apicBase, 0xfee0_0900n, 'BSP');
  t.equal(resetState({ bootstrap: false }).sregs.apicBase, 0xfee0_0800n, 'AP');
  t.end();
});

test('applyCpuState writes every register', (t) => {
  const state = resetState();
  const vcpu = { regs: { ...state.regs, rax: 5n, rip: 1n }, written: {}, writeSregs(change: object): void { this.written = change; } };
  applyCpuState(vcpu, state);
  t.deepEqual(vcpu.regs, state.regs);
  t.deepEqual(vcpu.written, state.sregs);
  t.end();
});
