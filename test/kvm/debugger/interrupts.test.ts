/** Interrupts and the debugger: steps that stay out of handlers, HLT that waits for a timer, NMI and lines by hand. */
import test from 'tape';
import type { StopEvent } from '../../../src/target.js';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';
import { HLT, NOP } from './machine-code.js';
import { patience } from '../../time-scale.js';

/** Each handler counts here, by its vector. */
const COUNTS = 0x600;
const HANDLERS = 0x7d00;
const DEBUG = 1;
const NMI = 2;
const TIMER = 8;
const IRQ3 = 0x0b;
const out = (port: number, value: number): number[] => [0xb0, value, 0xe6, port];
/** 8259 at vectors 8 to 15, IRQ 0 and 3 let in; PIT channel 0 at 1 kHz. */
const SETUP = [
  0xfa, ...out(0x20, 0x11), ...out(0x21, 0x08), ...out(0x21, 0x04), ...out(0x21, 0x01), ...out(0x21, 0xf6),
  ...out(0x43, 0x34), ...out(0x40, 0xa9), ...out(0x40, 0x04),
];
const STI = 0xfb;

/** Real mode: SETUP, then `loop`; the handlers count, tell the 8259 and return. */
function guestOf(loop: readonly number[], irqchip: 'kernel' | 'split'): GuestUnderDebug {
  const guest = new GuestUnderDebug('real', [...SETUP, ...loop], undefined, undefined, { irqchip });
  for (const vector of [DEBUG, NMI, TIMER, IRQ3]) {
    const handler = HANDLERS + 0x20 * vector;
    guest.poke(4 * vector, [handler & 0xff, handler >> 8, 0, 0]);
    // push ax; inc word [COUNTS + 2 * vector]; EOI but for #DB and NMI; pop ax; iret
    guest.poke(handler, [0x50, 0xff, 0x06, (COUNTS + 2 * vector) & 0xff, COUNTS >> 8, ...(vector <= NMI ? [] : out(0x20, 0x20)), 0x58, 0xcf]);
  }
  return guest;
}

function count(guest: GuestUnderDebug, vector: number): number {
  const [low, high] = guest.bytes(COUNTS + 2 * vector, 2);
  return low + 256 * high;
}

function say(guest: GuestUnderDebug, command: string): string {
  let text = '';
  guest.target.monitor.execute(command, (part) => { text += part; });
  return text;
}

async function runFor(guest: GuestUnderDebug, milliseconds: number): Promise<StopEvent> {
  setTimeout(() => guest.target.interrupt(), milliseconds);
  return guest.continue();
}

/** Runs in slices until it is so; a busy host may not let the guest run at all in one of them. */
async function runUntil(guest: GuestUnderDebug, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + patience(3000); !isSo() && Date.now() < end;) await runFor(guest, 15);
}

async function toLoop(guest: GuestUnderDebug, offset: number): Promise<void> {
  guest.break(offset);
  await guest.continue();
  guest.unbreak(offset);
}

/** sti; mov cx, 0; 1: dec cx; jnz 1b; nop; jmp to the mov: 131,073 instructions a round. */
const COUNTING = [STI, 0xb9, 0, 0, 0x49, 0x75, 0xfd, NOP, 0xeb, 0xf7];

