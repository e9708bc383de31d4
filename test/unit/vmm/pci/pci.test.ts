/** Configuration space through ports 0xcf8 and 0xcfc, and what the south bridge's registers do to the port bus. */
import test from 'tape';
import type { AccessSize, MachineEvent } from '../../../../src/vmm/device.js';
import { addFirmwareDevices } from '../../../../src/vmm/firmware-devices.js';
import { VideoCard } from '../../../../src/vmm/devices/vga/video-card.js';
import { GuestMemory, ramLayout } from '../../../../src/vmm/guest-memory.js';
import { MmioBus } from '../../../../src/vmm/mmio-bus.js';
import { PortBus } from '../../../../src/vmm/port-bus.js';
import { addStandardDevices } from '../../../../src/vmm/standard-devices.js';
import { fakeHost } from '../fake-memory.js';

const NOWHERE = { write: (): void => undefined };

function board() {
  const said: string[] = [];
  const events: MachineEvent[] = [];
  const ports = new PortBus((text) => said.push(text));
  const { allocator, vm } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(1 << 21);
  const raise = (event: MachineEvent): void => { events.push(event); };
  const ram = ramLayout(1 << 21);
  const standard = addStandardDevices(ports, { raise, serial: NOWHERE, debugConsole: NOWHERE, firmwareConsole: null, ram, cpus: 1 });
  const mmio = new MmioBus((text) => said.push(text));
  const log = (text: string): void => { said.push(text); };
  const video = new VideoCard(memory, ports, mmio, log);
  const { pci, all } = addFirmwareDevices(ports, mmio, {
    raise, memory, now: () => 0n, config: { ram, cpus: 1 }, shortcuts: standard.shortcuts, video, videoRom: Uint8Array.of(0x55, 0xaa, 0x4e), log,
  });
  const select = (device: number, func: number, register: number): void => ports.write(0xcf8, 4, (0x8000_0000 | (device << 11) | (func << 8) | (register & 0xfc)) >>> 0);
  return {
    ports, events, said, pci, all, memory, mmio,
    read: (device: number, func: number, register: number, size: AccessSize) => {
      select(device, func, register);
      return ports.read(0xcfc + (register & 3), size);
    },
    write: (device: number, func: number, register: number, size: AccessSize, value: number) => {
      select(device, func, register);
      ports.write(0xcfc + (register & 3), size, value);
    },
  };
}

test('pci: the functions of QEMU\'s pc, and nothing else', (t) => {
  const { read, ports } = board();
  const found: string[] = [];
  for (let device = 0; device < 32; device++) {
    for (let func = 0; func < 8; func++) {
      const id = read(device, func, 0, 4);
      if (id !== 0xffff_ffff) found.push(`${device}.${func} ${(id & 0xffff).toString(16)}:${(id >>> 16).toString(16)} ${read(device, func, 8, 4).toString(16)} ${read(device, func, 0x0e, 1)}`);
    }
  }
  t.deepEqual(found, ['0.0 8086:1237 6000002 0', '1.0 8086:7000 6010000 128', '1.1 8086:7010 1018000 0', '1.3 8086:7113 6800003 0', '2.0 1234:1111 3000002 0']);
  t.equal(read(0, 0, 0x2c, 4), 0x1100_1af4, 'by the subsystem SeaBIOS knows that there is fw_cfg');
  ports.write(0xcf8, 4, 0x0000_0000);
  t.equal(ports.read(0xcfc, 4), 0xffff_ffff, 'without the enable bit');
  ports.write(0xcf8, 4, 0x8001_0000);
  t.equal(ports.read(0xcfc, 4), 0xffff_ffff, 'bus 1');
  ports.write(0xcf8, 4, 0xffff_ffff);
  t.equal(ports.read(0xcf8, 4), 0x80ff_fffc, 'reserved bits of the address are zero');
  t.end();
});

test('pci: only wired bits can be written', (t) => {
  const { read, write, pci } = board();
  const rows: readonly (readonly [string, device: number, func: number, register: number, size: AccessSize, written: number, reads: number])[] = [
    ['vendor', 0, 0, 0x00, 4, 0, 0x1237_8086],
    ['class', 1, 0, 0x08, 4, 0, 0x0601_0000],
    ['PAM0', 0, 0, 0x59, 1, 0xff, 0xf0],
    ['PAM1 and 2', 0, 0, 0x5a, 2, 0x3131, 0x3131],
    ['SMRAM keeps its segment', 0, 0, 0x72, 1, 0xff, 0x7a],
    ['PIRQA', 1, 0, 0x60, 1, 0x7a, 0x0a],
    ['IDE bus master base, sized', 1, 1, 0x20, 4, 0xffff_ffff, 0xffff_fff1],
    ['PM base', 1, 3, 0x40, 4, 0xffff_ffff, 0xffc1],
    ['interrupt line', 1, 3, 0x3c, 1, 9, 9],
    ['interrupt line without a pin', 1, 0, 0x3c, 1, 9, 0],
    ['a register that is not there', 1, 0, 0xf0, 4, 0x1234, 0],
  ];
  for (const [name, device, func, register, size, written, reads] of rows) {
    write(device, func, register, size, written);
    t.equal(read(device, func, register, size), reads, name);
  }
  const state = pci.functionAt(0, 0)?.save() ?? {};
  pci.functionAt(0, 0)?.reset();
  t.equal(read(0, 0, 0x59, 1), 0, 'reset');
  pci.functionAt(0, 0)?.restore(state);
  t.equal(read(0, 0, 0x59, 1), 0xf0, 'restored');
  t.throws(() => pci.functionAt(0, 0)?.restore({}), /no configuration space/);
  t.end();
});

