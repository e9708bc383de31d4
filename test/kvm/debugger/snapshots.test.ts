/** Snapshots: a machine that was put back runs on exactly as the first time. */
import { readFileSync } from 'node:fs';
import test, { type Test } from 'tape';
import { findVideoBios, requireSeabios } from '../../../src/vmm/boot/seabios.js';
import { textRows, textScreen } from '../../../src/vmm/display/text-screen.js';
import type { BlockImage } from '../../../src/vmm/storage/block-image.js';
import { exampleKernel, symbolAddress } from '../machine/example-guest.js';
import { TIME_SCALE } from '../../time-scale.js';
import { withMachine } from './machine-under-debug.js';

const SMP = exampleKernel('smp');
/** All of RAM is looked at after each. */
const STEPS = TIME_SCALE > 1 ? 8 : 60;

function same(t: Test, again: readonly string[], first: readonly string[], what: string): void {
  const different = again.findIndex((fingerprint, i) => fingerprint !== first[i]);
  t.equal(different, -1, different < 0 ? `${what}: ${again.length} equal steps` : `${what}: step ${different + 1} differs`);
}

for (const [cpus, irqchip] of [[1, 'kernel'], [2, 'split'], [4, 'kernel'], [8, 'kernel']] as const) {
  test(`${cpus} processors, --irqchip ${irqchip}, step on as the first time, again and again`, (t) => withMachine({ guest: SMP, cpus, irqchip }, async (guest) => {
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
    const first = await guest.steps(STEPS, threads);
    t.equal(new Set(first).size, first.length, 'each step is another state');
    for (let round = 1; round <= 2; round++) {
      t.match(guest.monitor('snapshot load here'), /^Loaded "here" in \d+\.\d{3} s: [\d.]+ [KM]iB of RAM put back\./);
      same(t, await guest.steps(STEPS, threads), first, `load ${round}`);
    }
    guest.monitor('reset halt');
    t.match(guest.monitor('snapshot load here'), /^Loaded/);
    same(t, await guest.steps(STEPS, threads), first, 'after a reset');
    // To the end, twice.
    for (let round = 1; round <= 2; round++) {
      guest.monitor('snapshot load here');
      guest.serial = '';
      t.deepEqual((await guest.continue()).reason, { kind: 'exited', status: 0 });
      t.ok(guest.serial.endsWith(`${cpus} processors counted to ${cpus * 1000}\n`), 'and is brought back from its end');
    }
  }));
}

/** A disk in memory that nobody writes to. */
function bootDisk(code: readonly number[]): BlockImage {
  const disk = new Uint8Array(64 * 512);
  disk.set(code);
  disk.set([0x55, 0xaa], 510);
  return {
    name: 'ram', size: disk.length, readOnly: false, read: (offset, target) => target.set(disk.subarray(offset, offset + target.length)),
    write: () => undefined, flush: () => undefined, save: () => ({}), restore: () => undefined, close: () => undefined,
  };
}

/** mov cx, 40: 1: mov ax, 0e41; int 10h; loop 1b; mov al, 3; out f4, al: the teletype, 64 times, then exit status 7. */
const TELETYPE = [0xb9, 0x40, 0x00, 0xb8, 0x41, 0x0e, 0xcd, 0x10, 0xe2, 0xf9, 0xb0, 0x03, 0xe6, 0xf4];

test('firmware\'s board: PCI, ACPI, video card and disk are as they were, before SeaBIOS has found them and after', (t) => withMachine({
  memory: 16 << 20, irqchip: 'kernel', cpus: 2, firmwareConsole: null, drives: [{ path: 'ram', kind: 'disk', mode: 'snapshot', channel: 0, unit: 0, image: bootDisk(TELETYPE) }],
  firmware: { name: 'SeaBIOS', bytes: readFileSync(requireSeabios()), ...(findVideoBios() !== undefined && { videoRom: readFileSync(findVideoBios() as string) }) },
}, async (guest) => {
  const row = (): string => {
    const screen = textScreen(guest.machine.video);
    return (screen === undefined ? [] : textRows(screen)).find((text) => text.includes('AAAA'))?.trim() ?? '';
  };
  guest.monitor('snapshot save reset');
  guest.target.breakpoints.insert({ kind: 'hardware', address: 0x7c00n, length: 1 });
  t.equal((await guest.continue()).reason.kind, 'breakpoint', 'at its boot sector');
  guest.target.breakpoints.clear();
  guest.monitor('snapshot save booted');
  const pci = guest.monitor('info pci');
  for (let round = 1; round <= 2; round++) {
    t.deepEqual((await guest.continue()).reason, { kind: 'exited', status: 7 }, `run ${round}`);
    t.equal(row(), 'A'.repeat(64), 'on the screen');
    guest.monitor('snapshot load reset');
    t.notEqual(guest.monitor('info pci'), pci, 'nothing has been given addresses');
    guest.monitor('snapshot load booted');
    t.equal(guest.monitor('info pci'), pci);
    t.equal(row(), '');
  }
}));
