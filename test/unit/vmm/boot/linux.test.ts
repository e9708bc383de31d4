import test from 'tape';
import { loadGuest } from '../../../../src/vmm/boot/load-guest.js';
import { ramLayout } from '../../../../src/vmm/guest-memory.js';
import { bzImage } from './bzimage.js';
import { OPTIONS, bytesAt, stringAt, walk, word32, word64 } from './loaded-memory.js';

const CODE32 = [0x90, 0xf4], CODE64 = [0x90, 0x90, 0xf4];
const KERNEL = bzImage({ code32: CODE32, code64: CODE64 });
const INITRD = { text: 'initrd.gz', bytes: Uint8Array.of(1, 2, 3, 4, 5) };

test('Linux: the 64-bit entry and its boot parameters', (t) => {
  const guest = loadGuest(KERNEL, { ...OPTIONS, commandLine: 'console=ttyS0 quiet', modules: [INITRD] });
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.kind, guest.entry, regs.rip], ['linux', 0x40_0200n, 0x40_0200n], 'at its preferred address');
  t.deepEqual([sregs.cs.selector, sregs.cs.l, sregs.ds.selector, sregs.ss.selector, sregs.efer & 0x500n, regs.rflags & 0x200n], [0x10, 1, 0x18, 0x18, 0x500n, 0n]);
  t.deepEqual([word64(guest, Number(sregs.gdt.base) + 0x10), word64(guest, Number(sregs.gdt.base) + 0x18)], [0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn], '__BOOT_CS and __BOOT_DS');
  t.ok(sregs.gdt.limit >= 0x1f, 'are inside the GDT');
  t.deepEqual([...bytesAt(guest, 0x40_0200, 3)], CODE64);
  t.equal(walk(guest, 0x4f_ffffn), 0x4f_ffffn, 'identity-mapped');

  const page = Number(regs.rsi);
  t.equal(page % 4096, 0);
  t.deepEqual([...bytesAt(guest, page + 0x1f1, 15)], [...KERNEL.subarray(0x1f1, 0x1fa), 0xff, 0xff, ...KERNEL.subarray(0x1fc, 0x200)], 'the header is the kernel\'s');
  t.equal(bytesAt(guest, page + 0x1ef, 1)[0], 0, 'the sentinel before it is not');
  t.equal(stringAt(guest, page + 0x202).slice(0, 4), 'HdrS');
  t.deepEqual([...bytesAt(guest, page + 0x210, 2)], [0xff, 1], 'type_of_loader; no heap');
  t.equal(word32(guest, page + 0x214), 0x40_0000, 'code32_start');
  t.equal(stringAt(guest, word32(guest, page + 0x228)), 'console=ttyS0 quiet');
  t.deepEqual([word32(guest, page + 0x218), word32(guest, page + 0x21c)], [0xff_f000, 5], 'the initrd ends RAM');
  t.deepEqual([...bytesAt(guest, 0xff_f000, 5)], [1, 2, 3, 4, 5]);
  t.equal(bytesAt(guest, page + 0x1e8, 1)[0], 3);
  t.deepEqual([word64(guest, page + 0x2d0 + 40), word64(guest, page + 0x2d0 + 48), word32(guest, page + 0x2d0 + 56)], [0x10_0000n, 15n * 1024n ** 2n, 1]);
  t.deepEqual([...bytesAt(guest, page + 0x26c, 0x24)], new Array(0x24).fill(0), 'nothing behind the header');
  t.equal(guest.needsBios, undefined);
  t.match(guest.notes.join('; '), /^Linux 6\.1\.0-test \(tape\) \(boot protocol 2\.15\), loaded at 0x400000/);
  t.end();
});

test('Linux: the 32-bit entry, by need and by wish', (t) => {
  for (const [file, mode] of [[bzImage({ code32: CODE32 }), undefined], [KERNEL, 'protected']] as const) {
    const guest = loadGuest(file, { ...OPTIONS, ...(mode !== undefined && { mode }) });
    const { regs, sregs } = guest.cpu;
    t.deepEqual([guest.entry, sregs.cr0 & 0x8000_0001n, sregs.cs.selector, sregs.cs.db, sregs.es.selector, sregs.cs.limit], [0x40_0000n, 1n, 0x10, 1, 0x18, 0xffff_ffff]);
    t.deepEqual([regs.rbp, regs.rdi, regs.rbx], [0n, 0n, 0n]);
    t.equal(stringAt(guest, Number(regs.rsi) + 0x202).slice(0, 4), 'HdrS', 'ESI');
    t.equal(stringAt(guest, word32(guest, Number(regs.rsi) + 0x228)), '', 'an empty command line is there');
  }
  t.throws(() => loadGuest(bzImage(), { ...OPTIONS, mode: 'long' }), /has no 64-bit entry/);
  t.end();
});

