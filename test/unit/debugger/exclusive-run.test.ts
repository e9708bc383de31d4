import test from 'tape';
import { ExclusiveRun } from '../../../src/debugger/exclusive-run.js';
import type { RunPlan } from '../../../src/vmm/run-plan.js';

/** vCPUs whose runs are written down; a kick is taken when `park` says so. */
class Bench {
  readonly log: string[] = [];
  readonly cpus = ['a', 'b', 'c'].map((name) => {
    const runner = {
      active: false,
      start: (plan: RunPlan) => {
        runner.active = true;
        this.log.push(`${name} ${this.nameOf(plan)}`);
      },
      kick: () => { if (runner.active) this.log.push(`kick ${name}`); },
    };
    return { name, runner };
  });
  isParking = false;
  readonly exclusive = new ExclusiveRun(this.cpus, (_cpu, go) => go(), () => this.isParking);
  private readonly names = new Map<RunPlan, string>();

  plan(name: string): RunPlan {
    const plan: RunPlan = { mode: 'continue', waitMicroseconds: 0, fresh: true };
    this.names.set(plan, name);
    return plan;
  }

  nameOf(plan: RunPlan): string {
    return this.names.get(plan) ?? '?';
  }

  park(index: number): void {
    this.cpus[index].runner.active = false;
  }
}

test('exclusive run: who wanted only the others to stand meanwhile does not keep them', (t) => {
  const bench = new Bench();
  const { cpus: [a, b, c], exclusive, log } = bench;
  for (const cpu of [a, b, c]) exclusive.run(cpu, { kind: 'again', plan: bench.plan('runs') });
  [0, 1, 2].forEach((index) => bench.park(index));
  exclusive.ask(a, { kind: 'alone', go: () => ({ kind: 'again', plan: bench.plan('is planned anew') }) });
  exclusive.run(b, { kind: 'again', plan: bench.plan('goes on') });
  exclusive.ask(c, { kind: 'alone', go: () => bench.plan('steps') });
  log.splice(0);
  exclusive.give();
  t.deepEqual(log.splice(0), ['c steps'], 'but the turn of another comes first');
  bench.park(2);
  exclusive.done(c);
  exclusive.run(c, { kind: 'again', plan: bench.plan('goes on') });
  exclusive.give();
  t.deepEqual(log.sort(), ['a is planned anew', 'b goes on', 'c goes on'], 'all run');
  t.notOk(exclusive.isWanted);
  t.end();
});

test('exclusive run: alone only when all others are parked, and they go on with what they had', (t) => {
  const bench = new Bench();
  const { cpus: [a, b, c], exclusive, log } = bench;
  for (const cpu of [a, b, c]) exclusive.run(cpu, { kind: 'again', plan: bench.plan('runs') });
  bench.park(0);
  exclusive.ask(a, { kind: 'alone', go: () => bench.plan('steps') });
  exclusive.give();
  bench.park(1);
  exclusive.run(b, { kind: 'again', plan: bench.plan('goes on') });
  exclusive.give();
  t.deepEqual(log.splice(0), ['a runs', 'b runs', 'c runs', 'kick b', 'kick c'], 'c still runs');
  bench.park(2);
  exclusive.run(c, { kind: 'again', plan: bench.plan('goes on') });
  exclusive.give();
  t.deepEqual(log.splice(0), ['a steps']);
  bench.park(0);
  exclusive.done(a);
  exclusive.run(a, { kind: 'again', plan: bench.plan('goes on') });
  exclusive.give();
  t.deepEqual(log.splice(0), ['a goes on', 'b goes on', 'c goes on']);
  t.notOk(exclusive.isWanted);
  t.end();
});

test('exclusive run: two that want it take turns, and one that is at it stays at it', (t) => {
  const bench = new Bench();
  const { cpus: [a, b], exclusive, log } = bench;
  exclusive.ask(a, { kind: 'alone', go: () => bench.plan('first') });
  exclusive.ask(b, { kind: 'alone', go: () => bench.plan('second') });
  t.ok(exclusive.awaits(a) && exclusive.awaits(b));
  exclusive.give();
  bench.park(0);
  exclusive.ask(a, { kind: 'alone', go: () => bench.plan('first again') });
  exclusive.give();
  bench.park(0);
  exclusive.done(a);
  exclusive.run(a, { kind: 'again', plan: bench.plan('on') });
  exclusive.give();
  t.deepEqual(log.splice(0), ['a first', 'a first again', 'b second'], 'b has its turn before a goes on');
  bench.park(1);
  exclusive.done(b);
  exclusive.give();
  t.deepEqual(log, ['a on']);
  t.end();
});

test('exclusive run: at a stop who waited is told that it does not go on', (t) => {
  const bench = new Bench();
  const { cpus: [a, b], exclusive, log } = bench;
  const told: string[] = [];
  bench.cpus[2].runner.active = true;
  exclusive.ask(a, { kind: 'alone', go: () => bench.plan('never'), instead: () => told.push('a') });
  exclusive.run(b, { kind: 'again', plan: bench.plan('never'), instead: () => told.push('b') });
  exclusive.clear();
  bench.park(2);
  exclusive.give();
  t.deepEqual([told, log], [['a', 'b'], ['kick c']]);
  t.notOk(exclusive.isWanted);
  t.end();
});

test('exclusive run: who asks for a turn does not disturb the one that runs alone', (t) => {
  const bench = new Bench();
  const { cpus: [a, b, c], exclusive, log } = bench;
  exclusive.ask(a, { kind: 'alone', go: () => bench.plan('first') });
  exclusive.give();
  exclusive.ask(b, { kind: 'alone', go: () => bench.plan('second') });
  exclusive.run(c, { kind: 'again', plan: bench.plan('on') });
  exclusive.give();
  t.deepEqual(log.splice(0), ['a first'], 'no kick, and nobody beside it');
  bench.park(0);
  exclusive.done(a);
  exclusive.give();
  t.deepEqual(log, ['b second']);
  t.end();
});

test('exclusive run: who is held does not go on when one that went on before has stopped', (t) => {
  const bench = new Bench();
  const { cpus: [a, b, c], exclusive, log } = bench;
  exclusive.ask(a, { kind: 'alone', go: () => bench.plan('steps') });
  exclusive.run(b, { kind: 'again', plan: bench.plan('goes on') });
  const instead: string[] = [];
  exclusive.run(c, { kind: 'again', plan: bench.plan('goes on'), instead: () => { instead.push('c'); } });
  exclusive.give();
  bench.park(0);
  exclusive.done(a);
  const { start } = b.runner;
  b.runner.start = (plan) => {
    start(plan);
    bench.isParking = true;
  };
  exclusive.give();
  t.deepEqual(log, ['a steps', 'b goes on']);
  exclusive.clear();
  t.deepEqual(instead, ['c'], 'and what it would have brought is brought instead');
  t.end();
});
