/**
 * Random commands to several vCPUs that count together, against what must hold at each stop: every vCPU has made exactly the
 * rounds that the counter shows, who was not resumed has not moved, and each stop is of something that is set.
 */
import test from 'tape';
import type { BreakpointRequest, StopEvent } from '../../../src/target.js';
import { executionMechanisms, watchMechanisms, type Forced } from './forced.js';
import { COUNTER, LOOP, SmpGuest } from './smp-guest.js';
import { TIME_SCALE } from '../../time-scale.js';
import { randomNumbers } from '../../random-numbers.js';

const ROUNDS = 20_000;
const COMMANDS = 100;
/** mov al, 255; 1: dec al; jnz 1b: on a slow host the vCPUs are fast beside this program, and would be done at once. */
const DELAY = TIME_SCALE > 1 ? [0xb0, 0xff, 0xfe, 0xc8, 0x75, 0xfc] : [];
/** lock inc word [bx], DELAY, dec cx, jnz LOOP */
const INC = BigInt(LOOP);
const BEHIND_INC = INC + 3n;
const DEC = BEHIND_INC + BigInt(DELAY.length);
const JNZ = DEC + 1n;
const BEHIND = DEC + 3n;
const AP_END = 0x8200n;
const WATCH: BreakpointRequest = { kind: 'write', address: BigInt(COUNTER), length: 2 };
const CHOICES: readonly BreakpointRequest[] = [
  ...[INC, DEC, JNZ].map((address) => ({ kind: 'software' as const, address, length: 1 })),
  { kind: 'hardware', address: INC, length: 1 }, WATCH,
];

class Stress {
  readonly guest: SmpGuest;
  /** On a slow host the guest may be done before all commands are. */
  ended: StopEvent | undefined;
  private readonly set = new Set<BreakpointRequest>();

  constructor(readonly cpus: number, how: Forced, private readonly random: (below: number) => number) {
    this.guest = new SmpGuest(cpus, ROUNDS, [0xf0, 0xff, 0x07, ...DELAY], how[1]);
  }

  /** What is wrong now; undefined if nothing. */
  wrong(stop: StopEvent): string | undefined {
    const { guest } = this;
    const made = guest.threads.map((thread) => this.rounds(thread)).reduce((sum, rounds) => sum + rounds, 0);
    if ((made & 0xffff) !== guest.counter) {
      const places = guest.threads.map((thread) => `${guest.register(thread, 'rip').toString(16)} (${guest.left(thread)} left)`);
      return `${made} rounds were made, and the counter is ${guest.counter}, at ${stop.reason.kind}; the vCPUs are at ${places.join(', ')}`;
    }
    const { reason } = stop;
    if (reason.kind === 'exited' && TIME_SCALE > 1) {
      this.ended = stop;
      return undefined;
    }
    const pc = guest.register(stop.thread, 'rip');
    const isSet = (what: (request: BreakpointRequest) => boolean): boolean => [...this.set].some(what);
    if (reason.kind === 'breakpoint' && !(pc === reason.address && isSet(({ kind, address }) => kind === reason.breakpoint && address === pc))) return `${reason.breakpoint} breakpoint at 0x${pc.toString(16)}`;
    if (reason.kind === 'watchpoint' && !(pc === BEHIND_INC && isSet((request) => request === WATCH))) return `watchpoint at 0x${pc.toString(16)}`;
    return ['breakpoint', 'watchpoint', 'step', 'interrupt'].includes(reason.kind) ? undefined : `${reason.kind}: ${stop.text ?? ''}`;
  }

  /** How often a vCPU has counted. */
  private rounds(thread: number): number {
    const pc = this.guest.register(thread, 'rip');
    if (pc >= INC && pc <= BEHIND) return ROUNDS - this.guest.left(thread) + (pc > INC && pc <= DEC ? 1 : 0);
    return pc >= AP_END && pc < 0x9000n ? ROUNDS : 0;
  }

  async command(): Promise<string | undefined> {
    const { guest, random } = this;
    switch (random(6)) {
      case 0: case 1: {
        const choice = CHOICES[random(CHOICES.length)];
        if (this.set.delete(choice)) guest.target.breakpoints.remove(choice);
        else {
          guest.target.breakpoints.insert(choice);
          this.set.add(choice);
        }
        return undefined;
      }
      case 2: case 3: {
        const thread = 1 + random(this.cpus);
        const waits = guest.target.threads().map(({ state }) => /SIPI/.test(state));
        if (waits[thread - 1]) return undefined;
        const before = guest.threads.map((id) => guest.register(id, 'rip'));
        const stop = await guest.step(thread);
        // The step may have been the SIPI that starts the others.
        const moved = guest.threads.filter((id) => id !== thread && !waits[id - 1] && guest.register(id, 'rip') !== before[id - 1]);
        return moved.length > 0 ? `a step of ${thread} moved ${moved.join()}` : this.wrong(stop);
      }
      default: {
        setTimeout(() => guest.target.interrupt(), random(4));
        return this.wrong(await guest.continue());
      }
    }
  }

  async finish(): Promise<StopEvent> {
    this.guest.target.breakpoints.clear();
    let stop = await this.guest.continue();
    // An interrupt of old may still come.
    while (stop.reason.kind === 'interrupt') stop = await this.guest.continue();
    return stop;
  }
}

for (const cpus of [1, 2, 4, 8]) {
  for (const how of [...executionMechanisms({ kernelIrqchip: true }), ...watchMechanisms().slice(1)]) {
    test(`${COMMANDS} random commands to ${cpus} vCPUs, ${how[0]} (${how[1]?.join() ?? 'all'})`, async (t) => {
      const stress = new Stress(cpus, how, randomNumbers(cpus * 7919 + (how[1]?.length ?? 0)));
      try {
        for (let i = 0; i < COMMANDS && stress.ended === undefined; i++) {
          const wrong = await stress.command();
          if (wrong !== undefined) {
            t.fail(`command ${i}: ${wrong}`);
            return;
          }
        }
        const end = stress.ended ?? await stress.finish();
        t.equal(end.reason.kind, 'exited', end.text);
        t.equal(stress.guest.counter, (cpus * ROUNDS) & 0xffff);
      } finally {
        stress.guest.close();
      }
    });
  }
}
