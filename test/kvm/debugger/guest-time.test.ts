/** Time across a stop of the debugger: with the policy `pause` the guest's clocks stand, with `run` they go on. */
import test from 'tape';
import { setTimeout as sleep } from 'node:timers/promises';
import { APIC_GUEST, pitGuest } from './timer-guests.js';
import { withMachine, type MachineUnderDebug } from './machine-under-debug.js';
import { canSetTsc } from '../../../src/vmm/host/tsc-control.js';
import { SHORT_STOP_MILLISECONDS } from '../../../src/vmm/guest-clock.js';
import { PIT_HZ } from '../../../src/vmm/devices/i8254-counter.js';
import { patience, TIME_SCALE } from '../../time-scale.js';

const MIB = 1 << 20;
const STOP_MILLISECONDS = 400;
/** What a busy host may need between a stop or a start and the moment at which this program looks. */
const SLACK_MILLISECONDS = 150 * TIME_SCALE;

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
/** Ticks that our PIT makes up for. */
const BACKLOG = 32;

/** Ticks that our PIT has not told yet: a slow guest takes them later. */
function owed({ machine: { irqchip } }: MachineUnderDebug): number {
  const state = irqchip?.save();
  if (state === undefined || !('devices' in state)) return 0;
  const { counters: [{ age, count }], told } = state.devices[3] as unknown as { counters: { age: number; count: number }[]; told: number };
  const ends = Math.floor((age * Number(PIT_HZ)) / 1e9 / count);
  return Math.min(BACKLOG, ends - told);
}

for (const [irqchip, clock] of [['kernel', 'pause'], ['kernel', 'run'], ['split', 'pause'], ['split', 'run']] as const) {
  // On a slow host it is slower, or there would be no room for what a stop has kept back.
  test(`a PIT of ${1000 / TIME_SCALE} Hz, --irqchip ${irqchip}, --clock ${clock}`, (t) => withMachine({ guest: { name: 'pit', bytes: pitGuest(1193 * TIME_SCALE), boot: 'flat' }, irqchip, clock, memory: MIB }, async (guest) => {
    for (let i = 0; i < 50 && word(guest, COUNTER) <= 10; i++) await runFor(guest, 100);
    t.ok(word(guest, COUNTER) > 10, `${word(guest, COUNTER)} ticks at first`);
    const all = irqchip === 'kernel' && clock === 'run';
    let late = 0, ticks = 0, ran = 0;
    // On a busy machine KVM, which gives the guest one at a time, may be too late for the many that are to come: the next stop, then.
    const end = performance.now() + patience(30_000);
    for (let isEnough = false; !isEnough && performance.now() < end; isEnough = !all || ticks > ran + 2 * SHORT_STOP_MILLISECONDS) {
      const before = word(guest, COUNTER);
      late = owed(guest) * TIME_SCALE;
      await sleep(STOP_MILLISECONDS);
      if (word(guest, COUNTER) !== before) t.fail('a tick while it stands');
      const began = performance.now();
      await runFor(guest, 60 * TIME_SCALE);
      ticks = (word(guest, COUNTER) - before) * TIME_SCALE;
      ran = performance.now() - began;
    }
    if (irqchip === 'split' && clock === 'run') t.ok(ticks <= ran + BACKLOG * TIME_SCALE + 2 * SHORT_STOP_MILLISECONDS, `ticks of ${ticks} ms in ${ran.toFixed()} ms: few of those of the stop`);
    else if (clock === 'pause') t.ok(ticks <= ran + late + 2 * SHORT_STOP_MILLISECONDS, `ticks of ${ticks} ms in ${ran.toFixed()} ms, and of ${late} ms from before: no storm`);
    else t.ok(ticks > ran + 2 * SHORT_STOP_MILLISECONDS, `ticks of ${ticks} ms in ${ran.toFixed()} ms: those of the stop come too`);
  }));
}

const TICKS = 0x20_0000;
const NANOSECONDS_PER_COUNT = 16;
const PM_TIMER_KHZ = 3579.545;
const PM_TIMER_PORT = 0x608;

interface Clocks {
  /** Milliseconds, each from a beginning of its own. */
  readonly apic: number;
  readonly tsc: number;
  readonly pm: number;
  readonly kvmclock: number;
}

/** As the guest would read them now. */
function clocks({ machine }: MachineUnderDebug): Clocks {
  const { cpus: [{ timerCount, tsc }], kvmclock } = machine.clock.capture();
  return {
    apic: ((0xffff_ffff - timerCount) * NANOSECONDS_PER_COUNT) / 1e6,
    tsc: Number(tsc) / machine.vcpus[0].native.getTscKhz(),
    pm: machine.ports.read(PM_TIMER_PORT, 4) / PM_TIMER_KHZ,
    kvmclock: Number(new DataView(kvmclock.buffer).getBigUint64(0, true)) / 1e6,
  };
}

/** Runs the guest until it has set its timer up and read it. */
async function runUntilSetUp(guest: MachineUnderDebug): Promise<void> {
  do await runFor(guest, 50);
  while (word(guest, TICKS) === 0);
}

for (const cpus of [1, 2, 4, 8]) {
  test(`local APIC timer, kvmclock, PM timer and TSC of ${cpus} processors stand across a stop`, (t) => withMachine(
    { guest: { name: 'apic', bytes: APIC_GUEST, boot: 'flat', mode: 'protected' }, irqchip: 'kernel', cpus, memory: 4 * MIB },
    async (guest) => {
      const canSet = canSetTsc(guest.machine.vcpus[0].native);
      await runUntilSetUp(guest);
      const before = clocks(guest);
      await sleep(STOP_MILLISECONDS);
      const began = performance.now();
      await runFor(guest, 50);
      const after = clocks(guest);
      const ran = performance.now() - began;
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
    await runUntilSetUp(guest);
    guest.monitor('snapshot save then');
    const then = clocks(guest);
    await runFor(guest, STOP_MILLISECONDS);
    guest.monitor('snapshot load then');
    const loaded = clocks(guest);
    t.deepEqual({ ...loaded, pm: then.pm }, then);
    t.ok(Math.abs(loaded.pm - then.pm) < 0.001, 'the PM timer to a tick or two');
    const began = performance.now();
    await runFor(guest, 50);
    const after = clocks(guest);
    const ran = performance.now() - began;
    for (const name of ['apic', 'pm', 'kvmclock'] as const) {
      const passed = after[name] - then[name];
      t.ok(passed > 10 && passed < ran + SLACK_MILLISECONDS, `${name}: ${passed.toFixed()} ms in ${ran.toFixed()} ms`);
    }
  },
));
