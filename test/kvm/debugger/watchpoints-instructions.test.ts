/** What a write watch does with stores that are no plain MOV, at page boundaries, and with writes that no vCPU makes. */
import test from 'tape';
import { writeMechanisms } from './forced.js';
import { CODE, GuestUnderDebug } from './guest-under-debug.js';
import { EXIT, MODES, NOP, absolute, store } from './machine-code.js';

/** CR4: OSFXSR and OSXSAVE. */
const CR4_SSE = 0x200n, CR4_XSAVE = 0x4_0000n;
/** The last byte of a page and the first of the next. */
const EDGE = 0x9fff;

/** SSE with something to store, and AVX where the processor has it. */
function allowVectors(guest: GuestUnderDebug): void {
  guest.write('cr4', guest.read('cr4') | CR4_SSE);
  guest.write('xmm0', 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100n);
  try {
    guest.write('cr4', guest.read('cr4') | CR4_XSAVE);
    guest.machine.vcpus[0].xcr0 = 7n;
  } catch {
    // Then AVX is #UD.
  }
}

for (const mode of MODES) {
  for (const [how, only] of writeMechanisms()) {
    test(`a write watch across a page boundary in ${mode} mode, ${how}`, async (t) => {
      // Before, across with the watched bytes on either side, behind.
      const silent = [...store(mode, EDGE - 3), ...store(mode, EDGE + 3)];
      const across = absolute(mode, [0x89], 0, EDGE);
      for (const [name, last] of [['a store on its first page', store(mode, EDGE)], ['on its second', store(mode, EDGE + 1)], ['on both', across]] as const) {
        const code = [...silent, ...last, NOP, NOP];
        const guest = new GuestUnderDebug(mode, code, undefined, only);
        guest.write('rax', 0x44332211n);
        guest.watch('write', EDGE - 1, 4);
        const stop = await guest.continue();
        t.equal(stop.reason.kind, 'watchpoint', `${name}: ${stop.text ?? ''}`);
        t.equal(guest.offset, code.length - 2, `${name}: behind it`);
        if (name === 'on both') t.deepEqual(guest.bytes(EDGE, 2), [0x11, 0x22], 'both pages are written');
        t.deepEqual(guest.bytes(EDGE - 3, 1), [0x5a], 'and what lies before');
        guest.close();
      }
    });

    test(`a write watch in ${mode} mode, ${how}: MOVUPS, MOVSD, CMPXCHG8B and XADD, x87 and AVX`, async (t) => {
      const at = 0xf008;
      const rows: [string, number[]][] = [
        ['movups', absolute(mode, [0x0f, 0x11], 0, 0xf000)],
        ['movsd xmm', absolute(mode, [0xf2, 0x0f, 0x11], 0, at)],
        ['lock cmpxchg8b', absolute(mode, [0xf0, 0x0f, 0xc7], 1, at)],
        ['lock xadd', absolute(mode, [0xf0, 0x0f, 0xc1], 0, at)],
        ['bts', absolute(mode, [0x0f, 0xba], 5, at, [3])],
        ['fnstcw', absolute(mode, [0xd9], 7, at)],
        ['fstp', absolute(mode, [0xd9], 3, at)],
        // In real mode there is no AVX (SDM vol. 2, 2.3.1).
        ...(mode === 'real' ? [] : [['vmovups', absolute(mode, [0xc5, 0xfc, 0x11], 0, 0xf000)] as [string, number[]]]),
      ];
      for (const [name, instruction] of rows) {
        const plain = new GuestUnderDebug(mode, [...instruction, NOP, NOP]);
        allowVectors(plain);
        plain.break(instruction.length, 'hardware');
        const runs = (await plain.continue()).reason.kind === 'breakpoint';
        const expected = plain.bytes(0xf000, 16);
        plain.close();
        // A software host does not have them all.
        if (!runs) continue;
        const guest = new GuestUnderDebug(mode, [...instruction, NOP, NOP], undefined, only);
        allowVectors(guest);
        guest.watch('write', at, 2);
        const stop = await guest.continue();
        t.equal(stop.reason.kind, 'watchpoint', `${name}: ${stop.text ?? ''}`);
        t.equal(guest.offset, instruction.length, `${name}: behind it`);
        t.deepEqual(guest.bytes(0xf000, 16), expected, `${name}: memory as without a watch`);
        guest.close();
      }
      t.end();
    });
  }
}

for (const [how, only] of writeMechanisms()) {
  test(`a write watch ${how}: what the client writes and what a device brings does not stop`, async (t) => {
    const code = [NOP, ...store('real', 0xf004), NOP, NOP];
    const guest = new GuestUnderDebug('real', code, undefined, only);
    guest.watch('write', 0xf004, 4);
    guest.target.writeMemory(1, 0xf004n, Uint8Array.of(1, 2, 3, 4));
    guest.machine.memory.write(0xf005, Uint8Array.of(9));
    t.equal((await guest.step()).reason.kind, 'step', 'the client wrote, and nothing is told');
    t.deepEqual(guest.bytes(0xf004, 4), [1, 9, 3, 4]);
    const stop = await guest.continue();
    t.deepEqual(stop.reason, { kind: 'watchpoint', watch: 'write', address: 0xf004n }, stop.text);
    t.deepEqual(guest.bytes(0xf004, 4), [0x5a, 9, 3, 4]);
    guest.close();
  });
}