for (const irqchip of ['kernel', 'split'] as const) {
  test(`${irqchip === 'kernel' ? '100,000' : '20,000'} steps under a timer of 1 kHz stay in their loop, and the tick comes when the guest goes on, --irqchip ${irqchip}`, async (t) => {
    const guest = guestOf(COUNTING, irqchip);
    try {
      const loop = SETUP.length;
      await toLoop(guest, loop + 4);
      const [start, end] = [guest.start + BigInt(loop + 4), guest.start + BigInt(loop + 7)];
      const before = count(guest, TIMER);
      if (!hostCapabilities().blockIrq) {
        t.pass('this host cannot hold interrupts back, and doctor says so');
        return;
      }
      // One by one, over some ticks; then the rest in one range.
      const single = 2000;
      let strays = 0;
      for (let i = 1; i <= single; i++) {
        await guest.step();
        if (guest.pc < start || guest.pc >= end) strays++;
      }
      t.equal(strays, 0, `${single} single steps`);
      t.equal(guest.read('rcx') & 0xffffn, BigInt(0x10000 - single / 2), 'each was one instruction');
      guest.write('rcx', irqchip === 'kernel' ? 49_000n : 9_000n);
      const stop = await guest.stepRange(start, end);
      t.deepEqual([stop.reason.kind, guest.offset], ['step', loop + 7], 'a range of many more steps ends where the loop does');
      t.equal(count(guest, TIMER), before, 'no tick was served');
      await runUntil(guest, () => count(guest, TIMER) > before);
      t.ok(count(guest, TIMER) > before, 'the tick that waited, and more, come with continue');
    } finally {
      guest.close();
    }
  });

  test(`monitor step-interrupts: on lets them in, off holds them back, --irqchip ${irqchip}`, async (t) => {
    const guest = guestOf(COUNTING, irqchip);
    try {
      await toLoop(guest, SETUP.length + 4);
      t.equal(say(guest, 'step-interrupts'), hostCapabilities().blockIrq ? 'Steps hold interrupts back; they are delivered when the guest goes on.\n' : 'Steps let interrupts in.\n');
      t.match(say(guest, 'step-interrupts on'), /^Steps let interrupts in/);
      t.notOk(guest.target.stepOptions.noIrq, 'qqemu.sstep says the same');
      const before = count(guest, TIMER);
      for (let i = 0; i < 400 && count(guest, TIMER) === before; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await guest.step();
      }
      t.ok(count(guest, TIMER) > before, 'a tick was stepped through');
      t.match(say(guest, 'step-interrupts maybe'), /^Say "monitor step-interrupts on"/);
    } finally {
      guest.close();
    }
  });

  test(`what KVM steps with is not left in the flags that a handler returns to, --irqchip ${irqchip}`, async (t) => {
    // sti; 1: pushf; pop ax; test ah, 1; jz 1b; inc word [COUNTS]; jmp 1b: counts each TF that it sees.
    const guest = guestOf([STI, 0x9c, 0x58, 0xf6, 0xc4, 0x01, 0x74, 0xf9, 0xff, 0x06, COUNTS & 0xff, COUNTS >> 8, 0xeb, 0xf3], irqchip);
    try {
      const loop = SETUP.length + 1;
      await toLoop(guest, loop);
      say(guest, 'step-interrupts on');
      for (let round = 0; round < 5; round++) {
        const before = count(guest, TIMER);
        for (let i = 0; i < 2000 && count(guest, TIMER) === before; i++) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          await guest.step();
        }
        t.ok(count(guest, TIMER) > before, 'a tick was stepped into');
        // Out of the handler again, by its IRET.
        for (let i = 0; i < 100 && (guest.offset < loop || guest.offset > loop + 13); i++) await guest.step();
        t.ok(guest.offset >= loop && guest.offset <= loop + 13, 'and its handler has returned');
        t.equal(guest.read('eflags') & 0x100n, 0n, 'the guest has no TF of its own');
        await runFor(guest, 5);
      }
      t.deepEqual([count(guest, 0), count(guest, DEBUG)], [0, 0], 'neither TF nor #DB was seen by the guest');
    } finally {
      guest.close();
    }
  });

  test(`sti; hlt in a loop: each tick wakes it, a breakpoint behind the HLT stops each time, Ctrl-C gets in between, --irqchip ${irqchip}`, async (t) => {
    const guest = guestOf([STI, HLT, NOP, 0xeb, 0xfb], irqchip);
    try {
      const behind = SETUP.length + 2;
      for (let i = 0; i < 5; i++) {
        const before = count(guest, TIMER);
        guest.break(behind);
        const stop = await guest.continue();
        t.deepEqual([stop.reason.kind, guest.offset], ['breakpoint', behind], stop.text);
        t.ok(count(guest, TIMER) > before, 'by a tick');
        guest.unbreak(behind);
        t.equal((await guest.step()).reason.kind, 'step');
      }
      for (let i = 0; i < 5; i++) {
        const before = count(guest, TIMER);
        t.equal((await runFor(guest, 15)).reason.kind, 'interrupt');
        await runUntil(guest, () => count(guest, TIMER) > before);
        t.ok(count(guest, TIMER) > before, 'it goes on after an interrupt');
      }
    } finally {
      guest.close();
    }
  });

  test(`cli; hlt: halted for good, interrupted and resumed, until an NMI by hand wakes it, --irqchip ${irqchip}`, async (t) => {
    const guest = guestOf([HLT, NOP, 0xeb, 0xfe], irqchip);
    try {
      await runUntil(guest, () => guest.offset > SETUP.length);
      for (let i = 0; i < 3; i++) {
        t.equal((await runFor(guest, 10)).reason.kind, 'interrupt');
        t.equal(guest.offset, SETUP.length + 1, 'behind the HLT');
        t.match(guest.target.threads()[0].state, /halted/);
      }
      t.match(say(guest, 'nmi'), /^cpu0 takes an NMI/);
      guest.break(SETUP.length + 1);
      const stop = await guest.continue();
      t.deepEqual([stop.reason.kind, guest.offset], ['breakpoint', SETUP.length + 1], 'where the handler returns to');
      t.equal(count(guest, NMI), 1);
    } finally {
      guest.close();
    }
  });

  test(`monitor nmi and monitor irq: once each, not by a step; what is wrong is said, --irqchip ${irqchip}`, async (t) => {
    const guest = guestOf([...out(0x21, 0xf7), STI, NOP, 0xeb, 0xfd], irqchip);
    try {
      const spin = SETUP.length + 5;
      await toLoop(guest, spin);
      say(guest, 'nmi 0');
      t.match(say(guest, 'irq 3'), /line 3 was high for a moment/);
      if (hostCapabilities().blockIrq) {
        for (let i = 0; i < 4; i++) await guest.step();
        t.deepEqual([count(guest, NMI), count(guest, IRQ3)], [0, 0], 'a step enters neither handler');
      }
      await runUntil(guest, () => count(guest, NMI) + count(guest, IRQ3) === 2);
      t.deepEqual([count(guest, NMI), count(guest, IRQ3)], [1, 1]);
      t.match(say(guest, 'irq 3 1'), /is high/);
      await runUntil(guest, () => count(guest, IRQ3) === 2);
      t.match(say(guest, 'irq 3 0'), /is low/);
      await runFor(guest, 10);
      t.deepEqual([count(guest, NMI), count(guest, IRQ3)], [1, 2], 'one edge, one interrupt');
      for (const [command, answer] of [['nmi 7', /There is no CPU 7/], ['nmi 0 1', /Say "monitor nmi"/], ['irq', /must be a number/], ['irq 24', /0 to 23/], ['irq 3 2', /Say "monitor irq N"/]] as const) {
        t.match(say(guest, command), answer, command);
      }
    } finally {
      guest.close();
    }
  });
}

test('without interrupt controllers there are no lines', (t) => {
  const without = new GuestUnderDebug('real', [NOP]);
  t.match(say(without, 'irq 3'), /There are no interrupt controllers; start the guest with --irqchip kernel/);
  without.close();
  t.end();
});
