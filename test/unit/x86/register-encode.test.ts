import test from 'tape';
import { encodeRegisters, readRegister } from '../../../src/x86/register-encode.js';
import { buildTargetDescription } from '../../../src/x86/target-description.js';
import { generalRegisters, PlainCpu, segment, systemRegisters } from './sample-state.js';

const description = buildTargetDescription({ avx: true, avx512: true, pkru: true });

function read(cpu: PlainCpu, name: string): string {
  const register = description.registers.find((candidate) => candidate.name === name);
  const bytes = readRegister(description, register?.regnum ?? -1, cpu);
  return `0x${BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`).toString(16)}`;
}

function realMode(): PlainCpu {
  const cpu = new PlainCpu();
  cpu.regs = generalRegisters({ rax: 0x1122_3344_5566_7788n, rip: 0xc00n, rsp: 0xfff0n, rflags: 0x246n });
  cpu.sregs = systemRegisters({
    cs: segment({ selector: 0x700, base: 0x7000n, type: 11 }), ss: segment({ selector: 0x900, base: 0x9000n }),
    idt: { base: 0x1234n, limit: 0x3ff }, tr: segment({ selector: 0x28, limit: 0x67 }),
  });
  return cpu;
}

test('encode: each kind of register', (t) => {
  const cpu = realMode();
  cpu.msrs.set(0xc000_0082, 0xffff_ffff_8100_0000n);
  cpu.debug = { db: [1n, 2n, 3n, 4n], dr6: 0xffff_4ff0n, dr7: 0x402n };
  cpu.xsave.set([1, 2, 3, 4], 160);
  cpu.xsave[512] = 2;
  const cases: [string, string][] = [
    ['rax', '0x1122334455667788'], ['eax', '0x55667788'], ['rip', '0x7c00'], ['eip', '0x7c00'], ['rsp', '0xfff0'],
    ['eflags', '0x246'], ['cs', '0x700'], ['cs_base', '0x7000'], ['ss_base', '0x9000'], ['tr', '0x28'], ['tr_limit', '0x67'],
    ['idtr', '0x3ff0000000000001234'], ['cr0', '0x10'], ['cr8', '0x0'], ['apic_base', '0xfee00900'], ['mode', '0x0'],
    ['dr1', '0x2'], ['dr6', '0xffff4ff0'], ['dr7', '0x402'], ['xcr0', '0x1'], ['lstar', '0xffffffff81000000'], ['star', '0x0'],
    ['xmm0', '0x4030201'], ['fctrl', '0x37f'], ['ftag', '0xffff'],
  ];
  for (const [name, value] of cases) t.equal(read(cpu, name), value, name);
  t.throws(() => readRegister(description, description.registers.length, cpu), RangeError);
  t.end();
});

test('encode: the mode register', (t) => {
  const cpu = realMode();
  cpu.sregs.ds = segment({ limit: 0xffff_ffff });
  t.equal(read(cpu, 'mode'), '0x40', 'unreal');
  cpu.sregs = systemRegisters({ cr0: 0x8000_0011n, efer: 0x500n, cs: segment({ l: 1 }), ss: segment({ dpl: 3 }) });
  t.equal(read(cpu, 'mode'), '0x37', 'long64 at CPL 3');
  cpu.sregs = systemRegisters({ ss: segment({ db: 1 }) });
  t.equal(read(cpu, 'mode'), '0x80', 'a 32-bit stack in real mode');
  cpu.sregs = systemRegisters({ cr0: 0x11n, cs: segment({ db: 1 }), ss: segment() });
  t.equal(read(cpu, 'mode'), '0x104', 'a 16-bit stack in 32-bit code');
  cpu.sregs = systemRegisters({ cr0: 0x11n, cs: segment({ db: 1 }), ss: segment({ db: 1 }) });
  t.equal(read(cpu, 'mode'), '0x4', 'a 32-bit stack in 32-bit code');
  t.end();
});

test('encode: the block is the registers one after another', (t) => {
  const cpu = realMode();
  for (let index = 0; index < cpu.xsave.length; index++) if (index < 512 || index >= 576) cpu.xsave[index] = index & 0xff;
  cpu.xsave.set([0xe7, 2], 512);
  const block = new Uint8Array(description.size);
  encodeRegisters(description, cpu, block);
  for (const { name, regnum, offset, size } of description.registers) {
    const one = readRegister(description, regnum, cpu);
    if (Buffer.compare(one, block.subarray(offset, offset + size)) !== 0) t.fail(`${name} differs`);
  }
  const zmm17h = description.registers.find(({ name }) => name === 'zmm17h');
  const at = 1664 + 64 + 32;
  t.deepEqual(block.subarray(zmm17h?.offset, (zmm17h?.offset ?? 0) + 32), cpu.xsave.subarray(at, at + 32), 'upper half of ZMM17');
  t.throws(() => encodeRegisters(description, cpu, new Uint8Array(10)), RangeError);
  t.end();
});
