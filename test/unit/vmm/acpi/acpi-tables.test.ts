/** The ACPI tables: what a kernel reads in them, what ACPICA makes of them, and that firmware's linker script builds the same. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { acpiTables, placeTables } from '../../../../src/vmm/acpi/acpi-tables.js';
import { firmwareTables } from '../../../../src/vmm/acpi/firmware-tables.js';
import { acpiFiles } from '../../../../src/vmm/acpi/table-loader.js';

/** Memory from 0xf0000, read as a kernel does. */
class Segment {
  readonly bytes = new Uint8Array(0x1_0000);
  readonly #view = new DataView(this.bytes.buffer);
  constructor(cpus: number) {
    for (const { address, bytes } of firmwareTables({ cpus, pci: false })) this.bytes.set(bytes, Number(address) - 0xf_0000);
  }

  text(gpa: number, length: number): string {
    return String.fromCharCode(...this.bytes.subarray(gpa - 0xf_0000, gpa - 0xf_0000 + length));
  }

  u8(gpa: number): number { return this.#view.getUint8(gpa - 0xf_0000); }
  u16(gpa: number): number { return this.#view.getUint16(gpa - 0xf_0000, true); }
  u32(gpa: number): number { return this.#view.getUint32(gpa - 0xf_0000, true); }
  u64(gpa: number): number { return Number(this.#view.getBigUint64(gpa - 0xf_0000, true)); }

  sum(gpa: number, length: number): number {
    return this.bytes.subarray(gpa - 0xf_0000, gpa - 0xf_0000 + length).reduce((sum, byte) => (sum + byte) & 0xff, 0);
  }

  find(signature: string): number {
    for (let gpa = 0xf_0000; gpa < 0x10_0000; gpa += 16) if (this.text(gpa, signature.length) === signature) return gpa;
    throw new Error(`no ${signature}`);
  }

  /** GPA of a table by the 32- or the 64-bit root. */
  table(signature: string, size: 4 | 8): number {
    const rsdp = this.find('RSD PTR ');
    const root = size === 4 ? this.u32(rsdp + 16) : this.u64(rsdp + 24);
    for (let at = root + 36; at < root + this.u32(root + 4); at += size) {
      const table = size === 4 ? this.u32(at) : this.u64(at);
      if (this.text(table, 4) === signature) return table;
    }
    throw new Error(`no ${signature}`);
  }
}

for (const cpus of [1, 3, 64]) {
  test(`ACPI: from the RSDP to ${cpus} CPUs in the MADT`, (t) => {
    const memory = new Segment(cpus);
    const rsdp = memory.find('RSD PTR ');
    t.deepEqual([memory.sum(rsdp, 20), memory.sum(rsdp, 36)], [0, 0], 'both checksums of the RSDP');
    const madt = memory.table('APIC', 8);
    t.equal(memory.table('APIC', 4), madt, 'RSDT and XSDT name the same');
    const ids: number[] = [];
    const controllers: number[] = [];
    for (let at = madt + 44; at < madt + memory.u32(madt + 4); at += memory.u8(at + 1)) {
      if (memory.u8(at) === 0 && memory.u32(at + 4) === 1) ids.push(memory.u8(at + 3));
      if (memory.u8(at) === 1) controllers.push(memory.u32(at + 4));
    }
    t.deepEqual(ids, Array.from({ length: cpus }, (_, id) => id), 'APIC ids');
    t.deepEqual(controllers, [0xfec0_0000], 'the IOAPIC');
    const fadt = memory.table('FACP', 8);
    const dsdt = memory.u32(fadt + 40);
    t.deepEqual([memory.text(dsdt, 4), memory.u64(fadt + 140)], ['DSDT', dsdt]);
    const facs = memory.u32(fadt + 36);
    t.deepEqual([memory.text(facs, 4), facs % 64, memory.u64(fadt + 132)], ['FACS', 0, facs]);
    for (const table of [madt, fadt, dsdt]) t.equal(memory.sum(table, memory.u32(table + 4)), 0, `the checksum of ${memory.text(table, 4)}`);
    t.end();
  });

  test(`MP table: ${cpus} CPUs`, (t) => {
    const memory = new Segment(cpus);
    const pointer = memory.find('_MP_');
    t.equal(memory.sum(pointer, 16), 0);
    const table = memory.u32(pointer + 4);
    t.deepEqual([memory.text(table, 4), memory.sum(table, memory.u16(table + 4))], ['PCMP', 0]);
    const kinds: Record<number, number> = {};
    let at = table + 44;
    for (let entry = 0; entry < memory.u16(table + 34); entry++) {
      const kind = memory.u8(at);
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      at += kind === 0 ? 20 : 8;
    }
    t.equal(at, table + memory.u16(table + 4), 'as many entries as it says');
    t.deepEqual(kinds, { 0: cpus, 1: 1, 2: 1, 3: 15, 4: 2 });
    t.equal(memory.u8(table + 44 + 3), 3, 'the first is the bootstrap processor');
    t.end();
  });
}

test('ACPI: the linker script builds what we place ourselves', (t) => {
  const tables = acpiTables({ cpus: 4, pci: true });
  const files = acpiFiles(tables);
  const places = new Map<string, { address: number; bytes: Uint8Array }>();
  const script = files.get('etc/table-loader')!;
  t.equal(script.length % 128, 0);
  for (let at = 0; at < script.length; at += 128) {
    const view = new DataView(script.buffer, at, 128);
    const name = (offset: number): string => String.fromCharCode(...script.subarray(at + offset, at + offset + 56)).replace(/\0.*/s, '');
    const file = name(4);
    if (view.getUint32(0, true) === 1) {
      places.set(file, { address: file === 'etc/acpi/rsdp' ? 0xf_6000 : 0x7ff_0040, bytes: files.get(file)!.slice() });
      t.deepEqual([view.getUint32(60, true), view.getUint8(64)], file === 'etc/acpi/rsdp' ? [16, 2] : [64, 1], `${file} is allocated`);
      continue;
    }
    const { bytes } = places.get(file)!;
    const data = new DataView(bytes.buffer);
    if (view.getUint32(0, true) === 2) {
      const { address } = places.get(name(60))!;
      const field = view.getUint32(116, true);
      if (view.getUint8(120) === 8) data.setBigUint64(field, data.getBigUint64(field, true) + BigInt(address), true);
      else data.setUint32(field, data.getUint32(field, true) + address, true);
    } else {
      const [field, start, length] = [60, 64, 68].map((offset) => view.getUint32(offset, true));
      data.setUint8(field, 0);
      data.setUint8(field, -bytes.subarray(start, start + length).reduce((sum, byte) => sum + byte, 0) & 0xff);
    }
  }
  t.deepEqual(places.get('etc/acpi/tables')!.bytes, placeTables(tables.tables, 0x7ff_0040));
  t.deepEqual(places.get('etc/acpi/rsdp')!.bytes, placeTables(tables.rsdp, 0x7ff_0040));
  t.end();
});

test('ACPI: ACPICA takes every table, and the DSDT again from its source', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'acpi-'));
  const iasl = (...args: string[]): string => execFileSync('iasl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  for (const [cpus, pci] of [[1, false], [64, true]] as const) {
    const { tables } = acpiTables({ cpus, pci });
    const placed = placeTables(tables, 0xf_0040);
    const view = new DataView(placed.buffer);
    for (let at = 0; at < placed.length;) {
      const signature = String.fromCharCode(...placed.subarray(at, at + 4));
      const length = view.getUint32(at + 4, true);
      writeFileSync(join(folder, `${signature}.dat`), placed.subarray(at, at + length));
      t.doesNotMatch(iasl('-d', `${signature}.dat`), /error|warning|invalid|incorrect|could not/i, `${signature} of ${cpus} CPUs`);
      at += Math.ceil(length / 16) * 16;
    }
    t.match(iasl('DSDT.dsl'), /Compilation successful\. 0 Errors, 0 Warnings/i);
  }
  rmSync(folder, { recursive: true });
  t.end();
});
