/**
 * SeaBIOS on the real KVM, from the reset vector: to its banner, to a boot sector that uses what it set up, and to "No bootable
 * device".
 */
import test from 'tape';
import { textRows, textScreen } from '../../../src/vmm/display/text-screen.js';
import { Machine } from '../../../src/vmm/machine.js';
import { board, ramDisk } from './seabios-board.js';

/**
 * Reads sector 2 by INT 13h to 0:8000, leaves what INT 12h, 15h (E801), 1Ah and 16h say at 9000, waits for a key in
 * between, and gives up by INT 18h. 1 goes to port f4 where the disk cannot be read.
 */
const BOOT_SECTOR = [
  0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, // xor ax,ax; mov ds,ax; mov es,ax
  0xb8, 0x01, 0x02, 0xb9, 0x02, 0x00, 0x30, 0xf6, 0xbb, 0x00, 0x80, 0xcd, 0x13, // one sector, CHS 0/0/2
  0x73, 0x04, 0xb0, 0x01, 0xe6, 0xf4, // jnc +4; mov al,1; out f4,al
  0xcd, 0x12, 0xa3, 0x00, 0x90, // int 12h; mov [9000],ax
  0xb8, 0x01, 0xe8, 0xcd, 0x15, 0xa3, 0x02, 0x90, // int 15h, E801: KiB from 1 to 16 MiB
  0xb4, 0x02, 0xcd, 0x1a, 0x89, 0x0e, 0x04, 0x90, // int 1ah, 02: hours and minutes, BCD
  0xc7, 0x06, 0x06, 0x90, 0x01, 0x00, // mov word [9006],1
  0x30, 0xe4, 0xcd, 0x16, 0xa3, 0x08, 0x90, // int 16h, 00
  0xcd, 0x18,
];

function bootDisk(): Uint8Array {
  const disk = new Uint8Array(64 * 512);
  disk.set(BOOT_SECTOR);
  disk.set([0x55, 0xaa], 510);
  disk.set(new TextEncoder().encode('second sector'), 512);
  return disk;
}

/** What SeaBIOS says of its board where all of it is as it should be. */
const LINES = [
  /^SeaBIOS \(version /, /^Running on QEMU \(i440fx\)$/m, /^QEMU fw_cfg DMA interface supported$/m, /^Found 5 PCI devices /m,
  /^Found 2 cpu\(s\) max supported 2 cpu\(s\)$/m, /^qemu\/e820: addr 0x0+ len 0x0*2000000 \[RAM\]$/m, /^PS2 keyboard initialized$/m,
  /^ata0-0: kvm-gdbserver disk ATA-\d Hard-Disk /m, /^No bootable device\.$/m,
];

test('SeaBIOS: from reset through a boot sector to "No bootable device", and again', async (t) => {
  const { machine, output, said, until } = board({
    cpus: 2,
    drives: [{ path: 'ram', mode: 'snapshot', kind: 'disk', channel: 0, unit: 0, image: ramDisk(bootDisk()) }],
  });
  try {
    t.equal(machine.vcpus[0].regs.rip, 0xfff0n);
    t.deepEqual(machine.memory.read(0xf_fff0, 16), machine.memory.read(0xffff_fff0, 16), 'the reset vector is below 1 MiB too');
    t.equal(await until(() => machine.memory.readByte(0x9006) === 1), undefined, 'the boot sector runs and reads its disk');
    machine.keys('Q');
    await until(() => output.serial.includes('No bootable device.'));
    for (const line of LINES) t.ok(line.test(output.debug), `port 0x402: ${line.source}`);
    t.ok(/SeaBIOS \(version [^]*Booting from Hard Disk\.\.\./.test(output.serial), 'the screen is on the serial line');
    t.match(textRows(textScreen(machine.video)!).join('\n'), /^SeaBIOS \(version [^]*No bootable device\./, 'and on the screen, by the card\'s own BIOS');
    t.deepEqual(said, [], 'no access that needs a word');

    const word = (address: number): number => new DataView(machine.memory.read(address, 2).buffer).getUint16(0, true);
    t.equal(Buffer.from(machine.memory.read(0x8000, 13)).toString(), 'second sector', 'INT 13h');
    t.equal(word(0x9000), 639, 'INT 12h');
    t.equal(word(0x9002), 15 * 1024, 'INT 15h, E801');
    t.equal(word(0x9008), 0x1051, 'INT 16h: scan code 10h, Q');
    const bcd = (value: number): number => (value >> 4) * 10 + (value & 15);
    const clock = bcd(word(0x9004) >> 8) * 60 + bcd(word(0x9004) & 0xff);
    const now = new Date().getUTCHours() * 60 + new Date().getUTCMinutes();
    t.ok((now - clock + 1440) % 1440 <= 2, `INT 1Ah says ${clock} minutes since midnight, UTC`);

    const segment = Buffer.from(machine.memory.read(0xe_0000, 0x2_0000));
    const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
    const rsdp = segment.indexOf('RSD PTR ');
    t.equal(sum(segment.subarray(rsdp, rsdp + 20)), 0, 'the ACPI tables of this machine were placed and linked');
    const rsdt = segment.readUInt32LE(rsdp + 16);
    t.equal(Buffer.from(machine.memory.read(rsdt, 4)).toString(), 'RSDT');
    t.equal(Buffer.from(machine.memory.read(rsdt + 10, 6)).toString(), segment.subarray(rsdp + 9, rsdp + 15).toString(), 'by one maker');
    const smbios = segment.indexOf('_SM_');
    t.equal(sum(segment.subarray(smbios, smbios + segment[smbios + 5])), 0, 'SMBIOS, too');
    const structures = Buffer.from(machine.memory.read(segment.readUInt32LE(smbios + 24), segment.readUInt16LE(smbios + 22)));
    t.ok(structures.includes('kvm-gdbserver\0debugged PC\0') && structures.includes('CPU 1\0'), 'which names the machine and its processors');

    output.debug = '';
    machine.reset();
    t.equal(word(0x9000), 0, 'memory is empty again');
    await until(() => output.debug.includes('Running on QEMU'));
    t.ok(output.debug.startsWith('SeaBIOS (version '), 'a reset starts it over');
  } finally {
    machine.close();
  }
  t.end();
});

test('SeaBIOS with --irqchip split: a CD-ROM that is not bootable is a sentence on its screen', async (t) => {
  const iso = new Uint8Array(64 * 2048);
  iso.set([1, ...Buffer.from('CD001'), 1], 16 * 2048);
  iso.set([255, ...Buffer.from('CD001'), 1], 17 * 2048); // no boot record between the volume and the end of its descriptors
  const { machine, output, until } = board({
    irqchip: 'split',
    drives: [{ path: 'iso', mode: 'readonly', kind: 'cdrom', channel: 1, unit: 0, image: { ...ramDisk(iso), readOnly: true } }],
  });
  try {
    await until(() => output.serial.includes('No bootable device.'));
    t.match(output.serial, /Booting from DVD\/CD\.\.\.\s+Boot failed: Could not read from CDROM \(code 0004\)/);
  } finally {
    machine.close();
  }
});

test('firmware: what cannot be is said before anything is opened', (t) => {
  const firmware = { name: 'rom', bytes: Uint8Array.from({ length: 4096 }, (_, i) => i) };
  t.throws(() => Machine.create({ firmware }), /^RangeError: Firmware needs the interrupt controllers of a PC; add --irqchip kernel or split\.$/);
  t.throws(() => Machine.create({ firmware: { name: 'rom', bytes: new Uint8Array(100) }, irqchip: 'kernel' }), /^GuestError: rom has 100 bytes/);
  t.end();
});
