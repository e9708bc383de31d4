/** Time across a stop of the debugger: with the policy `pause` the guest's clocks stand, with `run` they go on. */
import test from 'tape';
import { setTimeout as sleep } from 'node:timers/promises';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';
import { SHORT_STOP_MILLISECONDS } from '../../../src/vmm/guest-clock.js';

const MIB = 1 << 20;
const STOP_MILLISECONDS = 400;
/** What a busy host may need between a stop or a start and the moment at which this program looks. */
const SLACK_MILLISECONDS = 150 * Number(process.env['HOST_TIME_SCALE'] ?? 1);

/** Runs the guest for a time, and stops it. */
async function runFor(guest: MachineUnderDebug, milliseconds: number): Promise<void> {
  const stop = guest.continue();
  await sleep(milliseconds);
  guest.target.interrupt();
  await stop;
}

function word({ machine }: MachineUnderDebug, gpa: number): number {
  return new DataView(machine.memory.read(gpa, 4).buffer).getUint32(0, true);
}

const COUNTER = 0x600;
/**
 * Real mode at 7c00: IRQ 0 at vector 20h counts at 600h; PIT channel 0 at 1000 Hz (divisor 1193); then sti; hlt; jmp back.
 */
const PIT_GUEST = Uint8Array.of(
  0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, // cli; xor ax, ax; mov ds, ax; mov ss, ax; mov sp, 7c00
  0xc7, 0x06, 0x80, 0x00, 0x40, 0x7c, 0x89, 0x06, 0x82, 0x00, // mov word [80], 7c40; mov [82], ax
  0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x20, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, // ICW1–4: vector 20h
  0xb0, 0xfe, 0xe6, 0x21, // only IRQ 0
  0xb0, 0x34, 0xe6, 0x43, 0xb0, 0xa9, 0xe6, 0x40, 0xb0, 0x04, 0xe6, 0x40, // PIT channel 0, mode 2, 1193
  0xfb, 0xf4, 0xeb, 0xfc, // sti; 1: hlt; jmp 1b
  ...new Array<number>(0x40 - 56).fill(0x90),
  0x66, 0xff, 0x06, 0x00, 0x06, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf, // inc dword [600]; push ax; mov al, 20; out 20, al; pop ax; iret
);

for (const clock of ['pause', 'run'] as const) {
  test(`a PIT of 1 kHz, --clock ${clock}`, (t) => withMachine({ guest: { name: 'pit', bytes: PIT_GUEST, boot: 'flat' }, irqchip: 'kernel', clock, memory: MIB }, async (guest) => {
    await runFor(guest, 100);
    const before = word(guest, COUNTER);
    t.ok(before > 10, `${before} ticks in 100 ms`);
    await sleep(STOP_MILLISECONDS);
    t.equal(word(guest, COUNTER), before, 'none while it stands');
    const began = performance.now();
    await runFor(guest, 60);
    const ticks = word(guest, COUNTER) - before, ran = performance.now() - began;
    if (clock === 'pause') t.ok(ticks <= ran + 2 * SHORT_STOP_MILLISECONDS, `${ticks} ticks in ${ran.toFixed()} ms: no storm`);
    else t.ok(ticks > ran + 100, `${ticks} ticks in ${ran.toFixed()} ms: those of the stop come too`);
  }));
}

const TICKS = 0x20_0000;
/** Protected mode at 1 MiB: the local APIC's timer counts down from ffffffff by 16 ns, masked; count and TSC are copied for ever. */
const APIC_GUEST = Uint8Array.of(
  0xc7, 0x05, 0xf0, 0x00, 0xe0, 0xfe, 0xff, 0x01, 0x00, 0x00, // mov dword [fee000f0], 1ff
  0xc7, 0x05, 0xe0, 0x03, 0xe0, 0xfe, 0x03, 0x00, 0x00, 0x00, // mov dword [fee003e0], 3: divide by 16
  0xc7, 0x05, 0x20, 0x03, 0xe0, 0xfe, 0x30, 0x00, 0x01, 0x00, // mov dword [fee00320], 10030: one-shot, masked
  0xc7, 0x05, 0x80, 0x03, 0xe0, 0xfe, 0xff, 0xff, 0xff, 0xff, // mov dword [fee00380], ffffffff
  0xa1, 0x90, 0x03, 0xe0, 0xfe, 0xa3, 0x00, 0x00, 0x20, 0x00, // 1: mov eax, [fee00390]; mov [200000], eax
  0x0f, 0x31, 0xa3, 0x08, 0x00, 0x20, 0x00, 0x89, 0x15, 0x0c, 0x00, 0x20, 0x00, // rdtsc; mov [200008], eax; mov [20000c], edx
  0xba, 0x08, 0x06, 0x00, 0x00, 0xed, 0xa3, 0x10, 0x00, 0x20, 0x00, // mov edx, 608; in eax, dx; mov [200010], eax
  0xeb, 0xdc, // jmp 1b
);
const NANOSECONDS_PER_COUNT = 16;
const PM_TIMER_KHZ = 3579.545;

