/** Snapshots: a machine that was put back runs on exactly as the first time. */
import test, { type Test } from 'tape';
import { exampleKernel, symbolAddress } from '../machine/example-guest.js';
import { withMachine } from './machine-under-debug.js';

const SMP = exampleKernel('smp');

function same(t: Test, again: readonly string[], first: readonly string[], what: string): void {
  const different = again.findIndex((fingerprint, i) => fingerprint !== first[i]);
  t.equal(different, -1, different < 0 ? `${what}: ${again.length} equal steps` : `${what}: step ${different + 1} differs`);
}

for (const cpus of [1, 2, 4, 8]) {
  test(`${cpus} processors step on as the first time, again and again`, (t) => withMachine({ guest: SMP, cpus, irqchip: 'kernel' }, async (guest) => {
    // All have started: the one that was last is about to count, others are in their loops or have halted.
    const online = symbolAddress(SMP.bytes, 'online');
    const count = { kind: 'hardware' as const, address: symbolAddress(SMP.bytes, 'count'), length: 1 };
    for (;;) {
      guest.target.breakpoints.insert(count);
      const { thread } = await guest.continue();
      guest.target.breakpoints.remove(count);
      if (new DataView(guest.machine.memory.read(online, 4).buffer).getUint32(0, true) === cpus - 1) break;
      await guest.run({ kind: 'step', thread });
    }
    t.match(guest.monitor('snapshot save here'), /^Saved "here" in \d+\.\d{3} s: [\d.]+ (KiB|MiB) of RAM copied, [\d.]+ (KiB|MiB) in all snapshots\.\n$/);
    const threads = guest.machine.vcpus.map((_, i) => i + 1);
    const first = await guest.steps(60, threads);
    t.equal(new Set(first).size, first.length, 'each step is another state');
    for (let round = 1; round <= 2; round++) {
      t.match(guest.monitor('snapshot load here'), /^Loaded "here" in \d+\.\d{3} s: [\d.]+ [KM]iB of RAM put back\./);
      same(t, await guest.steps(60, threads), first, `load ${round}`);
    }
    guest.monitor('reset halt');
    t.match(guest.monitor('snapshot load here'), /^Loaded/);
    same(t, await guest.steps(60, threads), first, 'after a reset');
    // To the end, twice.
    for (let round = 1; round <= 2; round++) {
      guest.monitor('snapshot load here');
      guest.serial = '';
      t.deepEqual((await guest.continue()).reason, { kind: 'exited', status: 0 });
      t.ok(guest.serial.endsWith(`${cpus} processors counted to ${cpus * 1000}\n`), 'and is brought back from its end');
    }
  }));
}