test('Linux: the real-mode entry', (t) => {
  const file = Buffer.from(KERNEL);
  const guest = loadGuest(file, { ...OPTIONS, mode: 'real', commandLine: 'vga=ask a', modules: [INITRD] });
  const { regs, sregs } = guest.cpu;
  t.deepEqual([guest.entry, sregs.cs.selector, regs.rip, sregs.cr0 & 1n, regs.rflags & 0x200n], [0x1_0200n, 0x1020, 0n, 0n, 0n]);
  t.deepEqual([sregs.ds, sregs.es, sregs.fs, sregs.gs, sregs.ss].map(({ selector, base }) => [selector, base]), new Array(5).fill([0x1000, 0x1_0000n]));
  t.equal(regs.rsp, 0xe000n);
  t.deepEqual(bytesAt(guest, 0x1_0000, 0x1f1), KERNEL.slice(0, 0x1f1), 'the boot sector too');
  t.deepEqual([...bytesAt(guest, 0x1_01fa, 2)], [0xfd, 0xff], 'vga=ask is vid_mode');
  t.deepEqual([...bytesAt(guest, 0x1_0210, 2), ...bytesAt(guest, 0x1_0224, 2)], [0xff, 0x81, 0, 0xde], 'CAN_USE_HEAP up to 0xe000');
  t.equal(stringAt(guest, word32(guest, 0x1_0228)), 'vga=ask a');
  t.deepEqual([word32(guest, 0x1_0218), word32(guest, 0x1_021c)], [0xff_f000, 5]);
  t.equal(guest.needsBios, true, 'it asks a BIOS for memory map and video mode');
  t.deepEqual(Uint8Array.from(file), KERNEL, 'the file\'s own bytes stay');

  const old = loadGuest(bzImage({ loadflags: 0 }), { ...OPTIONS, mode: 'real' });
  t.deepEqual([old.entry, old.cpu.regs.rsp, old.writes[0].address], [0x9_0200n, 0x9800n, 0x1_0000n], 'a zImage');
  const ipxe = bzImage({ version: 0x207, code32Start: 0, relocatable: false, alignment: 0 });
  t.equal(loadGuest(ipxe, OPTIONS).entry, 0x1_0200n, 'without another entry');
  t.throws(() => loadGuest(ipxe, { ...OPTIONS, mode: 'protected' }), /no 32-bit entry \(code32_start is 0\)/);
  t.throws(() => loadGuest(bzImage({ sectors: 64 }), { ...OPTIONS, mode: 'real' }), /33280 bytes of setup code, and the boot protocol allows 32768; start it without --mode real and --firmware\./);
  t.throws(() => loadGuest(bzImage({ commandLineSize: 60_000 }), { ...OPTIONS, mode: 'real', commandLine: 'x'.repeat(0x2000) }), /8192 bytes, and 8191 fit behind the setup code of .*; shorten --append, or start it without --mode real and --firmware\./);
  t.end();
});

test('Linux: where kernel and initrd go', (t) => {
  const entry = (options: Parameters<typeof bzImage>[0], more = {}): bigint => loadGuest(bzImage({ code64: CODE64, ...options }), { ...OPTIONS, ...more }).entry;
  t.equal(entry({ preferredAddress: 0x100_0000n }), 0x20_0200n, 'no RAM where it prefers: the lowest that is aligned');
  t.equal(entry({ preferredAddress: 0n, alignment: 0x100_0000 }, { ram: ramLayout(64 * 1024 ** 2) }), 0x100_0200n);
  t.equal(entry({ relocatable: false, preferredAddress: 0x20_0000n }), 0x10_0200n, 'one that moves itself');
  t.equal(entry({ version: 0x20c, preferredAddress: 0xffff_ffff_ffff_fff0n }), 0x20_0200n);
  t.throws(() => entry({ initSize: 0x200_0000 }), /no room for the kernel guest \(33554432 bytes\).*--memory/);
  t.throws(() => entry({ relocatable: false, preferredAddress: 0x100_0000n }), /The kernel guest needs memory at 0x100000 to 0x10fffff/);

  const initrd = (options: Parameters<typeof bzImage>[0], more = {}): readonly number[] => {
    const guest = loadGuest(bzImage({ code64: CODE64, ...options }), { ...OPTIONS, modules: [INITRD], ...more });
    return [word32(guest, Number(guest.cpu.regs.rsi) + 0x218), word32(guest, Number(guest.cpu.regs.rsi) + 0x21c)];
  };
  t.deepEqual(initrd({ initrdAddrMax: 0x7f_ffff }), [0x7f_f000, 5], 'not above initrd_addr_max');
  t.deepEqual(initrd({ initrdAddrMax: 0x4f_ffff }), [0x3f_f000, 5], 'nor in the kernel');
  t.deepEqual(initrd({}, { commandLine: 'mem=8M' }), [0x7f_f000, 5], 'nor above mem=');
  t.deepEqual(initrd({}, { commandLine: 'mem=0x1e00000 mem=nopentium vga=0x317' }), [0xff_f000, 5]);
  t.deepEqual(initrd({}, { modules: [INITRD, INITRD] }), [0xff_f000, 13], 'two, the second at a multiple of 4');
  t.throws(() => initrd({ initrdAddrMax: 0xf_ffff }), /no room for the initrd \(5 bytes\) below 0x100000/);
  t.throws(() => initrd({}, { modules: [{ text: 'i.gz root=/dev/sda', bytes: INITRD.bytes }] }), /initrd has no arguments, and "i\.gz root=\/dev\/sda" has some/);
  t.throws(() => entry({ commandLineSize: 4 }, { commandLine: 'quiet' }), /command line has 5 bytes, and guest takes at most 4/);
  t.end();
});

test('Linux: symbols beside the kernel', (t) => {
  const guest = loadGuest(KERNEL, { ...OPTIONS, path: '/k/bzImage', symbols: '/k/vmlinux' });
  t.equal(guest.executable, '/k/vmlinux');
  t.match(guest.notes.join(), /--append nokaslr/);
  t.doesNotMatch(loadGuest(KERNEL, { ...OPTIONS, symbols: '/k/vmlinux', commandLine: 'nokaslr' }).notes.join(), /nokaslr/);
  t.equal(loadGuest(KERNEL, { ...OPTIONS, path: '/k/bzImage' }).executable, undefined, 'a bzImage itself has none');
  t.equal(loadGuest(Uint8Array.of(0xf4), { ...OPTIONS, symbols: '/k/boot.elf' }).executable, '/k/boot.elf', 'for any guest');
  t.end();
});
