/** `monitor catch` for what leaves the guest by itself: port and device accesses, HLT, triple faults. */
import test from 'tape';
import { monitor } from './catch-guest.js';
import { GuestUnderDebug, type TestMode } from './guest-under-debug.js';

const NOP = 0x90;
const HLT = 0xf4;
const MODES: readonly TestMode[] = ['real', 'protected', 'long'];
const text = (stop: { readonly text?: string }): string => stop.text ?? '';

test('catch io: writes and reads, with their values, complete when the stop is told', async (t) => {
  for (const mode of MODES) {
    // mov al,41; out e9,al; nop; in al,80; out 80,al
    const guest = new GuestUnderDebug(mode, [0xb0, 0x41, 0xe6, 0xe9, NOP, 0xe4, 0x80, 0xe6, 0x80, HLT]);
    t.equal(monitor(guest, 'catch io 0xe9'), 'Catchpoint 1: io 0xe9\n');
    t.equal(monitor(guest, 'catch io 0x70-0x8f'), 'Catchpoint 2: io 0x70-0x8f\n');
    const out = await guest.continue();
    t.deepEqual(out.reason, { kind: 'step' });
    t.match(text(out), /^cpu0 wrote 0x41, 1 byte, to port 0xe9 \(debug console \(0xe9\)\); the next instruction is at 0x[0-9a-f]+ \(/);
    t.equal(guest.offset, 4, `${mode}: behind the OUT`);
    t.deepEqual(guest.serial, [0x41], 'the device has it');
    const read = await guest.continue();
    t.match(text(read), /^cpu0 read 0x[0-9a-f]+, 1 byte, from port 0x80 \(/);
    t.equal(guest.offset, 7);
    t.match(text(read), new RegExp(`read 0x${(guest.read('rax') & 0xffn).toString(16)},`), 'the value that the guest got');
    guest.close();
  }
});

test('catch io: a step over the access says so too; other ports do not stop', async (t) => {
  const guest = new GuestUnderDebug('real', [0xe6, 0xe9, 0xe6, 0x80, NOP, NOP]);
  monitor(guest, 'catch io 0x80');
  t.equal((await guest.step()).text, undefined);
  t.match(text(await guest.step()), /^cpu0 wrote 0x0, 1 byte, to port 0x80/);
  t.equal(guest.offset, 4);
  monitor(guest, 'uncatch all');
  guest.write('rip', 0x7c00n);
  guest.break(5);
  t.equal((await guest.continue()).reason.kind, 'breakpoint');
  guest.close();
});

test('catch io: REP OUTS stops at each element', async (t) => {
  // mov si,7c40; mov cx,3; mov dx,e9; cld; rep outsb
  const guest = new GuestUnderDebug('real', [0xbe, 0x40, 0x7c, 0xb9, 3, 0, 0xba, 0xe9, 0, 0xfc, 0xf3, 0x6e, NOP]);
  guest.poke(0x7c40, [1, 2, 3]);
  monitor(guest, 'catch io 0xe9');
  for (const value of [1, 2, 3]) t.match(text(await guest.continue()), new RegExp(`wrote 0x${value}, 1 byte, to port 0xe9`));
  t.deepEqual(guest.serial, [1, 2, 3]);
  guest.close();
});

test('catch io on the instruction at a breakpoint', async (t) => {
  const guest = new GuestUnderDebug('protected', [NOP, 0xe6, 0xe9, NOP]);
  monitor(guest, 'catch io 0xe9');
  guest.break(1);
  t.equal((await guest.continue()).reason.kind, 'breakpoint');
  guest.unbreak(1);
  t.match(text(await guest.step()), /port 0xe9/);
  t.deepEqual(guest.serial, [0]);
  guest.close();
});

test('catch io on what ends or resets the machine: the stop comes first', async (t) => {
  const ending = new GuestUnderDebug('real', [0xb0, 3, 0xe6, 0xf4, HLT]);
  monitor(ending, 'catch io 0xf4');
  const stop = await ending.continue();
  t.deepEqual(stop.reason, { kind: 'step' });
  t.match(text(stop), /^cpu0 wrote 0x3, 1 byte, to port 0xf4 \(.*\); the next instruction is at 0x7c04 \(real16\)\. With the next resume the machine ends \(/);
  t.deepEqual((await ending.continue()).reason, { kind: 'exited', status: 7 });
  ending.close();

  // inc byte [7e00]; mov al,1; out 92,al; hlt
  const resetting = new GuestUnderDebug('real', [0xfe, 0x06, 0x00, 0x7e, 0xb0, 1, 0xe6, 0x92, HLT]);
  monitor(resetting, 'catch io 0x92');
  t.match(text(await resetting.continue()), /the machine resets \(/);
  t.deepEqual(resetting.bytes(0x7e00, 1), [1]);
  t.match(text(await resetting.continue()), /the machine resets \(/, 'once more, after the reset');
  t.match(resetting.console.join(''), /^The guest reset the machine \(.*\)\.\n$/);
  t.deepEqual(resetting.bytes(0x7e00, 1), [1], 'memory is as at the start');
  resetting.target.reset();
  resetting.break(6);
  t.equal((await resetting.continue()).reason.kind, 'breakpoint', 'a reset of ours forgets the guest\'s');
  resetting.close();
});

test('catch mmio: a write and a read of a device', async (t) => {
  // mov eax,12345678; mov [fec00010],eax; mov ebx,[fed00000]; nop
  const store = [0xb8, 0x78, 0x56, 0x34, 0x12, 0xa3, 0x10, 0, 0xc0, 0xfe];
  const guest = new GuestUnderDebug('protected', [...store, 0x8b, 0x1d, 0, 0, 0xd0, 0xfe, NOP]);
  monitor(guest, 'catch mmio 0xfec00000-0xfec00fff');
  t.match(text(await guest.continue()), /^cpu0 wrote 0x12345678, 4 bytes, to guest-physical 0xfec00010 \(no device\); the next/);
  t.equal(guest.offset, store.length);
  t.match(monitor(guest, 'catch mmio 0xfed00000+4'), /^Catchpoint 2: mmio 0xfed00000-0xfed00003/);
  t.match(text(await guest.continue()), /^cpu0 read 0xffffffff, 4 bytes, from guest-physical 0xfed00000/);
  t.equal(guest.offset, store.length + 6);
  t.equal(guest.read('rbx') & 0xffff_ffffn, 0xffff_ffffn);
  guest.close();
});

test('catch hlt', async (t) => {
  for (const mode of MODES) {
    const guest = new GuestUnderDebug(mode, [NOP, 0xfa, HLT, NOP]);
    monitor(guest, 'catch hlt');
    const stop = await guest.continue();
    t.deepEqual(stop.reason, { kind: 'step' });
    t.match(text(stop), new RegExp(`^cpu0: HLT at 0x${(guest.start + 2n).toString(16)} \\(\\w+\\), with interrupts disabled\\.$`));
    t.equal(guest.offset, 3, `${mode}: behind it`);
    t.match(guest.target.threads()[0].state, /^halted/);
    guest.write('rip', guest.start + 2n);
    t.match(text(await guest.step()), /^cpu0: HLT at /, 'a step');
    guest.close();
  }
});

test('catch hlt: a patch of ours is none of the guest\'s', async (t) => {
  const guest = new GuestUnderDebug('real', [NOP, NOP, HLT], undefined, ['patch', 'debug-register']);
  monitor(guest, 'catch hlt');
  for (const offset of [1, 5, 6, 7, 8, 9]) guest.break(offset);
  t.equal((await guest.continue()).reason.kind, 'breakpoint');
  guest.unbreak(1);
  t.match(text(await guest.continue()), /HLT at 0x7c02/);
  guest.close();
});

test('catch triple-fault', async (t) => {
  const guest = new GuestUnderDebug('protected', [NOP, 0x0f, 0x0b]);
  guest.machine.vcpus[0].writeSregs({ idt: { base: 0n, limit: 0 } });
  monitor(guest, 'catch triple-fault');
  const stop = await guest.continue();
  t.deepEqual(stop.reason, { kind: 'fault', signal: 'SIGTRAP' });
  t.match(text(stop), /^Triple fault on cpu0 at 0x10000[01] .* #DF \(double fault\) has no handler: it is beyond the IDT's limit 0x0\.$/);
  t.match(monitor(guest, 'info catch'), /^1: triple-fault, 1 stop\n$/);
  guest.close();
});