test('pci: the PM registers go where firmware puts them, and the shortcuts give way', (t) => {
  const { ports, write, events, said, all } = board();
  const owner = (port: number): string | undefined => ports.ranges.find(({ base, length }) => port >= base && port < base + length)?.device;
  t.equal(owner(0x604), 'ACPI power-off (QEMU)');
  write(1, 3, 0x40, 4, 0x601);
  t.equal(owner(0x604), 'ACPI power-off (QEMU)', 'not before the PM space is enabled');
  write(1, 3, 0x80, 1, 1);
  t.equal(owner(0x604), 'ACPI PM registers (PIIX4)');
  write(1, 3, 0x40, 4, 0xb001);
  t.equal(owner(0x604), 'ACPI power-off (QEMU)', 'moved on');
  t.equal(owner(0xb004), 'ACPI PM registers (PIIX4)');
  ports.write(0xb004, 2, 0x2000);
  t.deepEqual(events, [{ kind: 'power-off', status: 0, cause: 'ACPI power-off (PIIX4)' }]);
  write(1, 3, 0x40, 4, 0x3c1);
  t.deepEqual(said, ['ACPI PM registers (PIIX4) cannot have port 0x3c0: VGA has it.'], 'onto another device');
  for (const device of all) device.reset();
  t.equal(owner(0xb004), 'ACPI power-off (Bochs)', 'a reset takes it away');
  t.end();
});

test('pci: the reset control register at 0xcf9', (t) => {
  const { ports, events } = board();
  ports.write(0xcf9, 1, 0x02);
  t.deepEqual(events, []);
  ports.write(0xcf9, 1, 0x06);
  t.deepEqual(events, [{ kind: 'reset', cause: 'reset control port 0xcf9' }]);
  t.equal(ports.read(0xcf9, 1), 6);
  t.equal(ports.read(0xcf8, 4), 0, 'is not the address register');
  t.end();
});

test('pci: the video card\'s memory, registers and ROM are where its base addresses say', (t) => {
  const { read, write, memory, mmio, said } = board();
  for (const [register, size] of [[0x10, 16 << 20], [0x18, 0x1000], [0x30, 0x1_0000]] as const) {
    write(2, 0, register, 4, 0xffff_ffff);
    t.equal((-(read(2, 0, register, 4) & ~0xf) >>> 0) & ~1, size, `base address at ${register.toString(16)}h`);
  }
  write(2, 0, 0x10, 4, 0xfd00_0000);
  write(2, 0, 0x18, 4, 0xfebf_0000);
  write(2, 0, 0x30, 4, 0xfebe_0001);
  t.notOk(memory.contains(0xfd00_0000), 'without memory space nothing is there');
  write(2, 0, 4, 2, 0x0003);
  t.ok(memory.contains(0xfd00_0000, 16 << 20));
  t.deepEqual([...memory.read(0xfebe_0000, 4)], [0x55, 0xaa, 0x4e, 0], 'the ROM');
  const data = new Uint8Array(2);
  mmio.serve({ reason: 'mmio', address: 0xfebf_0500n, data, isWrite: false });
  t.deepEqual([...data], [0xc5, 0xb0], 'the id of Bochs VBE');
  mmio.serve({ reason: 'mmio', address: 0xfebf_0408n, data: Uint8Array.of(7, 9), isWrite: true });
  const index = new Uint8Array(1);
  mmio.serve({ reason: 'mmio', address: 0xfebf_0408n, data: index, isWrite: false });
  t.equal(index[0], 7, 'the DAC at 3C8h; the word wrote its data too');
  write(2, 0, 0x30, 4, 0xfebe_0000);
  t.notOk(memory.contains(0xfebe_0000), 'the ROM is gone');
  write(2, 0, 0x10, 4, 0);
  t.notOk(memory.contains(0xfd00_0000), 'and so is the memory');
  t.deepEqual(said, []);
  write(2, 0, 0x30, 4, 0x0010_0001);
  t.match(said.join(), /The video card's ROM is not there: .* overlaps the RAM/);
  t.end();
});
