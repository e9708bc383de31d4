import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { GuestError } from '../../../../src/vmm/boot/boot-options.js';
import { nothingBootable } from '../../../../src/vmm/boot/bootable.js';
import type { BootDevice } from '../../../../src/vmm/boot/boot-order.js';
import { loadFirmware } from '../../../../src/vmm/boot/firmware.js';
import { findSeabios, requireSeabios } from '../../../../src/vmm/boot/seabios.js';
import { realMode } from '../../../../src/vmm/boot/cpu-modes.js';
import { linuxBootRom, MOST_BYTES, TABLE } from '../../../../src/vmm/boot/linux-boot-rom.js';
import { busMaster } from '../../../../src/vmm/bus-master.js';
import { fwCfgItems } from '../../../../src/vmm/devices/fw-cfg-items.js';
import { FW_CFG_PORTS, FwCfg } from '../../../../src/vmm/devices/fw-cfg.js';
import { GuestMemory, ramLayout } from '../../../../src/vmm/guest-memory.js';
import { PortBus } from '../../../../src/vmm/port-bus.js';
import { fakeHost } from '../fake-memory.js';
import { bzImage } from './bzimage.js';

const KIB = 1024, MIB = 1024 ** 2;

test('firmware: the ROM ends at 4 GiB, its end once more at 1 MiB', (t) => {
  const rows: readonly (readonly [size: number, rom: number, alias: number])[] = [
    [4 * KIB, 0xffff_f000, 0xf_f000],
    [64 * KIB, 0xffff_0000, 0xf_0000],
    [128 * KIB, 0xfffe_0000, 0xe_0000],
    [256 * KIB, 0xfffc_0000, 0xe_0000],
    [16 * MIB, 0xff00_0000, 0xe_0000],
  ];
  for (const [size, romAt, aliasAt] of rows) {
    const bytes = new Uint8Array(size);
    bytes[size - 16] = 0xea;
    const { rom, writes: [, alias] } = loadFirmware({ name: 'rom', bytes }, []);
    t.deepEqual([rom.address, rom.bytes.length, alias.address], [BigInt(romAt), size, BigInt(aliasAt)], `${size / KIB} KiB`);
    t.equal(alias.bytes[0xf_fff0 - aliasAt], 0xea, 'the reset vector is at FFFF0');
  }
  for (const [size, message] of [[0, /has 0 bytes/], [4097, /whole number of 4 KiB pages/], [16 * MIB + 4096, /room for 16 MiB/],
    [64 * KIB, /no code at its reset vector, its last 16 bytes; is it a ROM image\?/]] as const) {
    t.throws(() => loadFirmware({ name: 'rom', bytes: new Uint8Array(size) }, []), (error: unknown) => error instanceof GuestError && message.test(error.message), `${size} bytes`);
  }
  t.end();
});

test('firmware: a kernel for it lies below its tables, with a ROM that boots it, first in the order unless that says else', (t) => {
  const bytes = new Uint8Array(4 * KIB).fill(1, 0, 4090);
  const kernel = { name: 'k', bytes: bzImage(), commandLine: 'quiet', modules: [{ text: 'i', bytes: Uint8Array.of(1, 2, 3) }] };
  const { config, kernelEntry, notes } = loadFirmware({ name: 'rom', bytes, kernel }, ramLayout(64 * MIB));
  t.equal(kernelEntry, 0x1_0200n);
  t.equal(config.kernel?.initrd?.address, BigInt(63 * MIB - 4 * KIB), 'the last MiB is the firmware\'s');
  t.deepEqual([config.kernel?.setup?.address, config.kernel?.commandLine?.address, config.kernel?.kernel?.address], [0x1_0000n, 0x1_e000n, 0x10_0000n]);
  t.match(notes.join('; '), /Linux 6\.1\.0-test/);
  const [name, rom] = [...config.files ?? []][0];
  t.deepEqual(config.bootOrder, [`/rom@${name}`]);
  const sum = (range: Uint8Array): number => range.reduce((total, byte) => (total + byte) & 0xff, 0);
  t.deepEqual([...rom.subarray(0, 3), rom.length, sum(rom)], [0x55, 0xaa, 1, 512, 0], 'a whole option ROM');
  const pnp = rom[0x1a];
  t.deepEqual([Buffer.from(rom.subarray(pnp, pnp + 4)).toString(), sum(rom.subarray(pnp, pnp + 32))], ['$PnP', 0], 'with a Plug and Play header');
  const order = (bootOrder: readonly BootDevice[]): unknown => loadFirmware({ name: 'rom', bytes, kernel, bootOrder }, ramLayout(64 * MIB)).config.bootOrder;
  const disk = '/pci@i0cf8/ide@1,1/drive@1/disk@0';
  t.deepEqual(order([{ kind: 'disk', channel: 1, unit: 0 }, 'kernel']), [disk, `/rom@${name}`]);
  t.deepEqual(order([{ kind: 'disk', channel: 1, unit: 0 }, 'menu']), [`/rom@${name}`, disk]);
  t.throws(() => loadFirmware({ name: 'rom', bytes, kernel: { ...kernel, bytes: bzImage().subarray(0, 700) } }, ramLayout(64 * MIB)), /^GuestError: k is truncated/);
  t.end();
});

