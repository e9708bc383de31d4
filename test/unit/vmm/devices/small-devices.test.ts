import test from 'tape';
import type { MachineEvent } from '../../../../src/vmm/device.js';
import { ramLayout } from '../../../../src/vmm/guest-memory.js';
import { PortBus } from '../../../../src/vmm/port-bus.js';
import { addStandardDevices, type StandardDevices } from '../../../../src/vmm/standard-devices.js';

interface Bench {
  readonly bus: PortBus;
  readonly devices: StandardDevices;
  readonly events: MachineEvent[];
  readonly serial: number[];
  readonly console: number[];
}

function bench(): Bench {
  const bus = new PortBus();
  const events: MachineEvent[] = [];
  const serial: number[] = [], console: number[] = [];
  const devices = addStandardDevices(bus, {
    raise: (event) => events.push(event),
    serial: { write: (bytes) => serial.push(...bytes) },
    debugConsole: { write: (bytes) => console.push(...bytes) },
    firmwareConsole: { write: (bytes) => console.push(...bytes) },
    ram: ramLayout(1 << 27),
    cpus: 1,
  });
  return { bus, devices, events, serial, console };
}

test('isa-debug-exit ends with QEMU\'s status', (t) => {
  for (const port of [0xf4, 0x501]) {
    const { bus, events } = bench();
    bus.write(port, 1, 0x10);
    t.equal(events[0]?.kind === 'power-off' && events[0].status, 0x21, `port 0x${port.toString(16)}`);
  }
  const { bus, events } = bench();
  bus.write(0xf4, 4, 0xffff_ffff);
  t.equal(events[0]?.kind === 'power-off' && events[0].status, 0xff, 'a status has eight bits');
  t.end();
});

test('ACPI power-off wants the right value at the right port', (t) => {
  for (const [port, value] of [[0x604, 0x2000], [0xb004, 0x2000], [0x4004, 0x3400]] as const) {
    const { bus, events } = bench();
    bus.write(port, 2, value ^ 0x400);
    t.deepEqual(events, [], 'another sleep type');
    bus.write(port, 2, value);
    t.equal(events[0]?.kind === 'power-off' && events[0].status, 0, `port 0x${port.toString(16)}`);
  }
  const { bus, events } = bench();
  bus.write(0x605, 1, 0x20);
  t.equal(events.length, 1, 'the high byte alone does it');
  t.end();
});

test('port 0x92 and the i8042 reset the machine', (t) => {
  const { bus, events } = bench();
  t.equal(bus.read(0x92, 1), 2, 'A20 is open');
  bus.write(0x92, 1, 0);
  t.equal(bus.read(0x92, 1), 0, 'the bit is remembered');
  t.deepEqual(events, []);
  bus.write(0x92, 1, 1);
  bus.write(0x92, 1, 1);
  t.equal(events.length, 1, 'the rising edge only');
  t.equal(bus.read(0x64, 1) & 0x03, 0, 'the i8042 is never busy');
  bus.write(0x64, 1, 0xfe);
  t.deepEqual(events.map(({ kind }) => kind), ['reset', 'reset']);
  bus.write(0x64, 1, 0xd1);
  bus.write(0x60, 1, 0xdf);
  t.equal(events.length, 2, 'A20 by the output port is no reset');
  bus.write(0x64, 1, 0xd0);
  t.equal(bus.read(0x64, 1) & 1, 1, 'output full');
  t.equal(bus.read(0x60, 1), 0xdf);
  t.equal(bus.read(0x64, 1) & 1, 0, 'taken');
  bus.write(0x64, 1, 0xaa);
  t.equal(bus.read(0x60, 1), 0x55, 'self test');
  bus.write(0x64, 1, 0xd1);
  bus.write(0x60, 1, 0x02);
  t.equal(events.length, 3, 'bit 0 low');
  t.end();
});

test('debug consoles and POST code', (t) => {
  const { bus, devices, console } = bench();
  for (const port of [0xe9, 0x402]) {
    t.equal(bus.read(port, 1), 0xe9);
    bus.write(port, 1, 0x41);
  }
  t.deepEqual(console, [0x41, 0x41]);
  bus.write(0x80, 1, 0x5a);
  t.equal(devices.postCode.code, 0x5a);
  t.equal(bus.read(0x80, 1), 0x5a);
  t.end();
});

test('every device saves, resets and restores itself', (t) => {
  const { bus, devices } = bench();
  const fresh = devices.all.map((device) => JSON.stringify(device.save()));
  for (const [port, value] of [[0x80, 3], [0x92, 4], [0x64, 0x60], [0x60, 0x65], [0x3f9, 0x0f], [0x3fb, 0x83], [0x3f8, 1], [0x3ff, 9], [0x604, 8], [0xb004, 8], [0x4004, 8]] as const) bus.write(port, 1, value);
  devices.serial.receive(Uint8Array.of(1, 2, 3));
  const used = devices.all.map((device) => JSON.stringify(device.save()));
  const changed = used.filter((state, i) => state !== fresh[i]).length;
  t.equal(changed, 7, 'serial, POST, i8042, port 92 and three ACPI registers changed');
  bus.read(0x3f8, 1);
  for (const device of devices.all) device.reset();
  devices.all.forEach((device, i) => device.restore(JSON.parse(used[i]) as Record<string, never>));
  t.deepEqual(devices.all.map((device) => JSON.stringify(device.save())), used);
  t.throws(() => devices.postCode.restore({}), /no number "code"/);
  t.end();
});
