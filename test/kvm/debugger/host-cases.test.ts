/**
 * Instructions and states in which the kinds of host differ and that no other file has (docs/hosts.md, "One behaviour from all
 * of them"): what every host shows, and what only some can.
 */
import { existsSync } from 'node:fs';
import test from 'tape';
import { inEveryMode } from '../../../src/breakpoints/capabilities.js';
import type { StopEvent } from '../../../src/target.js';
import { GuestUnderDebug, hostCapabilities } from './guest-under-debug.js';

const NOP = 0x90;
const HLT = 0xf4;
const HANDLER = 0x7d00;
/** A word that a handler counts in. */
const COUNT = 0x600;
/** KVM's answer to a hypercall that it does not know: -KVM_ENOSYS (linux/kvm_para.h). */
const NO_SUCH_CALL = -1000n;
/** For an instruction that takes microseconds; where it never ends this is what the test waits. */
const PATIENCE_MS = 5000;
const FS_BASE_NOT_CANONICAL = 1n << 63n;

/** One step; one that never ends is interrupted. */
async function stepOrInterrupt(guest: GuestUnderDebug): Promise<StopEvent> {
  const timer = setTimeout(() => guest.target.interrupt(), PATIENCE_MS);
  try {
    return await guest.step();
  } finally {
    clearTimeout(timer);
  }
}

for (const mode of ['protected', 'long'] as const) {
  test(`hypercalls in ${mode} mode: answered or refused, never patched into one another, and never a hang`, async (t) => {
    const answers: boolean[] = [];
    for (const code of [[0x0f, 0x01, 0xc1], [0x0f, 0x01, 0xd9]]) {
      const name = code[2] === 0xc1 ? 'VMCALL' : 'VMMCALL';
      const guest = new GuestUnderDebug(mode, [...code, NOP, HLT]);
      guest.write('rax', 0xffffn);
      const { reason } = await stepOrInterrupt(guest);
      const answer = BigInt.asIntN(mode === 'long' ? 64 : 32, guest.read('rax'));
      if (guest.offset === code.length) {
        t.deepEqual([reason.kind, answer], ['step', NO_SUCH_CALL], `${name} is answered`);
        answers.push(true);
      } else if (reason.kind === 'interrupt') {
        t.equal(guest.offset, 0, `${name} does not end here, but Ctrl-C ends the step at it`);
      } else {
        t.equal(reason.kind, 'fault', `${name} is #UD, without a handler`);
      }
      t.deepEqual(guest.bytes(Number(guest.start), 3), code, 'KVM has not rewritten it');
      guest.close();
    }
    // Only a software KVM has no debug registers for data, and it answers neither.
    if (inEveryMode(hostCapabilities(), 'debugWrite')) t.ok(answers.length > 0, 'the processor\'s own is answered');
  });
}

test('stepping in long mode: MOV to and from CR8', async (t) => {
  // mov eax,5; mov cr8,rax; mov rcx,cr8
  const guest = new GuestUnderDebug('long', [0xb8, 5, 0, 0, 0, 0x44, 0x0f, 0x22, 0xc0, 0x44, 0x0f, 0x20, 0xc1, NOP, HLT]);
  for (const offset of [5, 9, 13, 14]) {
    await guest.step();
    t.equal(guest.offset, offset);
  }
  t.equal(guest.read('rcx'), 5n);
  guest.close();
});

test('stepping in real mode: POP SS takes at most the next instruction along', async (t) => {
  const guest = new GuestUnderDebug('real', [0x16, 0x17, NOP, NOP, HLT]);
  await guest.step();
  t.equal(guest.offset, 1);
  await guest.step();
  t.ok(guest.offset === 2 || guest.offset === 3, `offset ${guest.offset}`);
  guest.close();
});

