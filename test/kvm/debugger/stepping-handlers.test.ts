/**
 * Steps that enter a handler through the IDT of protected and long mode: the step ends on the handler's first
 * instruction, the pushed flags are as the guest's were, and the handler's bytes are untouched. Where KVM emulates
 * every instruction (`faultStep` is `handler`) some of these cannot run at all: then the stop is a fault that says so.
 */
import test from 'tape';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';
import { EXIT } from './machine-code.js';
import type { DebugCapabilities } from '../../../src/breakpoints/capabilities.js';
import type { StopEvent } from '../../../src/target.js';

type IdtMode = 'protected' | 'long';
const MODES: readonly IdtMode[] = ['protected', 'long'];
const IDT = 0x3000;
const HANDLER = 0x4000;
const VECTORS = 256;
const NOP = 0x90;
const HLT = 0xf4;

/** KVM runs kernel code of the guest in its instruction emulator. */
const emulated = (): boolean => hostCapabilities().faultStep === 'handler';

/** A guest whose every gate leads to a handler of two NOPs and an IRET; below 0x8000 the flat image leaves room. */
function withIdt(mode: IdtMode, code: readonly number[], capabilities?: DebugCapabilities): GuestUnderDebug {
  const guest = new GuestUnderDebug(mode, code, capabilities);
  const size = mode === 'long' ? 16 : 8;
  for (let vector = 0; vector < VECTORS; vector++) {
    guest.poke(IDT + vector * size, [HANDLER & 0xff, HANDLER >> 8, 0x08, 0x00, 0x00, 0x8e, 0, 0]);
  }
  guest.poke(HANDLER, handlerCode(mode));
  guest.machine.vcpus[0].writeSregs({ idt: { base: BigInt(IDT), limit: VECTORS * size - 1 } });
  return guest;
}

const handlerCode = (mode: IdtMode): number[] => [NOP, NOP, ...(mode === 'long' ? [0x48] : []), 0xcf];

/** The stack slot `index`, 4 bytes in protected mode and the low 4 of 8 in long mode. */
function slot(guest: GuestUnderDebug, index: number): number {
  const size = guest.mode === 'long' ? 8 : 4;
  const bytes = guest.bytes(Number(guest.read('rsp')) + index * size, 4);
  return new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true);
}

/** True when the stop says that this host's emulator cannot run it; fails where the processor itself runs the guest. */
function cannotRun(t: test.Test, stop: StopEvent): boolean {
  if (stop.reason.kind !== 'fault') return false;
  t.ok(emulated(), `only an emulator may refuse: ${stop.text}`);
  t.match(stop.text ?? '', /cannot emulate the instruction/);
  return true;
}

interface Case {
  readonly name: string;
  readonly modes?: readonly IdtMode[];
  readonly code: readonly number[];
  /** Plain steps before the one that enters the handler. */
  readonly before: number;
  /** Offset that is pushed as the return address. */
  readonly returns: number;
  readonly errorCode?: number;
}

const cases: readonly Case[] = [
  { name: 'INT n', code: [0xcd, 0x80, NOP, HLT], before: 0, returns: 2 },
  { name: "the guest's own INT3", code: [0xcc, NOP, HLT], before: 0, returns: 1 },
  { name: 'INT 3 in two bytes', code: [0xcd, 0x03, NOP, HLT], before: 0, returns: 2 },
  { name: 'ICEBP', code: [NOP, 0xf1, NOP, HLT], before: 1, returns: 2 },
  { name: 'UD2', code: [NOP, 0x0f, 0x0b, HLT], before: 1, returns: 1 },
  { name: 'a divide error', code: [0x31, 0xc9, 0xf7, 0xf1, NOP, HLT], before: 1, returns: 2 },
  // mov eax,78; mov ds,ax: beyond the GDT
  { name: 'a protection fault with its error code', code: [0xb8, 0x78, 0, 0, 0, 0x8e, 0xd8, HLT], before: 1, returns: 5, errorCode: 0x78 },
  // mov rax,[10000000000]
  { name: 'a page fault', modes: ['long'], code: [0x48, 0xa1, 0, 0, 0, 0, 0, 1, 0, 0, HLT], before: 0, returns: 0, errorCode: 0 },
];

