/** `monitor catch msr`: KVM reports the access, and it is carried out as the guest made it. */
import test from 'tape';
import { catchGuest, monitor } from './catch-guest.js';
import { GuestUnderDebug } from './guest-under-debug.js';

const NOP = 0x90;
const text = (stop: { readonly text?: string }): string => stop.text ?? '';

test('catch msr: a write has its effect, a read its value', async (t) => {
  for (const mode of ['protected', 'long'] as const) {
    // mov ecx,c0000082 (LSTAR); mov eax,1234; xor edx,edx; wrmsr; xor eax,eax; rdmsr; nop
    const code = [0xb9, 0x82, 0, 0, 0xc0, 0xb8, 0x34, 0x12, 0, 0, 0x31, 0xd2, 0x0f, 0x30, 0x31, 0xc0, 0x0f, 0x32, NOP];
    const guest = new GuestUnderDebug(mode, code);
    t.equal(monitor(guest, 'catch msr lstar'), 'Catchpoint 1: msr lstar (0xc0000082)\n');
    const write = await guest.continue();
    t.match(text(write), /^cpu0 wrote 0x1234 to MSR lstar \(0xc0000082\); the next instruction is at 0x10000e \(/, mode);
    t.equal(guest.offset, 14);
    t.equal(guest.machine.vcpus[0].native.getMsrs(Uint32Array.of(0xc000_0082))[0], 0x1234n, 'it is written');
    const read = await guest.continue();
    t.match(text(read), /^cpu0 read 0x1234 from MSR lstar/);
    t.equal(guest.read('rax'), 0x1234n);
    t.equal(guest.offset, 18);
    t.equal(monitor(guest, 'uncatch 1'), 'Catchpoint 1 is gone.\n');
    guest.write('rip', guest.start);
    guest.break(18);
    t.equal((await guest.continue()).reason.kind, 'breakpoint', 'no longer');
    t.equal(guest.machine.counters.exits.get('wrmsr'), 1, 'nor does it leave the guest');
    guest.close();
  }
});

test('catch msr: EFER.LME, and what KVM refuses', async (t) => {
  // mov eax,cr4; or eax,20 (PAE, which SDM vol. 3, 10.8.5 wants before LME; QEMU's SVM loses its host without); mov cr4,eax;
  // mov ecx,c0000080; rdmsr; or eax,100; wrmsr; mov ecx,c0000082..: then LSTAR with an address that is not canonical
  const code = [0x0f, 0x20, 0xe0, 0x83, 0xc8, 0x20, 0x0f, 0x22, 0xe0, 0xb9, 0x80, 0, 0, 0xc0, 0x0f, 0x32, 0x0d, 0, 1, 0, 0, 0x0f, 0x30, 0xb9, 0x82, 0, 0, 0xc0, 0xba, 0, 0, 0, 0x70, 0x0f, 0x30, NOP];
  const guest = catchGuest('protected', code);
  monitor(guest, 'catch msr efer');
  monitor(guest, 'catch msr 0xc0000082');
  monitor(guest, 'catch exception #GP');
  t.match(text(await guest.continue()), /^cpu0 read 0x[0-9a-f]+ from MSR efer \(0xc0000080\)/);
  t.match(text(await guest.continue()), /^cpu0 wrote 0x[0-9a-f]+ to MSR efer .* next instruction is at 0x100017/);
  t.equal(guest.machine.vcpus[0].readSregs().efer & 0x100n, 0x100n, 'LME is set');
  t.match(text(await guest.continue()), /^cpu0 wrote 0x7000000000000100 to MSR lstar \(0xc0000082\), which KVM refuses: the guest gets a #GP/);
  t.match(text(await guest.continue()), /^cpu0: #GP \(general protection\), raised at 0x100021 /);
  guest.close();
});

test('catch msr: limits are said in words', (t) => {
  const guest = new GuestUnderDebug('real', [NOP]);
  t.match(monitor(guest, 'catch msr 0x802'), /x2APIC/);
  for (let i = 0; i < 16; i++) monitor(guest, `catch msr ${0x1000 + i}`);
  t.match(monitor(guest, 'catch msr 0x2000'), /at most 16/);
  t.equal(monitor(guest, 'info catch').split('\n').length, 17, 'the refused ones are not listed');
  t.equal(monitor(guest, 'uncatch'), 'No catchpoints.\n');
  guest.close();
  t.end();
});