test('INT 3 in two bytes (CD 03) is the guest\'s own, with patches planted', async (t) => {
  for (const only of [undefined, ['patch', 'step'] as const]) {
    const guest = new GuestUnderDebug('real', [0xcd, 0x03, NOP, HLT], undefined, only);
    guest.poke(3 * 4, [HANDLER & 0xff, HANDLER >> 8, 0, 0]);
    guest.poke(HANDLER, [NOP, 0xcf]);
    guest.break(2);
    guest.target.breakpoints.insert({ kind: 'software', address: BigInt(HANDLER), length: 1 });
    t.equal((await guest.continue()).reason.kind, 'breakpoint');
    t.equal(guest.pc, BigInt(HANDLER), 'in the handler');
    t.deepEqual(guest.bytes(Number(guest.read('rsp') & 0xffffn), 2), [0x02, 0x7c], 'which returns behind it');
    await guest.step();
    t.equal((await guest.continue()).reason.kind, 'breakpoint');
    t.equal(guest.offset, 2, 'and there it stops');
    guest.close();
  }
});

test('ICEBP (F1): the guest\'s #DB handler, or a stop at it; never a hang', async (t) => {
  const guest = new GuestUnderDebug('real', [0xf1, NOP, HLT]);
  guest.poke(1 * 4, [HANDLER & 0xff, HANDLER >> 8, 0, 0]);
  guest.poke(HANDLER, [NOP, 0xcf]);
  guest.target.breakpoints.insert({ kind: 'hardware', address: BigInt(HANDLER), length: 1 });
  const stop = await guest.continue();
  if (stop.reason.kind === 'fault') {
    t.equal(hostCapabilities().faultStep, 'handler', `KVM's emulator does not have it, a processor does: ${stop.text ?? ''}`);
    t.equal(stop.reason.signal, 'SIGILL', stop.text);
    t.equal(guest.offset, 0);
  } else {
    t.equal(stop.reason.kind, 'breakpoint');
    t.equal(guest.pc, BigInt(HANDLER));
    t.deepEqual(guest.bytes(Number(guest.read('rsp') & 0xffffn), 2), [0x01, 0x7c], 'a trap: the address behind it');
  }
  guest.close();
});

test('the guest\'s own debug registers keep their values beside the debugger\'s breakpoints', async (t) => {
  // mov eax,00102000; mov dr0,eax; mov eax,402; mov dr7,eax; nop; nop; mov ecx,dr0; mov edx,dr7; nop
  const code = [
    0xb8, 0, 0x20, 0x10, 0, 0x0f, 0x23, 0xc0, 0xb8, 2, 4, 0, 0, 0x0f, 0x23, 0xf8, NOP, NOP, 0x0f, 0x21, 0xc1, 0x0f, 0x21, 0xfa, NOP, HLT,
  ];
  const guest = new GuestUnderDebug('protected', code);
  for (const offset of [8, 17, 24]) guest.break(offset);
  for (const offset of [8, 17, 24]) {
    const stop = await guest.continue();
    t.deepEqual([stop.reason.kind, guest.offset], ['breakpoint', offset], stop.text);
    await guest.step();
  }
  t.equal(guest.read('rcx'), 0x10_2000n, 'DR0');
  t.equal(guest.read('rdx'), 0x402n, 'DR7');
  guest.close();
});

test('the guest\'s own breakpoint in a debug register fires in the guest, where the debugger has none', async (t) => {
  // mov eax,7c13; mov dr0,eax; mov eax,402; mov dr7,eax; nop; 7c13: nop; mov al,1; out f4,al
  const code = [0x66, 0xb8, 0x13, 0x7c, 0, 0, 0x0f, 0x23, 0xc0, 0x66, 0xb8, 2, 4, 0, 0, 0x0f, 0x23, 0xf8, NOP, NOP, 0xb0, 1, 0xe6, 0xf4, HLT];
  const guest = new GuestUnderDebug('real', code);
  guest.poke(1 * 4, [HANDLER & 0xff, HANDLER >> 8, 0, 0]);
  guest.poke(HANDLER, [0xb0, 2, 0xe6, 0xf4, HLT]);
  t.deepEqual((await guest.continue()).reason, { kind: 'exited', status: 2 * 2 + 1 }, 'its handler ran');
  t.deepEqual(guest.bytes(Number(guest.read('rsp') & 0xffffn), 2), [0x13, 0x7c], 'for a fault before the instruction');
  t.equal(guest.read('dr6') & 0xfn, 1n, 'of DR0');
  guest.close();
});

