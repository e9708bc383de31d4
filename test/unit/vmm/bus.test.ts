import test from 'tape';
import type { AccessSize, MmioDevice, PortDevice } from '../../../src/vmm/device.js';
import { MmioBus } from '../../../src/vmm/mmio-bus.js';
import { PortBus } from '../../../src/vmm/port-bus.js';
import type { IoExit } from '../../../src/vmm/exit.js';

class Recorder implements PortDevice, MmioDevice {
  readonly calls: string[] = [];
  constructor(readonly name: string, readonly portWidth: AccessSize) {}
  readPort(offset: number, size: AccessSize): number {
    this.calls.push(`r${size}@${offset}`);
    return 0x40 + offset;
  }
  writePort(offset: number, size: AccessSize, value: number): void {
    this.calls.push(`w${size}@${offset}=${value.toString(16)}`);
  }
  readMmio(offset: number, data: Uint8Array): void {
    data.fill(offset);
  }
  writeMmio(offset: number, data: Uint8Array): void {
    this.calls.push(`m@${offset}=${[...data].join()}`);
  }
  reset(): void {}
  save(): Record<string, never> { return {}; }
  restore(): void {}
}

function io(direction: 'in' | 'out', port: number, size: number, data: number[]): IoExit {
  return { reason: 'io', direction, port, size, count: data.length / size, data: Uint8Array.from(data) };
}

test('a port device sees offsets, and wide accesses are split to its width', (t) => {
  const bus = new PortBus();
  const narrow = new Recorder('narrow', 1), word = new Recorder('word', 2);
  bus.claim(narrow, 0x100, 2);
  bus.claim(word, 0x102, 2, 8);
  bus.serve(io('out', 0x100, 4, [1, 2, 3, 4]));
  t.deepEqual(narrow.calls, ['w1@0=1', 'w1@1=2']);
  t.deepEqual(word.calls, ['w2@8=403']);

  const exit = io('in', 0x100, 4, [0, 0, 0, 0]);
  bus.serve(exit);
  t.deepEqual([...exit.data], [0x40, 0x41, 0x48, 0x00]);
  t.deepEqual(bus.ranges.map(({ base, device }) => [base, device]), [[0x100, 'narrow'], [0x102, 'word']]);
  t.end();
});

test('REP INS and OUTS are offered to a device as a block, and the rest goes element by element', (t) => {
  const bus = new PortBus();
  const device = Object.assign(new Recorder('d', 2), {
    readPortBlock: (offset: number, size: AccessSize, data: Uint8Array): number => {
      device.calls.push(`R${size}@${offset}+${data.length}`);
      return data.fill(0xee, 0, 4).subarray(0, 4).length;
    },
    writePortBlock: (offset: number, size: AccessSize, data: Uint8Array): number => {
      device.calls.push(`W${size}@${offset}=${[...data].join()}`);
      return data.length;
    },
  });
  bus.claim(device, 0x20, 2, 6);
  const exit = io('in', 0x20, 2, [0, 0, 0, 0, 0, 0]);
  bus.serve(exit);
  t.deepEqual([...exit.data], [0xee, 0xee, 0xee, 0xee, 0x46, 0]);
  bus.serve(io('out', 0x20, 2, [1, 2, 3, 4]));
  bus.serve(io('out', 0x20, 2, [5, 6]));
  bus.serve({ ...io('out', 0x20, 2, [1, 2, 3, 4, 9, 9]), count: 2 });
  t.deepEqual(device.calls, ['R2@6+6', 'r2@6', 'W2@6=1,2,3,4', 'w2@6=605', 'W2@6=1,2,3,4'], 'one element is no block');
  t.end();
});

test('a block port that is narrower than the access takes no blocks', (t) => {
  const bus = new PortBus();
  const device = Object.assign(new Recorder('d', 1), { readPortBlock: () => t.fail('asked for a block') as unknown as number });
  bus.claim(device, 0x20, 2);
  const exit = io('in', 0x20, 2, [0, 0, 0, 0]);
  bus.serve(exit);
  t.deepEqual([...exit.data], [0x40, 0x41, 0x40, 0x41]);
  t.end();
});

test('REP OUTS and REP INS go to one port, element by element', (t) => {
  const bus = new PortBus();
  const device = new Recorder('d', 1);
  bus.claim(device, 0x20, 1);
  bus.serve(io('out', 0x20, 1, [7, 8, 9]));
  t.deepEqual(device.calls, ['w1@0=7', 'w1@0=8', 'w1@0=9']);
  const exit = io('in', 0x20, 1, [0, 0]);
  bus.serve(exit);
  t.deepEqual([...exit.data], [0x40, 0x40]);
  t.throws(() => bus.serve({ ...exit, count: 9 }), /2 bytes for 9 elements/);
  t.end();
});

test('unknown ports read all ones, are counted, and logged once', (t) => {
  const log: string[] = [];
  const bus = new PortBus((text) => log.push(text));
  for (const size of [1, 2, 4]) {
    const exit = io('in', 0x71, size, new Array<number>(size).fill(0));
    bus.serve(exit);
    t.ok(exit.data.every((byte) => byte === 0xff), `${size} bytes`);
  }
  bus.serve(io('out', 0x71, 1, [5]));
  t.equal(bus.unknownPorts.get(0x71), 4);
  t.equal(log.length, 1);
  t.match(log[0], /no device at port 0x71/);

  const half = new Recorder('half', 1);
  bus.claim(half, 0xffff, 1);
  const exit = io('in', 0xfffe, 2, [0, 0]);
  bus.serve(exit);
  t.deepEqual([...exit.data], [0xff, 0x40], 'only the owned half answers');
  t.end();
});

test('ports have one owner', (t) => {
  const bus = new PortBus();
  bus.claim(new Recorder('first', 1), 0x10, 4);
  t.throws(() => bus.claim(new Recorder('second', 1), 0x13, 2), /second cannot have port 0x13: first has it/);
  t.throws(() => bus.claim(new Recorder('far', 1), 0xffff, 2), /ports are 0 to 0xffff/);
  t.end();
});

test('MMIO: offsets, unknown pages, overlaps', (t) => {
  const log: string[] = [];
  const bus = new MmioBus((text) => log.push(text));
  const device = new Recorder('frame', 4);
  bus.claim(device, 0xfec0_0000n, 0x20n);
  t.throws(() => bus.claim(new Recorder('other', 4), 0xfec0_001fn, 1n), /frame has 0xfec00000/);

  const read = { reason: 'mmio', isWrite: false, address: 0xfec0_0010n, data: new Uint8Array(4) } as const;
  bus.serve(read);
  t.deepEqual([...read.data], [16, 16, 16, 16]);
  bus.serve({ reason: 'mmio', isWrite: true, address: 0xfec0_0000n, data: Uint8Array.of(1, 2) });
  t.deepEqual(device.calls, ['m@0=1,2']);

  const outside = { reason: 'mmio', isWrite: false, address: 0xfec0_001en, data: new Uint8Array(4) } as const;
  bus.serve(outside);
  t.deepEqual([...outside.data], [255, 255, 255, 255], 'half outside is outside');
  bus.serve(outside);
  t.equal(bus.unknownPages.get(0xfec0_0000n), 2);
  t.equal(log.length, 1);
  for (let page = 0n; page < 3000n; page++) bus.serve({ reason: 'mmio', isWrite: true, address: page << 12n, data: new Uint8Array(1) });
  t.equal(bus.unknownPages.size, 1024, 'a scan does not fill memory');
  t.equal(bus.unknownTotal, 3002);
  t.end();
});
