import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { GuestError } from '../../../../src/vmm/boot/boot-options.js';
import { loadFirmware } from '../../../../src/vmm/boot/firmware.js';
import { findSeabios, requireSeabios } from '../../../../src/vmm/boot/seabios.js';

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
    const { rom, writes: [, alias] } = loadFirmware({ name: 'rom', bytes });
    t.deepEqual([rom.address, rom.bytes.length, alias.address], [BigInt(romAt), size, BigInt(aliasAt)], `${size / KIB} KiB`);
    t.equal(alias.bytes[0xf_fff0 - aliasAt], 0xea, 'the reset vector is at FFFF0');
  }
  for (const [size, message] of [[0, /has 0 bytes/], [4097, /whole number of 4 KiB pages/], [16 * MIB + 4096, /room for 16 MiB/],
    [64 * KIB, /no code at its reset vector, its last 16 bytes; is it a ROM image\?/]] as const) {
    t.throws(() => loadFirmware({ name: 'rom', bytes: new Uint8Array(size) }), (error: unknown) => error instanceof GuestError && message.test(error.message), `${size} bytes`);
  }
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