test('the guest\'s own I/O breakpoint (CR4.DE) keeps its place beside the debugger\'s, and is no stop of its', async (t) => {
  const before = [
    0x0f, 0x20, 0xe0, 0x66, 0x83, 0xc8, 0x08, 0x0f, 0x22, 0xe0, // mov eax, cr4; or eax, 8; mov cr4, eax
    0x66, 0xb8, 0x99, 0, 0, 0, 0x0f, 0x23, 0xc0, // mov eax, 99; mov dr0, eax
    0x66, 0xb8, 2, 4, 2, 0, 0x0f, 0x23, 0xf8, // mov eax, 20402: a byte of I/O at DR0; mov dr7, eax
  ];
  // out 99, al; nop; in al, 99; nop; mov ax, [COUNT]; out f4, al
  const code = [...before, 0xe6, 0x99, NOP, 0xe4, 0x99, NOP, 0xa1, COUNT & 0xff, COUNT >> 8, 0xe6, 0xf4, HLT];
  const places = [before.length, before.length + 2, before.length + 5];
  const guest = new GuestUnderDebug('real', code);
  guest.poke(1 * 4, [HANDLER & 0xff, HANDLER >> 8, 0, 0]);
  guest.poke(HANDLER, [0xff, 0x06, COUNT & 0xff, COUNT >> 8, 0xcf]); // inc word [COUNT]; iret
  for (const place of places) {
    guest.break(place);
    const stop = await guest.continue();
    t.deepEqual([stop.reason.kind, guest.offset], ['breakpoint', place], stop.text);
    t.deepEqual([guest.read('dr0'), guest.read('dr7')], [0x99n, 0x2_0402n], 'its registers are its own');
    guest.unbreak(place);
    await guest.step();
  }
  const { reason } = await guest.continue();
  // KVM carries the instruction out itself and looks for no breakpoint of that kind; a processor would tell both.
  t.ok(reason.kind === 'exited' && [0, 1, 2].includes((reason.status - 1) / 2), JSON.stringify(reason));
  guest.close();
});

test('a state that the processor does not enter: a stop that says so, where hardware looks at it', async (t) => {
  const guest = new GuestUnderDebug('long', [NOP, NOP, HLT]);
  guest.break(1);
  const [vcpu] = guest.machine.vcpus;
  const fs = { ...vcpu.readSregs().fs };
  vcpu.writeSregs({ fs: { ...fs, base: FS_BASE_NOT_CANONICAL } });
  const stop = await guest.continue();
  // SDM vol. 3, 27.3.1.2; VMRUN makes the base canonical (APM vol. 2, 15.5.1).
  if (existsSync('/sys/module/kvm_intel')) {
    t.deepEqual(stop.reason, { kind: 'fault', signal: 'SIGABRT' });
    t.match(stop.text ?? '', /^The processor refused to enter the guest on cpu0 at 0x100000 .*\(hardware reason 0x[0-9a-f]+\)/);
    t.equal(guest.offset, 0);
    vcpu.writeSregs({ fs });
    const again = await guest.continue();
    t.equal(again.reason.kind, 'breakpoint', `put right it goes on: ${again.text ?? ''}`);
  } else {
    t.equal(stop.reason.kind, 'breakpoint', `this host enters it: ${stop.text ?? ''}`);
  }
  t.equal(guest.offset, 1);
  guest.close();
});
