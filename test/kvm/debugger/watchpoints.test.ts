/** Write watchpoints in every CPU mode and by every mechanism that this host has: the same stops. */
import test from 'tape';
import { inEveryMode } from '../../../src/breakpoints/capabilities.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import { MachineUnderDebug } from './machine-under-debug.js';
import { GuestUnderDebug, hostCapabilities, type TestMode } from './guest-under-debug.js';

const MODES: readonly TestMode[] = ['real', 'protected', 'long'];
const WATCHED = 0xf004;
const NOP = 0x90;

/** The mechanisms that can find a write on this host; each is the only one that may be used. */
function mechanisms(): [string, readonly Mechanism[] | undefined][] {
  const host = hostCapabilities();
  return [
    ['as planned', undefined],
    ...(inEveryMode(host, 'debugWrite') ? [['by debug registers', ['debug-register', 'patch']] as [string, Mechanism[]]] : []),
    ...(host.readOnlySlot ? [['by read-only pages', ['patch', 'read-only']] as [string, Mechanism[]]] : []),
    ['by stepping', ['step']],
  ];
}

const le = (value: number, size: number): number[] => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff);

/** An instruction with a memory operand at an absolute address: opcode, the reg field of ModRM, and what follows. */
function absolute(mode: TestMode, opcode: readonly number[], reg: number, address: number, immediate: readonly number[] = []): number[] {
  const modrm = mode === 'real' ? [reg << 3 | 6, ...le(address, 2)] : mode === 'protected' ? [reg << 3 | 5, ...le(address, 4)] : [reg << 3 | 4, 0x25, ...le(address, 4)];
  return [...opcode, ...modrm, ...immediate];
}

const store = (mode: TestMode, address: number): number[] => absolute(mode, [0xc6], 0, address, [0x5a]);

/** Name, the instruction, and the bytes that it leaves from `WATCHED`; rax is 0x44332211 and rcx 0 before it. */
const stores: [string, (mode: TestMode) => number[], number[]][] = [
  ['a byte', (mode) => absolute(mode, [0xc6], 0, WATCHED, [0x77]), [0x77, 0, 0, 0]],
  ['its last byte', (mode) => absolute(mode, [0xc6], 0, WATCHED + 3, [0x77]), [0, 0, 0, 0x77]],
  ['a word of it', (mode) => absolute(mode, [0x66, 0xc7], 0, WATCHED + 2, mode === 'real' ? [1, 2, 3, 4] : [1, 2]), [0, 0, 1, 2]],
  ['an access that begins before it', (mode) => absolute(mode, [0x89], 0, WATCHED - 1), [0x22]],
  ['XCHG', (mode) => absolute(mode, [0x86], 0, WATCHED), [0x11]],
  ['LOCK INC', (mode) => absolute(mode, [0xf0, 0xfe], 0, WATCHED), [1]],
  ['LOCK CMPXCHG', (mode) => absolute(mode, [0xf0, 0x0f, 0xb0], 3, WATCHED), []],
];

