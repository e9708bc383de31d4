/** The SMBIOS structures that firmware gets, read as an operating system walks them. */
import test from 'tape';
import { smbiosFiles } from '../../../../src/vmm/devices/smbios-files.js';

/** Lengths by type of the formatted areas (DSP0134 2.8, clause 7). */
const LENGTHS: Readonly<Record<number, number>> = { 1: 27, 3: 21, 4: 42, 16: 23, 17: 40, 32: 11, 127: 4 };

function walk(tables: Uint8Array): { type: number; handle: number; bytes: DataView }[] {
  const found = [];
  for (let at = 0; at < tables.length;) {
    const length = tables[at + 1];
    found.push({ type: tables[at], handle: tables[at + 2] | (tables[at + 3] << 8), bytes: new DataView(tables.buffer, at, length) });
    for (at += length; tables[at] !== 0 || tables[at + 1] !== 0;) at++;
    at += 2;
  }
  return found;
}

test('SMBIOS: structures of the right lengths, and an entry point that counts them', (t) => {
  for (const [cpus, ram] of [[1, 128 * 2 ** 20], [3, 64 * 2 ** 30], [64, 4 * 2 ** 40]] as const) {
    const files = smbiosFiles(cpus, ram);
    const anchor = Buffer.from(files.get('etc/smbios/smbios-anchor')!);
    const tables = files.get('etc/smbios/smbios-tables')!;
    const structures = walk(tables);
    t.equal(anchor.toString('latin1', 0, 4), '_SM_');
    t.equal(anchor.length, 31);
    t.deepEqual([anchor.readUInt16LE(22), anchor.readUInt16LE(28)], [tables.length, structures.length]);
    t.deepEqual(structures.map(({ type }) => type), [1, 3, ...new Array<number>(cpus).fill(4), 16, 17, 32, 127]);
    for (const { type, bytes } of structures) t.equal(bytes.byteLength, LENGTHS[type], `type ${type}`);
    const array = structures.find(({ type }) => type === 16)!;
    const device = structures.find(({ type }) => type === 17)!.bytes;
    t.equal(device.getUint16(4, true), array.handle, 'the memory device belongs to the array');
    t.equal(array.bytes.getBigUint64(15, true), BigInt(ram));
    const small = device.getUint16(12, true);
    t.equal((small === 0x7fff ? device.getUint32(28, true) : small) * 2 ** 20, ram, 'its size');
  }
  t.end();
});