for (const { name, modes = MODES, code, before, returns, errorCode } of cases) {
  for (const mode of modes) {
    test(`stepping in ${mode} mode: ${name} stops at the first instruction of its handler`, async (t) => {
      const guest = withIdt(mode, code);
      try {
        for (let i = 0; i < before; i++) t.equal((await guest.step()).reason.kind, 'step');
        const stop = await guest.step();
        if (cannotRun(t, stop)) return;
        t.equal(stop.reason.kind, 'step', stop.text);
        t.equal(guest.pc, BigInt(HANDLER));
        const frame = errorCode === undefined ? 0 : 1;
        if (errorCode !== undefined) t.equal(slot(guest, 0), errorCode, 'the error code');
        t.equal(slot(guest, frame), Number(guest.start) + returns, 'the return address');
        t.equal(slot(guest, frame + 1), 8, 'CS');
        t.equal(slot(guest, frame + 2) & 0x100, 0, 'no trap flag in the pushed flags');
        t.deepEqual(guest.bytes(HANDLER, handlerCode(mode).length), handlerCode(mode), 'the handler is as it was');
        t.equal((await guest.step()).reason.kind, 'step');
        t.equal(guest.pc, BigInt(HANDLER + 1));
      } finally {
        guest.close();
      }
    });
  }
}

for (const mode of MODES) {
  test(`stepping in ${mode} mode: IRET comes back behind INT n`, async (t) => {
    const guest = withIdt(mode, [0xcd, 0x80, NOP, HLT]);
    try {
      for (let i = 0; i < 4; i++) if (cannotRun(t, await guest.step())) return;
      t.equal(guest.offset, 2);
      t.equal(Number(guest.read('eflags')) & 0x100, 0, 'without a trap flag');
    } finally {
      guest.close();
    }
  });

  test(`breakpoints in ${mode} mode: patches leave the guest its own int3`, async (t) => {
    const host = hostCapabilities();
    const noRegisters = Object.fromEntries(Object.entries(host.modes).map(([at, seen]) => [at, { ...seen, debugExecute: false }]));
    const guest = withIdt(mode, [NOP, 0xcc, NOP, NOP, HLT], { ...host, modes: noRegisters as unknown as DebugCapabilities['modes'] });
    try {
      guest.poke(HANDLER, [0xb0, 0x42, 0xe6, 0x80, ...handlerCode(mode).slice(2)]);
      guest.break(3);
      const stop = await guest.continue();
      if (cannotRun(t, stop)) return;
      t.equal(stop.reason.kind, 'breakpoint', stop.text);
      t.equal(guest.offset, 3);
      t.equal(guest.machine.postCode, 0x42, "the guest's handler ran");
    } finally {
      guest.close();
    }
  });
}

test('stepping in protected mode with 32-bit paging: pc and memory are linear', async (t) => {
  const guest = new GuestUnderDebug('protected', [NOP, NOP, HLT]);
  try {
    // Two pages of 4 MiB: linear 0 and linear 0x400000 both lead to guest-physical 0.
    guest.poke(0x2000, [0x83, 0, 0, 0, 0x83, 0, 0, 0]);
    const vcpu = guest.machine.vcpus[0];
    const { cr0, cr4 } = vcpu.readSregs();
    try {
      vcpu.writeSregs({ cr3: 0x2000n, cr4: cr4 | 0x10n, cr0: cr0 | 0x8000_0000n });
    } catch (error) {
      t.ok(emulated(), `only an emulating host may refuse paging: ${String(error)}`);
      return;
    }
    guest.write('rip', 0x50_0000n);
    const stop = await guest.step();
    if (stop.reason.kind === 'fault') {
      t.ok(emulated() && (stop.text ?? '') !== '', stop.text);
      return;
    }
    t.equal(guest.pc, 0x50_0001n);
    t.deepEqual([...guest.target.readMemory(1, 0x50_0000n, 3)], [NOP, NOP, HLT]);
  } finally {
    guest.close();
  }
});

