/** Several vCPUs that write one watched byte as fast as they can: every write is a stop of the vCPU that made it. */
import test from 'tape';
import { MachineTarget } from '../../../src/debugger/machine-target.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import type { StopEvent } from '../../../src/target.js';
import { Machine } from '../../../src/vmm/machine.js';
import { writeMechanisms } from './forced.js';
import { hostCapabilities } from './guest-under-debug.js';
import { COUNTER, SmpGuest as SharedGuest } from './smp-guest.js';
import { EXIT, absolute, branch, le, load, REGISTER } from './machine-code.js';
import { patience, TIME_SCALE } from '../../time-scale.js';

const WATCHED = 0xf000;
const READY = 0xe000;
const AP_START = 0x8000;
const ICR = 0xfee0_0300;
const ROUNDS = 50;

/** Real mode, every AP: writes cl, which counts down from ROUNDS. */
const AP = (() => {
  const loop = [...absolute('real', [0x88], REGISTER.cx, WATCHED), 0x49];
  const code = [0x31, 0xdb, 0x8e, 0xdb, 0xb9, ...le(ROUNDS, 2), ...loop]; // xor bx, bx; mov ds, bx; mov cx, ROUNDS
  return [...code, 0x75, 0x100 - loop.length - 2, ...absolute('real', [0xf0, 0xfe], 0, READY), 0xfa, 0xf4, 0xeb, 0xfd];
})();

/** Protected mode, the boot processor: INIT and SIPI to all others (SDM vol. 3, 11.6.1), the same loop, then the end. */
function boot(others: number): number[] {
  const start = [
    ...absolute('protected', [0xc7], 0, ICR, le(0x000c_4500, 4)),
    ...absolute('protected', [0xc7], 0, ICR, le(0x000c_4600 | AP_START >> 12, 4)),
    ...load('protected', REGISTER.cx, ROUNDS),
  ];
  const loop = [...absolute('protected', [0x88], REGISTER.cx, WATCHED), 0x49];
  const wait = absolute('protected', [0x80], 7, READY, [others]);
  const code = [...start, ...loop, ...branch('protected', [0x0f, 0x85], start.length + loop.length, start.length)];
  return [...code, ...wait, ...branch('protected', [0x0f, 0x85], code.length + wait.length, code.length), ...EXIT];
}

class SmpGuest {
  readonly machine: Machine;
  readonly target: MachineTarget;
  private waiting: (stop: StopEvent) => void = () => undefined;

  constructor(cpus: number, mechanisms: readonly Mechanism[] | undefined) {
    this.machine = Machine.create({
      memory: 4 << 20, cpus, irqchip: 'kernel',
      guest: { bytes: Uint8Array.from(boot(cpus - 1)), name: 'test', boot: 'flat', mode: 'protected' },
    });
    this.machine.memory.write(AP_START, Uint8Array.from(AP));
    this.target = new MachineTarget(this.machine, {
      capabilities: hostCapabilities, version: 'test', ...(mechanisms !== undefined && { mechanisms: new Set(mechanisms) }),
    });
    this.target.onStop((stop) => this.waiting(stop));
  }

  continue(): Promise<StopEvent> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const states = this.machine.vcpus.map((vcpu) => (vcpu.running ? 'running' : vcpu.linearPc.toString(16)));
        reject(new Error(`no stop; vCPUs ${states.join(', ')}`));
      }, patience(5000));
      this.waiting = (stop) => {
        clearTimeout(timer);
        resolve(stop);
      };
      this.target.resume(this.target.threads().map(({ id }) => ({ kind: 'continue', thread: id })));
    });
  }
}

for (const cpus of [2, 4]) {
  for (const [how, only] of writeMechanisms()) {
    test(`${cpus} vCPUs hammer one watched byte, ${how}: every write is a stop of the thread that made it`, async (t) => {
      const guest = new SmpGuest(cpus, only);
      try {
        const watch = { kind: 'write', address: BigInt(WATCHED), length: 2 } as const;
        guest.target.breakpoints.insert(watch);
        const stops = new Map<number, number>();
        for (;;) {
          const stop = await guest.continue();
          if (stop.reason.kind === 'exited') break;
          if (stop.reason.kind !== 'watchpoint') {
            t.fail(`${stop.reason.kind} after ${JSON.stringify([...stops])}: ${stop.text ?? ''}`);
            return;
          }
          stops.set(stop.thread, (stops.get(stop.thread) ?? 0) + 1);
        }
        t.deepEqual([...stops].sort(), Array.from({ length: cpus }, (_, i) => [i + 1, ROUNDS]));
      } finally {
        guest.machine.close();
      }
    });
  }
}

/** Each adds 1 to the word at [bx] or [edi], whole whatever the others do. */
const LOCKED: [string, number[], number][] = [
  ['LOCK INC', [0xf0, 0xff, 0x07], 1],
  ['LOCK XADD', [0x31, 0xc0, 0x40, 0xf0, 0x0f, 0xc1, 0x07], 1],
  // mov ax, [bx]; 2: mov dx, ax; inc dx; lock cmpxchg [bx], dx; jnz 2b
  ['LOCK CMPXCHG', [0x8b, 0x07, 0x89, 0xc2, 0x42, 0xf0, 0x0f, 0xb1, 0x17, 0x75, 0xf7], 1],
];
/** On a slow host each takes some milliseconds where a write to its page is an exit. */
const MANY = TIME_SCALE > 1 ? 200 : 2000;

for (const cpus of [2, 4]) {
  for (const [name, loop, step] of LOCKED) {
    for (const [how, only] of writeMechanisms()) {
      test(`${cpus} vCPUs, ${name} beside a watched word in the same page, ${how}: no stop, and no count is lost`, async (t) => {
        const rounds = how === 'by stepping' ? 100 : MANY;
        const guest = new SharedGuest(cpus, rounds, loop, only);
        try {
          guest.target.breakpoints.insert({ kind: 'write', address: BigInt(COUNTER + 0x80), length: 0x20 });
          const stop = await guest.continue();
          t.equal(stop.reason.kind, 'exited', stop.text);
          t.equal(guest.counter, (cpus * rounds * step) & 0xffff);
        } finally {
          guest.close();
        }
      });

      test(`${cpus} vCPUs, ${name} of a watched word, ${how}: every one is a stop, and no count is lost`, async (t) => {
        const guest = new SharedGuest(cpus, ROUNDS, loop, only);
        try {
          guest.target.breakpoints.insert({ kind: 'write', address: BigInt(COUNTER), length: 2 });
          let stops = 0;
          let stop = await guest.continue();
          for (; stop.reason.kind === 'watchpoint'; stop = await guest.continue()) stops++;
          t.equal(stop.reason.kind, 'exited', stop.text);
          t.equal(guest.counter, cpus * ROUNDS * step);
          // A comparison that fails writes what was there.
          if (name === 'LOCK CMPXCHG') t.ok(stops >= cpus * ROUNDS, `${stops} stops`);
          else t.equal(stops, cpus * ROUNDS);
        } finally {
          guest.close();
        }
      });
    }
  }
}