test('firmware: a large initrd comes through fw_cfg in pieces', (t) => {
  const initrd = new Uint8Array(2 * MOST_BYTES + 5).map((_, i) => (i >> 12) ^ i);
  const address = 0x80_0000n;
  const parts = { kernel: { address: 0x10_0000n, bytes: Uint8Array.of(1, 2, 3) }, initrd: { address, bytes: initrd } };
  const rom = linuxBootRom(parts, realMode(0x1020, 0, 0, {}));
  t.equal(rom.length % 512, 0);
  const { allocator, vm } = fakeHost();
  const memory = new GuestMemory(allocator, vm);
  memory.addRam(32 * MIB);
  const ports = new PortBus();
  ports.claim(new FwCfg(fwCfgItems({ ram: [], cpus: 1, kernel: parts }), busMaster(memory)), 0x510, FW_CFG_PORTS);
  const lengths: number[] = [];
  for (let at = TABLE; at + 16 <= rom.length && rom[at + 3] !== 0; at += 16) {
    memory.write(0x7c00, rom.subarray(at, at + 16));
    ports.write(0x514, 4, 0);
    ports.write(0x518, 4, 0x007c_0000); // 0x7c00, big endian
    t.deepEqual(memory.read(0x7c00, 4), new Uint8Array(4), 'done');
    lengths.push(Buffer.from(rom).readUInt32BE(at + 4));
  }
  t.deepEqual(lengths, [3, MOST_BYTES, MOST_BYTES, 5]);
  t.ok(Buffer.compare(memory.read(address, initrd.length), initrd) === 0, 'all of it, in its place');
  t.end();
});

test('firmware: drives that cannot be booted are named before', (t) => {
  const drive = (kind: 'disk' | 'cdrom', parts: Readonly<Record<number, string>>): Parameters<typeof nothingBootable>[0][number] => {
    const bytes = Buffer.alloc(20 * 2048);
    for (const [at, text] of Object.entries(parts)) bytes.write(text, Number(at), 'latin1');
    const unused = (): never => { throw new Error('not used'); };
    return { kind, image: { name: `a ${kind}`, size: bytes.length, readOnly: true, read: (at, target) => { target.set(bytes.subarray(at, at + target.length)); }, write: unused, flush: unused, save: unused, restore: unused, close: unused } };
  };
  const blank = drive('disk', {}), disc = drive('cdrom', { 0x8000: '\x01CD001\x01' });
  t.equal(nothingBootable([blank, disc]), 'The firmware will find nothing to boot: the first sector of a disk does not end in 55 AA, and a cdrom has no El Torito boot record.');
  t.equal(nothingBootable([blank, drive('cdrom', { 0x8800: '\0CD001\x01EL TORITO SPECIFICATION' })]), undefined);
  t.equal(nothingBootable([drive('disk', { 510: '\x55\xaa' }), disc]), undefined);
  t.equal(nothingBootable([]), undefined);
  t.end();
});

test('seabios: found where distributions put it; its package is named where it is missing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-seabios-'));
  const [first, second] = ['a', 'b'].map((name) => join(folder, name));
  [first, second].forEach((path) => mkdirSync(path));
  t.equal(findSeabios([first, second]), undefined);
  t.throws(() => requireSeabios([first, second]), /^GuestError: SeaBIOS is not installed; install the package seabios \(apt-get install seabios\), or name a ROM with --firmware FILE\.$/);
  writeFileSync(join(second, 'bios-256k.bin'), '');
  t.equal(requireSeabios([first, second]), join(second, 'bios-256k.bin'));
  writeFileSync(join(first, 'bios.bin'), '');
  t.equal(requireSeabios([first, second]), join(first, 'bios.bin'), 'the first folder wins');
  rmSync(folder, { recursive: true });
  t.end();
});
