import test from 'tape';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';
import { ramLayout } from '../../../../src/vmm/guest-memory.js';
import { elfImage } from './elf-image.js';
import { OPTIONS, bytesAt, walk, word64 } from './loaded-memory.js';

const CODE = Uint8Array.of(0xb0, 0x41, 0xe6, 0xe9, 0xf4);

test('a flat image starts in real mode at 0000:7c00', (t) => {
  const guest = loadGuest(CODE, OPTIONS);
  t.equal(guest.kind, 'flat');
  t.deepEqual([...bytesAt(guest, 0x7c00, 5)], [...CODE]);
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.entry, sregs.cs.selector, sregs.cs.base, regs.rip, sregs.cr0], [0x7c00n, 0, 0n, 0x7c00n, 0x10n]);
  t.end();
});

test('real-mode entries become CS:IP', (t) => {
  for (const [entry, cs, ip] of [[0x500n, 0, 0x500n], [0x12345n, 0x1000, 0x2345n], [0xffff0n, 0xf000, 0xfff0n], [0x10_0000n, 0xffff, 0x10n]] as const) {
    const { cpu } = loadGuest(CODE, { ...OPTIONS, load: 0x600, entry });
    t.deepEqual([cpu.sregs.cs.selector, cpu.regs.rip], [cs, ip], entry.toString(16));
    t.equal(cpu.sregs.cs.base + cpu.regs.rip, entry);
  }
  t.throws(() => loadGuest(CODE, { ...OPTIONS, entry: 0x20_0000n }), /Real mode reaches addresses below 0x10fff0/);
  t.end();
});

test('protected mode: flat segments and a GDT that says the same', (t) => {
  const guest = loadGuest(CODE, { ...OPTIONS, mode: 'protected' });
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.entry, regs.rip, sregs.cr0, sregs.efer], [0x10_0000n, 0x10_0000n, 0x11n, 0n]);
  t.deepEqual([sregs.cs.base, sregs.cs.limit, sregs.cs.db, sregs.cs.l, sregs.ss.limit], [0n, 0xffff_ffff, 1, 0, 0xffff_ffff]);
  const gdt = Number(sregs.gdt.base);
  t.equal(word64(guest, gdt + sregs.cs.selector), 0x00cf_9b00_0000_ffffn);
  t.equal(word64(guest, gdt + sregs.ds.selector), 0x00cf_9300_0000_ffffn);
  t.ok(regs.rsp > 0n && regs.rsp % 16n === 0n, 'a stack');
  t.end();
});

test('long mode: the first 4 GiB are mapped to themselves', (t) => {
  const guest = loadGuest(CODE, { ...OPTIONS, mode: 'long', load: 0x20_0000 });
  const { sregs } = guest.cpu;
  t.deepEqual([sregs.cs.l, sregs.cs.db, sregs.efer, sregs.cr0 & 0x8000_0001n, sregs.cr4 & 0x20n], [1, 0, 0x500n, 0x8000_0001n, 0x20n]);
  for (const address of [0n, 0x7c00n, 0x20_0000n, 0xb_8000n, 0xfee0_0020n, 0xffff_ffffn]) t.equal(walk(guest, address), address, address.toString(16));
  t.equal(walk(guest, 0x1_0000_0000n), undefined, 'nothing above');
  t.throws(() => loadGuest(CODE, { ...OPTIONS, mode: 'long', entry: 0x1_0000_0000n }), /outside the first 4 GiB/);
  t.end();
});

test('our tables avoid an image in low memory', (t) => {
  const image = new Uint8Array(0x9_e000).fill(0x90);
  const guest = loadGuest(image, { ...OPTIONS, mode: 'long', load: 0x1000 });
  t.deepEqual(bytesAt(guest, 0x1000, image.length), image, 'nothing was put into it');
  t.equal(walk(guest, 0x1000n), 0x1000n);
  t.ok(guest.cpu.sregs.cr3 >= 0x10_0000n, 'they are above 1 MiB');
  t.throws(() => loadGuest(new Uint8Array(0xf_f000), { name: 'big', ram: ramLayout(2 ** 20), mode: 'long', load: 0x1000 }), /no room for the stack/);
  t.end();
});

test('an MBR: one sector, DL=80h', (t) => {
  const disk = new Uint8Array(1024).fill(0x90);
  disk.set([0x55, 0xaa], 510);
  const guest = loadGuest(disk, OPTIONS);
  t.equal(guest.kind, 'mbr');
  t.equal(guest.writes[0]?.bytes.length, 512);
  t.deepEqual([guest.cpu.regs.rip, guest.cpu.sregs.cs.base, guest.cpu.regs.rdx], [0x7c00n, 0n, 0x80n]);
  t.match(guest.notes.join('; '), /only the first sector is loaded.*512 bytes are on a disk/);
  t.equal(loadGuest(disk, { ...OPTIONS, boot: 'flat' }).writes[0]?.bytes.length, 1024, '--boot flat loads it all');
  t.end();
});

test('wrong input is one sentence', (t) => {
  t.throws(() => loadGuest(new Uint8Array(0), OPTIONS), /guest is empty; give a guest image/);
  t.throws(() => loadGuest(CODE, { ...OPTIONS, load: 0x100_0000 }), /needs memory at 0x1000000 to 0x1000004, but RAM is 0x0 to 0xffffff \(16 MiB\)/);
  t.throws(() => loadGuest(CODE, { ...OPTIONS, load: -5 }), /--load takes an address/);
  t.throws(() => loadGuest(CODE, { ...OPTIONS, boot: 'mbr', load: 0 }), /--load, --entry and --mode are for flat images/);
  t.throws(() => loadGuest(CODE, { ...OPTIONS, modules: [{ text: 'm', bytes: CODE }] }), /Modules reach a guest by Multiboot, PVH or the Linux boot protocol/);
  t.throws(() => loadGuest(CODE, { ...OPTIONS, commandLine: 'quiet' }), /A command line reaches a guest by .*, and \S+ is started as flat; leave --append out\./);
  const elf = elfImage({ bits: 64, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: CODE }] });
  for (const misplaced of [{ mode: 'long' }, { load: 0x8000 }, { entry: 0x8000n }] as const) {
    t.throws(() => loadGuest(elf, { ...OPTIONS, ...misplaced }), /are for flat images, and \S+ is to be started as elf; leave them out or add --boot flat\./, 'an ELF file says both itself');
  }
  const disk = new Uint8Array(1024);
  disk.set([0x55, 0xaa, 0xeb, 0x66, 0x48, 0x64, 0x72, 0x53], 510);
  t.throws(() => loadGuest(disk, OPTIONS), /guest follows boot protocol 0\.00/, 'a Linux kernel by its header');
  t.equal(loadGuest(disk, { ...OPTIONS, boot: 'mbr' }).kind, 'mbr', 'unless forced');
  t.end();
});
