/**
 * Random commands in non-stop to several vCPUs that count together, against what must hold: each thread that was let go stops once,
 * for something that is set or asked; a step is one instruction; who stands does not move; nobody passes a breakpoint; and when all
 * stand every vCPU has made exactly the rounds that the counter shows.
 */
import test from 'tape';
import type { BreakpointRequest, ResumeAction, StopEvent } from '../../../src/target.js';
import { TIME_SCALE } from '../../time-scale.js';
import type { IrqchipKind } from '../../../src/vmm/irqchip/interrupt-controllers.js';
import { executionMechanisms, watchMechanisms, type Forced } from './forced.js';
import { NonStopGuest } from './non-stop-guest.js';
import { COUNTER, LOOP } from './smp-guest.js';
import { randomNumbers } from '../../random-numbers.js';

/** So slow, by its port, that nobody comes to the end. */
const ROUNDS = 0xffff;
/** On a slow host 120 in each of its ways take longer than a file may. More, until a step and a breakpoint have come. */
const COMMANDS = TIME_SCALE > 1 ? 40 : 120;
/** lock inc word [bx]; out 99h, al; dec cx; jnz LOOP */
const BODY = [0xf0, 0xff, 0x07, 0xe6, 0x99];
const INC = BigInt(LOOP), OUT = INC + 3n, DEC = INC + 5n, JNZ = INC + 6n;
const ORDER = [INC, OUT, DEC, JNZ];
const HERE: BreakpointRequest = { kind: 'software', address: INC, length: 1 };
const WATCH: BreakpointRequest = { kind: 'write', address: BigInt(COUNTER), length: 2 };
const CHOICES: readonly BreakpointRequest[] = [
  HERE, ...[OUT, JNZ].map((address) => ({ kind: 'software' as const, address, length: 1 })), { kind: 'hardware', address: DEC, length: 1 }, WATCH,
];

/** Where a thread stands: its pc, and how often it has counted. */
interface Place {
  readonly pc: bigint;
  readonly made: number;
}

interface Going {
  readonly kind: ResumeAction['kind'];
  readonly from: Place;
  /** Breakpoints have come or gone meanwhile. */
  changed: boolean;
}

class Model {
  readonly run: NonStopGuest;
  readonly wrong: string[] = [];
  /** How often a stop of each kind came. */
  readonly seen = new Map<string, number>();
  private readonly set = new Set<BreakpointRequest>();
  private readonly going = new Map<number, Going>();
  private readonly standing = new Map<number, Place>();
  private readonly asked = new Set<number>();

  constructor(readonly cpus: number, irqchip: IrqchipKind, how: Forced, private readonly random: (below: number) => number) {
    this.run = new NonStopGuest(cpus, ROUNDS, BODY, how[1], irqchip);
  }

  /** What came in one way or the other. */
  get hasSeenAll(): boolean {
    return this.seen.has('step') && this.seen.has('breakpoint');
  }

  /** All stand at the beginning of the loop. */
  async begin(): Promise<void> {
    const { run } = this;
    run.guest.target.breakpoints.insert(HERE);
    await run.continue(...run.guest.threads);
    for (const thread of run.guest.threads) await run.stop(thread);
    run.guest.target.breakpoints.remove(HERE);
    for (const thread of run.guest.threads) this.standing.set(thread, this.place(thread));
    run.guest.target.onStop((stop) => this.told(stop));
  }

  async command(): Promise<void> {
    const { run, random } = this;
    const { threads, target } = run.guest;
    const one = threads[random(this.cpus)];
    switch (random(8)) {
      case 0: case 1: {
        // Few at a time, or all stand at one most of the time.
        const choice = random(3) > 0 ? [...this.set].at(0) ?? CHOICES[random(CHOICES.length)] : CHOICES[random(CHOICES.length)];
        return run.held(() => {
          if (this.set.delete(choice)) target.breakpoints.remove(choice);
          else {
            target.breakpoints.insert(choice);
            this.set.add(choice);
          }
          for (const going of this.going.values()) going.changed = true;
        });
      }
      case 2: return this.resume('continue', threads);
      case 3: return this.resume('continue', [one]);
      case 4: case 5: return this.resume('step', [one]);
      case 6: return this.stop(threads.filter(() => random(2) === 0));
      default: return new Promise((resolve) => setTimeout(resolve, random(4)));
    }
  }

