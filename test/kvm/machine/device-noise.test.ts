/**
 * A guest that writes anything anywhere: random accesses to every port and address that a device has, and to what its base address
 * registers move there. No device throws, gives more bytes than were asked for, keeps the server busy, or loses its state in a
 * snapshot.
 */
import test from 'tape';
import type { DeviceState } from '../../../src/vmm/device.js';
import type { Exit } from '../../../src/vmm/exit.js';
import type { Machine } from '../../../src/vmm/machine.js';
import { randomNumbers } from '../../random-numbers.js';
import { board, ramDisk } from './seabios-board.js';

const ACCESSES = 60_000;
const MIB = 1 << 20, RAM = 32 * MIB;
/** Of one access: the largest is a DMA of fw_cfg into all of RAM. */
const LONGEST_MILLISECONDS = 5000;

type Random = (below: number) => number;

/** What registers make sense of, or should not: commands and small indices, single bits, extremes, addresses of RAM, anything. */
function value(random: Random): number {
  switch (random(6)) {
    case 0: return random(0x100);
    case 1: return (1 << random(32)) >>> 0;
    case 2: return [0, 0xff, 0xffff, 0xffff_ffff, 0x8000_0000, 0x7fff_ffff][random(6)];
    case 3: return random(RAM);
    case 4: return 0x8000_0000 + random(0x2000) * 4;
    default: return random(0x1_0000) * 0x1_0000 + random(0x1_0000);
  }
}

function bytes(size: number, count: number, random: Random): Uint8Array {
  const data = new Uint8Array(size * count);
  for (let at = 0; at < data.length; at += size) {
    const written = value(random);
    for (let i = 0; i < size; i++) data[at + i] = written >>> (8 * i);
  }
  return data;
}

/** To a port, now and then a REP of it; or to an address. */
function access({ ports, mmio }: Machine, random: Random): Exit & { reason: 'io' | 'mmio' } {
  if (random(4) > 0) {
    const range = ports.ranges[random(ports.ranges.length)];
    const size = [1, 1, 2, 4][random(4)];
    const count = random(8) === 0 ? 1 + random(1024 / size) : 1;
    return {
      reason: 'io', direction: random(3) === 0 ? 'in' : 'out', size, count, data: bytes(size, count, random),
      port: Math.min(range.base + random(range.length), 0x1_0000 - size),
    };
  }
  const range = mmio.ranges[random(mmio.ranges.length)];
  const size = [1, 2, 4, 8][random(4)];
  return { reason: 'mmio', isWrite: random(3) > 0, address: range.base + BigInt(random(Number(range.length))), data: bytes(size, 1, random) };
}

const described = (exit: Exit): string => JSON.stringify(exit, (key, of: unknown) => (typeof of === 'bigint' ? `0x${of.toString(16)}` : key === 'data' ? undefined : of));

for (const irqchip of ['kernel', 'split'] as const) {
  test(`random accesses to every device, --irqchip ${irqchip}`, (t) => {
    const { machine, said } = board({
      irqchip, clock: 'run', memory: RAM, drives: [
        { path: 'disk', kind: 'disk', mode: 'write', channel: 0, unit: 0, image: ramDisk(new Uint8Array(MIB)) },
        { path: 'cd', kind: 'cdrom', mode: 'readonly', channel: 1, unit: 0, image: { ...ramDisk(new Uint8Array(MIB)), readOnly: true } },
      ],
    });
    const random = randomNumbers(irqchip === 'split' ? 20_261_122 : 20_261_121);
    const [vcpu] = machine.vcpus;
    const descriptors = bytes(4, MIB / 4, random);
    const fill = (): void => { for (let at = 0; at < RAM; at += MIB) if (machine.memory.contains(at, MIB)) machine.memory.write(at, descriptors); };
    fill();
    const faults: string[] = [];
    let events = 0, longest = 0, slowest = '';
    try {
      for (let i = 0; i < ACCESSES && faults.length < 5; i++) {
        const exit = access(machine, random);
        const before = exit.data.length;
        const began = performance.now();
        try {
          machine.serve(vcpu, exit);
          if (exit.data.length !== before) faults.push(`access ${i}: ${described(exit)} has ${exit.data.length} bytes`);
        } catch (error) {
          faults.push(`access ${i}: ${described(exit)}: ${(error as Error).stack}`);
        }
        const took = performance.now() - began;
        if (took > longest) [longest, slowest] = [took, described(exit)];
        if (machine.takeEvent() !== undefined) {
          // As the machine would: it starts over, which puts the base addresses back, too.
          if (++events % 100 !== 0) continue;
          machine.reset();
          fill();
        }
      }
      t.deepEqual(faults, [], `${ACCESSES} accesses`);
      t.ok(longest < LONGEST_MILLISECONDS, `the longest took ${longest.toFixed()} ms: ${slowest}`);
      t.ok(events > 0, `${events} resets and power-offs`);
      t.ok(said.length < 2000, `${said.length} sentences in the log`);
      for (const device of machine.devices) {
        const saved = device.save();
        device.restore(JSON.parse(JSON.stringify(saved)) as DeviceState);
        // The PM timer runs on with the machine's clock.
        const timeless = (state: DeviceState): DeviceState => ({ ...state, ticks: 0 });
        t.deepEqual(timeless(device.save()), timeless(saved), device.name);
      }
    } finally {
      machine.close();
    }
    t.end();
  });
}