interface Clocks {
  /** Milliseconds, each from a beginning of its own. */
  readonly apic: number;
  readonly tsc: number;
  readonly pm: number;
  readonly kvmclock: number;
}

function clocks(guest: MachineUnderDebug): Clocks {
  const { machine } = guest;
  const time = machine.clock.capture();
  return {
    apic: ((0xffff_ffff - word(guest, TICKS)) * NANOSECONDS_PER_COUNT) / 1e6,
    tsc: Number(new DataView(machine.memory.read(TICKS + 8, 8).buffer).getBigUint64(0, true)) / machine.vcpus[0].native.getTscKhz(),
    pm: word(guest, TICKS + 16) / PM_TIMER_KHZ,
    kvmclock: Number(new DataView(time.kvmclock.buffer).getBigUint64(0, true)) / 1e6,
  };
}

/** Whether user space can set the TSC of this host's guests. */
function tscCanBeSet({ machine }: MachineUnderDebug): boolean {
  const vcpu = machine.vcpus[0].native;
  if (!vcpu.hasTscOffset()) return false;
  const TSC = Uint32Array.of(0x10);
  const [before] = vcpu.getMsrs(TSC);
  const offset = vcpu.getTscOffset();
  vcpu.setTscOffset(BigInt.asUintN(64, offset - (1n << 40n)));
  const [after] = vcpu.getMsrs(TSC);
  vcpu.setTscOffset(offset);
  return after < before;
}

for (const cpus of [1, 2]) {
  test(`local APIC timer, kvmclock, PM timer and TSC of ${cpus} processors stand across a stop`, (t) => withMachine(
    { guest: { name: 'apic', bytes: APIC_GUEST, boot: 'flat', mode: 'protected' }, irqchip: 'kernel', cpus, memory: 4 * MIB },
    async (guest) => {
      const canSet = tscCanBeSet(guest);
      await runFor(guest, 50);
      const before = clocks(guest);
      await sleep(STOP_MILLISECONDS);
      const began = performance.now();
      await runFor(guest, 50);
      const ran = performance.now() - began;
      const after = clocks(guest);
      for (const name of ['apic', 'pm', 'kvmclock', 'tsc'] as const) {
        const passed = after[name] - before[name];
        if (name === 'tsc' && !canSet) {
          t.ok(passed >= STOP_MILLISECONDS, `${name}: ${passed.toFixed()} ms; this host's KVM lets nobody set it`);
        } else {
          t.ok(passed > 10 && passed < ran + SLACK_MILLISECONDS, `${name}: ${passed.toFixed()} ms in ${ran.toFixed()} ms`);
        }
      }
    },
  ));
}

test('a stop that is short costs no call of KVM', (t) => withMachine({ guest: { name: 'apic', bytes: APIC_GUEST, boot: 'flat', mode: 'protected' }, irqchip: 'kernel', memory: 4 * MIB }, async (guest) => {
  let calls = 0;
  const { native } = guest.machine.vcpus[0];
  const getMsrs = native.getMsrs.bind(native);
  Object.defineProperty(native, 'getMsrs', { configurable: true, value: (indices: Uint32Array) => { calls++; return getMsrs(indices); } });
  await guest.run({ kind: 'step', thread: 1 });
  calls = 0;
  for (let i = 0; i < 200; i++) await guest.run({ kind: 'step', thread: 1 });
  t.equal(calls, 0, '200 steps one after the other');
  await sleep(5 * SHORT_STOP_MILLISECONDS + SLACK_MILLISECONDS);
  t.ok(calls > 0, 'after a while the time is looked at');
  Reflect.deleteProperty(native, 'getMsrs');
}));

test('after a load the clocks go on from where they were when it was saved', (t) => withMachine(
  { guest: { name: 'apic', bytes: APIC_GUEST, boot: 'flat', mode: 'protected' }, irqchip: 'kernel', memory: 4 * MIB },
  async (guest) => {
    await runFor(guest, 50);
    guest.monitor('snapshot save then');
    const then = clocks(guest);
    await runFor(guest, STOP_MILLISECONDS);
    guest.monitor('snapshot load then');
    t.deepEqual(clocks(guest), then);
    const began = performance.now();
    await runFor(guest, 50);
    const ran = performance.now() - began;
    const after = clocks(guest);
    for (const name of ['apic', 'pm', 'kvmclock'] as const) {
      const passed = after[name] - then[name];
      t.ok(passed > 10 && passed < ran + SLACK_MILLISECONDS, `${name}: ${passed.toFixed()} ms in ${ran.toFixed()} ms`);
    }
  },
));