  async standAll(): Promise<void> {
    const { guest } = this.run;
    await this.stop(guest.threads);
    if (this.going.size > 0) this.wrong.push(`threads ${[...this.going.keys()].join()} go on`);
    const made = [...this.standing.values()].reduce((sum, place) => sum + place.made, 0);
    if ((made & 0xffff) !== guest.counter) this.wrong.push(`${made} rounds were made, and the counter is ${guest.counter}`);
  }

  private async stop(threads: readonly number[]): Promise<void> {
    const { run } = this;
    await run.held(() => {
      for (const thread of threads) this.asked.add(thread);
      run.nonStop.stop(threads, 'requested');
      this.asked.clear();
    });
    for (const thread of threads) if (run.nonStop.isRunning(thread)) this.wrong.push(`thread ${thread} runs though it was stopped`);
  }

  private resume(kind: 'continue' | 'step', threads: readonly number[]): Promise<void> {
    return this.run.held(() => {
      const chosen = threads.filter((thread) => this.standing.has(thread));
      for (const thread of chosen) {
        const from = this.standing.get(thread) as Place;
        const now = this.place(thread);
        if (now.pc !== from.pc || now.made !== from.made) this.wrong.push(`thread ${thread} has moved while it stood`);
        this.standing.delete(thread);
        this.going.set(thread, { kind, from, changed: false });
      }
      if (chosen.length > 0) this.run.guest.target.resume(chosen.map((thread) => ({ kind, thread })));
    });
  }

  private told({ thread, reason, text }: StopEvent): void {
    const going = this.going.get(thread);
    const place = this.place(thread);
    this.seen.set(reason.kind, (this.seen.get(reason.kind) ?? 0) + 1);
    const error = going === undefined ? 'was not running' : this.mistake(thread, reason, going, place);
    if (error !== undefined) this.wrong.push(`${reason.kind} of thread ${thread} at 0x${place.pc.toString(16)}: ${error}${text === undefined ? '' : `; ${text}`}`);
    this.going.delete(thread);
    this.standing.set(thread, place);
  }

  private mistake(thread: number, reason: StopEvent['reason'], { kind, from, changed }: Going, place: Place): string | undefined {
    const rounds = place.made - from.made;
    const breakpoints = [...this.set].filter((request) => request !== WATCH);
    if (breakpoints.length > 0 && !changed && (rounds < 0 || rounds > 1)) return `${rounds} rounds through breakpoints`;
    switch (reason.kind) {
      case 'breakpoint':
        return place.pc === reason.address && breakpoints.some(({ address }) => address === place.pc) ? undefined : 'none is there';
      case 'watchpoint':
        return this.set.has(WATCH) && place.pc === OUT ? undefined : 'it is not set, or not here';
      case 'step':
        return kind === 'step' && ORDER[(ORDER.indexOf(from.pc) + 1) % ORDER.length] === place.pc && rounds === (from.pc === INC ? 1 : 0) ? undefined : `from 0x${from.pc.toString(16)}, ${rounds} rounds`;
      case 'requested':
        return this.asked.has(thread) ? undefined : 'nobody asked';
      default:
        return 'unexpected';
    }
  }

  private place(thread: number): Place {
    const { guest } = this.run;
    const pc = guest.register(thread, 'rip');
    return { pc, made: ROUNDS - guest.left(thread) + (pc === OUT || pc === DEC ? 1 : 0) };
  }
}

type Way = readonly [how: Forced, irqchip: IrqchipKind];
const forced = [...executionMechanisms({ kernelIrqchip: true }), ...watchMechanisms().slice(1)];
const ways: readonly Way[] = [...forced.map((how): Way => [how, 'kernel']), [forced[0], 'split']];
for (const cpus of [1, 2, 4, 8]) {
  for (const [how, irqchip] of ways) {
    test(`non-stop: ${COMMANDS} random commands to ${cpus} vCPUs, irqchip ${irqchip}, ${how[0]} (${how[1]?.join() ?? 'all'})`, async (t) => {
      const model = new Model(cpus, irqchip, how, randomNumbers(cpus * 6007 + (how[1]?.length ?? 0)));
      try {
        await model.begin();
        for (let i = 0; i < COMMANDS || (!model.hasSeenAll && i < 20 * COMMANDS); i++) {
          if (model.wrong.length > 0) break;
          await model.command();
          if (i % 10 === 9) await model.standAll();
        }
        t.deepEqual(model.wrong, []);
        t.ok(model.hasSeenAll, `seen: ${[...model.seen].join(' ')}`);
      } finally {
        model.run.guest.close();
      }
    });
  }
}