for (const mode of MODES) {
  for (const [how, only] of writeMechanisms()) {
    test(`a write watch in ${mode} mode, ${how}: FXSAVE, by a run and by a step; beside the watched bytes neither stops`, async (t) => {
      // What is watched is ST0's: without CR4.OSFXSR the XMM registers need not be saved (SDM vol. 2, FXSAVE).
      const block = [...absolute(mode, [0x0f, 0xae], 0, 0xf000), NOP, NOP];
      const guest = new GuestUnderDebug(mode, [...block, ...block, ...block, ...block, ...EXIT], undefined, only);
      const behind = (count: number): boolean => guest.offset === count * block.length - 2;
      guest.watch('write', 0xf024, 4);
      const run = await guest.continue();
      t.ok(run.reason.kind === 'watchpoint' && behind(1), `${run.reason.kind} at ${guest.offset}: ${run.text ?? ''}`);
      while (guest.offset < block.length) await guest.step();
      const step = await guest.step();
      t.ok(step.reason.kind === 'watchpoint' && behind(2), `${step.reason.kind} at ${guest.offset}: ${step.text ?? ''}`);
      guest.unwatch('write', 0xf024, 4);
      guest.watch('write', 0xf800, 4);
      while (guest.offset < 2 * block.length) await guest.step();
      const beside = await guest.step();
      t.ok(beside.reason.kind === 'step' && behind(3), `${beside.reason.kind} at ${guest.offset}: ${beside.text ?? ''}`);
      t.equal((await guest.continue()).reason.kind, 'exited');
      guest.close();
    });
  }
}

for (const mode of MODES) {
  for (const [how, only] of writeMechanisms()) {
    test(`a write watch in ${mode} mode, ${how}, in the page of the code: it is fetched, read and stepped as elsewhere`, async (t) => {
      const at = CODE[mode] + 0x300;
      // A stack's page is not write-protected.
      const stack = 0x7000n;
      // Reads the watched bytes, then writes them.
      const read = absolute(mode, [0x8a], 3, at);
      const code = [NOP, ...read, ...store(mode, at), NOP, NOP];
      const guest = new GuestUnderDebug(mode, code, undefined, only);
      guest.write('rsp', stack);
      guest.poke(at, [0x33]);
      guest.watch('write', at, 1);
      for (const offset of [1, 1 + read.length]) {
        t.equal((await guest.step()).reason.kind, 'step');
        t.equal(guest.offset, offset);
      }
      t.equal(guest.read('rbx') & 0xffn, 0x33n);
      const stepped = await guest.step();
      t.deepEqual([stepped.reason.kind, guest.offset, guest.bytes(at, 1)], ['watchpoint', code.length - 2, [0x5a]], stepped.text);
      guest.write('rip', guest.start);
      guest.poke(at, [0x33]);
      const run = await guest.continue();
      t.deepEqual([run.reason.kind, guest.offset, guest.bytes(at, 1)], ['watchpoint', code.length - 2, [0x5a]], run.text);
      guest.close();
    });
  }
}

for (const mode of MODES) {
  for (const kind of ['write', 'access'] as const) {
    // The other watch is too long for debug registers; behind the store are more breakpoints than those.
    for (const why of ['another watch', 'patches'] as const) {
      test(`a small ${kind} watch in ${mode} mode in a page that is write-protected for ${why}`, async (t) => {
        const at = why === 'patches' ? CODE[mode] + 0x300 : 0xf004;
        const inc = absolute(mode, [0xfe], 0, at), exchange = absolute(mode, [0x86], 0, at);
        for (const [name, instruction] of [['mov', store(mode, at)], ['inc', inc], ['xchg', exchange]] as const) {
          const silent = store(mode, at + 8);
          const code = [...silent, ...instruction, NOP, NOP, NOP, NOP, NOP, NOP, NOP];
          const guest = new GuestUnderDebug(mode, code);
          guest.watch(kind, at, 2);
          if (why === 'another watch') guest.watch('write', 0xf100, 100);
          else for (let i = 1; i <= 6; i++) guest.break(silent.length + instruction.length + i);
          const stop = await guest.continue();
          t.deepEqual(stop.reason, { kind: 'watchpoint', watch: kind, address: BigInt(at) }, `${name}: ${stop.text ?? ''}`);
          t.equal(guest.offset, silent.length + instruction.length, `${name}: behind it`);
          t.deepEqual(guest.bytes(at + 8, 1), [0x5a], 'what lies beside is written');
          guest.close();
        }
      });
    }
  }
}
