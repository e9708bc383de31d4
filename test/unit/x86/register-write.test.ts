import test from 'tape';
import { encodeRegisters, readRegister } from '../../../src/x86/register-encode.js';
import { RegisterWriteError } from '../../../src/x86/register-file.js';
import { writeRegister, writeRegisters } from '../../../src/x86/register-write.js';
import { buildTargetDescription } from '../../../src/x86/target-description.js';
import { generalRegisters, PlainCpu, segment, systemRegisters } from './sample-state.js';

const description = buildTargetDescription({ avx: true });

function registerNamed(name: string): (typeof description.registers)[number] {
  const register = description.registers.find((candidate) => candidate.name === name);
  if (register === undefined) throw new Error(name);
  return register;
}

function bytesOf(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

function write(cpu: PlainCpu, name: string, value: bigint): void {
  const { regnum, size } = registerNamed(name);
  writeRegister(description, regnum, bytesOf(value, size), cpu, cpu);
}

function realMode(): PlainCpu {
  const cpu = new PlainCpu();
  cpu.regs = generalRegisters({ rax: 0x1122_3344_5566_7788n, rip: 0xc00n });
  cpu.sregs = systemRegisters({ cs: segment({ selector: 0x700, base: 0x7000n, type: 11 }) });
  return cpu;
}

function longMode(): PlainCpu {
  const cpu = new PlainCpu();
  cpu.sregs = systemRegisters({
    cr0: 0x8000_0011n, cr4: 0x20n, efer: 0x500n, cs: segment({ l: 1, type: 11 }), gdt: { base: 0n, limit: 0x1f },
  });
  cpu.memory = new Uint8Array(new BigUint64Array([0n, 0x00af_9a00_0000_ffffn, 0x00cf_9200_0000_ffffn, 0n]).buffer);
  return cpu;
}

test('write: general registers, aliases and the pc', (t) => {
  const cpu = realMode();
  write(cpu, 'eax', 0xdead_beefn);
  t.equal(cpu.regs.rax, 0x1122_3344_dead_beefn, 'an alias keeps the upper half');
  write(cpu, 'rip', 0x7c10n);
  t.equal(cpu.regs.rip, 0xc10n, 'linear minus CS.base');
  write(cpu, 'eip', 0x7c20n);
  t.equal(cpu.regs.rip, 0xc20n);
  write(cpu, 'eflags', 0xffdd_ffffn);
  t.equal(cpu.regs.rflags, 0x1d_7fd7n, 'reserved bits stay as they are');
  const long = longMode();
  long.regs.rip = 0xffff_ffff_8000_0000n;
  write(long, 'eip', 0x8000_1000n);
  t.equal(long.regs.rip, 0xffff_ffff_8000_1000n);
  t.end();
});

test('write: a selector brings its hidden part', (t) => {
  const cpu = realMode();
  write(cpu, 'cs', 0x7c0n);
  t.equal(cpu.sregs.cs.base, 0x7c00n, 'paragraph');
  t.equal(cpu.regs.rip, 0xc00n, 'IP stays');
  const long = longMode();
  write(long, 'ds', 0x10n);
  t.equal(long.sregs.ds.limit, 0xffff_ffff, 'descriptor');
  write(long, 'fs_base', 0xffff_8880_0000_0000n);
  t.equal(long.sregs.fs.base, 0xffff_8880_0000_0000n);
  write(long, 'tr_limit', 0x1f_ffffn);
  t.equal(long.sregs.tr.g, 1);
  t.end();
});

test('write: system registers as the processor would leave them', (t) => {
  const cpu = realMode();
  write(cpu, 'cr0', 0x1n);
  t.equal(cpu.sregs.cr0, 0x11n, 'ET is always one');
  write(cpu, 'cr4', 0x20n);
  write(cpu, 'efer', 0x100n);
  write(cpu, 'cr0', 0x8000_0011n);
  t.equal(cpu.sregs.efer, 0x500n, 'LMA follows PG and LME');
  write(cpu, 'cr0', 0x11n);
  t.equal(cpu.sregs.efer, 0x100n);
  write(cpu, 'dr6', 0x1n);
  t.equal(cpu.debug.dr6, 0xffff_0ff1n);
  write(cpu, 'dr7', 0x2n);
  t.equal(cpu.debug.dr7, 0x402n);
  write(cpu, 'dr2', 0x1234n);
  t.deepEqual(cpu.debug.db, [0n, 0n, 0x1234n, 0n]);
  write(cpu, 'idtr', (0x3ffn << 64n) | 0x500n);
  t.deepEqual(cpu.sregs.idt, { base: 0x500n, limit: 0x3ff });
  write(cpu, 'xcr0', 7n);
  t.equal(cpu.xcr0, 7n);
  cpu.msrs.set(0xc000_0081, 0n);
  write(cpu, 'star', 0x23_0008_0000_0000n);
  t.equal(cpu.msrs.get(0xc000_0081), 0x23_0008_0000_0000n);
  write(cpu, 'ymm1h', 5n);
  write(cpu, 'mxcsr', 0x1fa0n);
  t.equal(cpu.xsave[576 + 16], 5);
  t.equal(cpu.xsave[512], 6, 'AVX and SSE in use');
  t.end();
});

test('write: what the processor would not take is refused in a sentence and changes nothing', (t) => {
  const cases: [PlainCpu, string, bigint, RegExp][] = [
    [realMode(), 'mode', 7n, /mode cannot be written/],
    [realMode(), 'rip', 0x1_0000_0000n, /linear addresses end at 4 GiB/],
    [realMode(), 'rip', 0x2_0000n, /CS has base 0x7000 and limit 0xffff; set cs first/],
    [longMode(), 'rip', 0x8000_0000_0000n, /not a canonical/],
    [realMode(), 'eflags', 0x2_0002n, /eflags\.VM/],
    [realMode(), 'cs', 0x1_0000n, /16 bits/],
    [realMode(), 'cs_base', 0x1_0000_0000n, /32 bits/],
    [longMode(), 'cs', 0x10n, /not a code segment/],
    [longMode(), 'ds', 0x48n, /beyond the GDT/],
    [longMode(), 'gs_base', 0x8000_0000_0000n, /canonical/],
    [realMode(), 'tr_limit', 0x10_0000n, /ends in fff/],
    [realMode(), 'idtr', 0x1_0000n << 64n, /idtr\.limit .*0x10000 are reserved/],
    [realMode(), 'cr0', 0x8000_0010n, /PG without PE/],
    [realMode(), 'cr0', 0x2000_0010n, /NW without CD/],
    [realMode(), 'cr0', 0x1_0000_0010n, /0x100000000 are reserved/],
    [realMode(), 'cr4', 0x8000n, /reserved/],
    [realMode(), 'cr4', 0x2_0000n, /PCIDE/],
    [longMode(), 'cr4', 0n, /PAE cannot be cleared/],
    [longMode(), 'cr4', 0x1020n, /LA57/],
    [longMode(), 'efer', 0x400n, /LME cannot change/],
    [realMode(), 'efer', 2n, /reserved/],
    [realMode(), 'cr8', 16n, /reserved/],
    [realMode(), 'dr7', 0x1_0000_0000n, /reserved/],
    [realMode(), 'xcr0', 0n, /X87/],
    [realMode(), 'xcr0', 5n, /AVX without SSE/],
    [realMode(), 'xcr0', 0x27n, /together/],
    [realMode(), 'lstar', 1n, /does not have it/],
    [realMode(), 'mxcsr', 0x1_0000n, /mxcsr .*reserved/],
    [realMode(), 'fctrl', 0x1_0000n, /fctrl .*reserved/],
    [realMode(), 'apic_base', 1n, /reserved/],
  ];
  for (const [cpu, name, value, pattern] of cases) {
    try {
      write(cpu, name, value);
      t.fail(`${name} = 0x${value.toString(16)} was taken`);
    } catch (error) {
      t.ok(error instanceof RegisterWriteError, 'a RegisterWriteError');
      t.match((error as Error).message, pattern, `${name} = 0x${value.toString(16)}`);
    }
    t.deepEqual(cpu.writes, []);
  }
  const wrmsr = realMode();
  wrmsr.msrs.set(0xc000_0082, 0n).set(0x277, 0n);
  t.throws(() => write(wrmsr, 'lstar', 0x8000_0000_0000n), /lstar \(0xc0000082\).*canonical/);
  t.throws(() => write(wrmsr, 'pat', 0x0200n), /PA1 has the reserved type 2/);
  const { regnum } = registerNamed('rax');
  t.throws(() => writeRegister(description, regnum, new Uint8Array(4), wrmsr, wrmsr), /rax takes 8 bytes, not 4/);
  t.throws(() => writeRegister(description, 9999, new Uint8Array(4), wrmsr, wrmsr), RangeError);
  t.end();
});

test('write: every register takes the value it has', (t) => {
  const cpu = realMode();
  for (const { regnum } of description.registers) {
    writeRegister(description, regnum, readRegister(description, regnum, cpu), cpu, cpu);
  }
  t.deepEqual(cpu.writes, [], 'and nothing is written');
  t.end();
});

test('write: a G block writes what differs', (t) => {
  const block = (cpu: PlainCpu, changes: Record<string, bigint>): Uint8Array => {
    const bytes = new Uint8Array(description.size);
    encodeRegisters(description, cpu, bytes);
    for (const [name, value] of Object.entries(changes)) bytes.set(bytesOf(value, registerNamed(name).size), registerNamed(name).offset);
    return bytes;
  };
  const cpu = realMode();
  writeRegisters(description, block(cpu, { eax: 1n }), cpu, cpu);
  t.equal(cpu.regs.rax, 0x1122_3344_0000_0001n, 'the alias changed');
  writeRegisters(description, block(cpu, { rax: 2n }), cpu, cpu);
  t.equal(cpu.regs.rax, 2n, 'the 64-bit name changed');
  writeRegisters(description, block(cpu, { rax: 3n, eax: 9n }), cpu, cpu);
  t.equal(cpu.regs.rax, 3n, 'of two changes the 64-bit name has the last word');
  writeRegisters(description, block(cpu, { mode: 7n }), cpu, cpu);
  writeRegisters(description, block(cpu, { rip: 0x7c05n, cs: 0x7c0n }), cpu, cpu);
  t.equal(cpu.regs.rip, 5n, 'the pc is relative to the new CS');
  t.deepEqual(cpu.writes, ['rax', 'rax', 'rax', 'rax', 'cs', 'rip']);
  t.throws(() => writeRegisters(description, block(cpu, { cr8: 99n, rbx: 4n }), cpu, cpu), /cr8/);
  t.equal(cpu.regs.rbx, 4n, 'the others are written');
  t.throws(() => writeRegisters(description, new Uint8Array(5), cpu, cpu), /block takes/);
  t.end();
});