for (const mode of MODES) {
  for (const [how, only] of mechanisms()) {
    test(`a write watch in ${mode} mode, ${how}: each kind of store stops behind it`, async (t) => {
      for (const [name, instruction, expected] of stores) {
        const code = [...store(mode, 0xf010), NOP, ...instruction(mode), NOP, NOP];
        const guest = new GuestUnderDebug(mode, code, undefined, only);
        guest.write('rax', 0x44332211n);
        guest.watch('write', WATCHED, 4);
        const stop = await guest.continue();
        t.equal(stop.reason.kind, 'watchpoint', `${name}: ${stop.text ?? ''}`);
        if (stop.reason.kind === 'watchpoint') t.ok(stop.reason.address >= BigInt(WATCHED) && stop.reason.address < BigInt(WATCHED + 4), `${name}: the address`);
        t.equal(guest.offset, code.length - 2, `${name}: behind it`);
        t.deepEqual(guest.bytes(WATCHED, expected.length), expected, `${name}: what it wrote`);
        t.deepEqual(guest.bytes(0xf010, 1), [0x5a], 'the byte beside is written');
        guest.close();
      }
      t.end();
    });

    test(`a write watch in ${mode} mode, ${how}: REP STOS stops at the element that touches it`, async (t) => {
      const guest = new GuestUnderDebug(mode, [0xf3, 0xaa, NOP], undefined, only);
      guest.write('rax', 0x5an);
      guest.write('rdi', BigInt(WATCHED - 4));
      guest.write('rcx', 8n);
      guest.watch('write', WATCHED, 1);
      const stop = await guest.continue();
      t.deepEqual(stop.reason, { kind: 'watchpoint', watch: 'write', address: BigInt(WATCHED) }, stop.text);
      t.ok([0, 2].includes(guest.offset), 'at the instruction or behind it');
      t.deepEqual(guest.bytes(WATCHED - 4, 5), [0x5a, 0x5a, 0x5a, 0x5a, 0x5a]);
      guest.unwatch('write', WATCHED, 1);
      guest.break(2);
      t.equal((await guest.continue()).reason.kind, 'breakpoint');
      t.deepEqual(guest.bytes(WATCHED, 5), [0x5a, 0x5a, 0x5a, 0x5a, 0], 'the rest is written');
      guest.close();
    });

    test(`a write watch in ${mode} mode, ${how}: writes beside it and reads of it do not stop`, async (t) => {
      const beside = [WATCHED - 1, WATCHED + 4, 0xfffc].flatMap((address) => store(mode, address));
      const read = absolute(mode, [0x8a], 3, WATCHED);
      const code = [...beside, ...read, NOP];
      const guest = new GuestUnderDebug(mode, code, undefined, only);
      guest.watch('write', WATCHED, 4);
      guest.break(code.length - 1, only === undefined ? 'hardware' : 'software');
      const stop = await guest.continue();
      t.equal(stop.reason.kind, 'breakpoint', stop.text);
      t.deepEqual(guest.bytes(WATCHED - 1, 6), [0x5a, 0, 0, 0, 0, 0x5a]);
      guest.close();
    });

    test(`a write watch in ${mode} mode, ${how}: what the guest pushes`, async (t) => {
      const guest = new GuestUnderDebug(mode, [NOP, 0x50, 0x50, NOP], undefined, only);
      const size = mode === 'real' ? 2 : mode === 'protected' ? 4 : 8;
      guest.write('rsp', BigInt(0xe800 + 2 * size));
      guest.write('rax', 0x1234n);
      if (only?.includes('read-only') === true) {
        t.throws(() => guest.watch('write', 0xe800, size), /cannot be made to stop/, 'a stack cannot be write-protected');
        guest.close();
        return;
      }
      guest.watch('write', 0xe800, size);
      const stop = await guest.continue();
      t.equal(stop.reason.kind, 'watchpoint', stop.text);
      t.equal(guest.offset, 3, 'behind the second push');
      t.deepEqual(guest.bytes(0xe800, 2), [0x34, 0x12]);
      guest.close();
    });

    test(`a write watch in ${mode} mode, ${how}: a step and a range step over the store`, async (t) => {
      const code = [NOP, ...store(mode, WATCHED), NOP, NOP];
      const guest = new GuestUnderDebug(mode, code, undefined, only);
      guest.watch('write', WATCHED, 1);
      t.equal((await guest.step()).reason.kind, 'step');
      const stop = await guest.step();
      t.deepEqual(stop.reason, { kind: 'watchpoint', watch: 'write', address: BigInt(WATCHED) }, stop.text);
      t.equal(guest.offset, code.length - 2);
      guest.write('rip', mode === 'real' ? 0x7c00n : guest.start);
      const inRange = await guest.stepRange(guest.start, guest.start + BigInt(code.length));
      t.equal(inRange.reason.kind, 'watchpoint', inRange.text);
      t.equal(guest.offset, code.length - 2);
      guest.close();
    });
  }
}

test('watches that are found by stepping: the server says so, once', async (t) => {
  const guest = new GuestUnderDebug('real', [...store('real', WATCHED), NOP, ...store('real', WATCHED), NOP], undefined, ['step']);
  guest.watch('access', WATCHED, 4);
  for (let i = 0; i < 2; i++) t.equal((await guest.continue()).reason.kind, 'watchpoint');
  t.equal(guest.console.join('').match(/The access watchpoint at 0xf004 is found by stepping/g)?.length, 1, guest.console.join(''));
  guest.close();
});

test('a write watch on the memory of a planar video mode stops, and the server says what gdb makes of it', async (t) => {
  // mov ax, 12h; int 10h; mov ax, 0a000h; mov es, ax; mov byte es:[10h], 55h; nop
  const code = [0xb8, 0x12, 0, 0xcd, 0x10, 0xb8, 0, 0xa0, 0x8e, 0xc0, 0x26, 0xc6, 0x06, 0x10, 0, 0x55, 0x90, 0xf4];
  const guest = new MachineUnderDebug({ guest: { bytes: Uint8Array.from(code), name: 'planar', boot: 'mbr' }, bios: { disks: [] } }, {});
  const { machine, target } = guest;
  try {
    const ready = { kind: 'software', address: 0x7c0an, length: 1 } as const;
    target.breakpoints.insert(ready);
    t.equal((await guest.continue()).reason.kind, 'breakpoint');
    target.breakpoints.remove(ready);
    target.breakpoints.insert({ kind: 'write', address: 0xa_0010n, length: 1 });
    const stop = await guest.continue();
    t.deepEqual(stop.reason, { kind: 'watchpoint', watch: 'write', address: 0xa_0010n }, stop.text);
    t.equal(machine.vcpus[0].regs.rip, 0x7c10n, 'behind the write');
    t.match(guest.said.join(''), /^gdb does not show that 0xa0010 is written as long as it cannot read what is there .*: awatch stops all the same\.$/m);
  } finally {
    machine.close();
  }
});