test('continue goes on after steps over HLT and into a fault handler, without a halt of its own', async (t) => {
  // 0: hlt; nop; ud2; nop; 5: jmp 5. #UD goes to 7d00: pop ax; add ax, 2; push ax; iret
  for (const steps of [1, 3, 4, 7]) {
    const guest = new GuestUnderDebug('real', [HLT, NOP, 0x0f, 0x0b, NOP, 0xeb, 0xfe]);
    guest.poke(6 * 4, [0x00, 0x7d, 0x00, 0x00]);
    guest.poke(0x7d00, [0x58, 0x83, 0xc0, 0x02, 0x50, 0xcf]);
    for (let step = 0; step < steps; step++) await guest.step();
    guest.break(5);
    const stop = await guest.continue();
    t.equal(stop.reason.kind, 'breakpoint', `${steps} steps: ${stop.text ?? ''}`);
    t.equal(guest.offset, 5);
    t.notOk(guest.console.join('').includes('halted'), guest.console.join(''));
    guest.close();
  }
});

/** Each leads to offset 5 or 4, where the byte before it is F4 and no HLT. */
const ENDS_IN_F4: [string, number[]][] = [
  ['mov al, 0xf4', [HLT, NOP, 0xb0, 0xf4, NOP, 0xeb, 0xfe]],
  ['a jump behind an F4', [HLT, 0xeb, 0x01, HLT, NOP, 0xeb, 0xfe]],
];

for (const [name, code] of ENDS_IN_F4) {
  for (const steps of [1, 2]) {
    test(`continue goes on after ${steps} steps over HLT at ${name}`, async (t) => {
      const guest = new GuestUnderDebug('real', code);
      for (let step = 0; step < steps; step++) await guest.step();
      guest.break(5);
      const stop = await guest.continue();
      t.deepEqual([stop.reason.kind, guest.offset], ['breakpoint', 5], stop.text);
      t.equal(guest.console.join(''), '');
      guest.close();
    });
  }
}

test('continue stops at the HLT that comes right after a stepped one', async (t) => {
  const guest = new GuestUnderDebug('real', [HLT, HLT, NOP, HLT]);
  await guest.step();
  guest.target.onConsole(() => setImmediate(() => guest.target.interrupt()));
  t.equal((await guest.continue()).reason.kind, 'interrupt');
  t.equal(guest.offset, 2, 'halted by the second one');
  guest.close();
});

for (const [name, code] of [['a NOP', [HLT, NOP, NOP, NOP, ...EXIT]], ['mov al, 0xf4', [HLT, 0xb0, 0xf4, NOP, ...EXIT]]] as const) {
  test(`with the irqchip in the kernel continue does not sleep after a step over HLT, at ${name}`, async (t) => {
    const guest = new GuestUnderDebug('real', code, undefined, undefined, { irqchip: 'kernel' });
    t.equal((await guest.step()).reason.kind, 'step');
    t.equal(guest.offset, 1);
    const stop = await guest.continue();
    t.equal(stop.reason.kind, 'exited', stop.text);
    guest.close();
  });
}

for (const irqchip of ['kernel', 'split'] as const) {
  test(`HLT is one step, and the next steps go on behind it, --irqchip ${irqchip}`, async (t) => {
    const guest = new GuestUnderDebug('real', [HLT, NOP, HLT, HLT, NOP, ...EXIT], undefined, undefined, { irqchip });
    for (const offset of [1, 2, 3, 4, 5]) {
      t.equal((await guest.step()).reason.kind, 'step');
      t.equal(guest.offset, offset);
    }
    t.equal((await guest.continue()).reason.kind, 'exited');
    guest.close();
  });
}
