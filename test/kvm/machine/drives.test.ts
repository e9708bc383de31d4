/** SeaBIOS boots from our drives, and INT 13h reads and writes them: an ATA disk by CHS and LBA, a CD by El Torito. */
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import type { Test } from 'tape';
import { requireSeabios } from '../../../src/vmm/boot/seabios.js';
import { Machine } from '../../../src/vmm/machine.js';
import { runUntilEnd } from '../../../src/vmm/run-machine.js';
import { chooseDrives, type DriveArguments } from '../../../src/vmm/storage/disk-choice.js';
import { closeDrives, openDrives } from '../../../src/vmm/storage/open-drives.js';
import { imageTest } from '../../unit/vmm/storage/temporary-images.js';
import { bootableIso } from './el-torito.js';
import { patience } from '../../time-scale.js';

const LOADED = 0x7c00, BUFFER = 0x8000, PACKETS = 0x180;
const low = (value: number): number => value & 0xff;
const high = (value: number): number => value >> 8;

/** xor ax,ax; mov ds,ax; mov es,ax; mov ss,ax; mov sp,7c00h */
const START = [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, low(LOADED), high(LOADED)];
/** isa-debug-exit, then HLT for ever */
const END = [0xb0, 0, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd];
/** mov al,ah; out e9h,al: the status of INT 13h */
const PRINT_STATUS = [0x88, 0xe0, 0xe6, 0xe9];
/** mov al,[address]; out e9h,al */
const print = (address: number): number[] => [0xa0, low(address), high(address), 0xe6, 0xe9];
/** mov byte [address],value */
const put = (address: number, value: number): number[] => [0xc6, 0x06, low(address), high(address), value];
/** INT 13h, AX, of the drive DL that booted, cylinder and sector in CX, at the buffer */
const chs = (ax: number, cx: number, head: number): number[] => [
  0xb8, low(ax), high(ax), 0xb9, low(cx), high(cx), 0xb6, head, 0xbb, low(BUFFER), high(BUFFER), 0xcd, 0x13, ...PRINT_STATUS,
];
/** INT 13h, function AH with disk address packet `index` */
const packet = (ah: number, index: number): number[] => {
  const at = LOADED + PACKETS + 16 * index;
  return [0xbe, low(at), high(at), 0xb4, ah, 0xcd, 0x13, ...PRINT_STATUS];
};

/** Behind START: reads sectors 1 and 2 with the drive's interrupt, each after a HLT; the handler prints `!`. */
const BY_INTERRUPT = [
  0xfa, // cli
  0xc7, 0x06, 0xd8, 0x01, 0x6d, 0x7c, 0xc7, 0x06, 0xda, 0x01, 0, 0, // vector 76h (IRQ 14) = 0000:handler
  0xe4, 0xa1, 0x24, 0xbf, 0xe6, 0xa1, 0xe4, 0x21, 0x24, 0xfb, 0xe6, 0x21, // IRQ 14 and the cascade unmasked
  0xba, 0xf6, 0x03, 0x30, 0xc0, 0xee, // device control: nIEN off
  0xbe, 0x7f, 0x7c, 0xba, 0xf2, 0x01, 0xb9, 6, 0, 0xac, 0xee, 0x42, 0xe2, 0xfb, // registers 1f2h to 1f7h from `registers`
  0xc6, 0x06, 0x00, 0x7e, 0, 0xbb, 2, 0, // [7e00h] = 0: no interrupt yet; two sectors
  0xfb, 0xf4, 0xfa, 0x80, 0x3e, 0x00, 0x7e, 0, 0x74, 0xf6, 0xc6, 0x06, 0x00, 0x7e, 0, // next: sti; hlt; cli, until there was one
  0xba, 0xf7, 0x01, 0xec, 0xe6, 0xe9, // the status, printed
  0xbf, low(BUFFER), high(BUFFER), 0xb9, 0, 1, 0xba, 0xf0, 0x01, 0xf3, 0x6d, ...print(BUFFER), // REP INSW of a sector
  0x4b, 0x75, 0xd8, // dec bx; jnz next
  0xb0, 0, 0xe6, 0xf4, 0xf4, // the end
  0x50, 0xc6, 0x06, 0x00, 0x7e, 1, 0xb0, 0x21, 0xe6, 0xe9, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf, // handler: EOIs, iret
  2, 1, 0, 0, 0xe0, 0x20, // registers: count 2, LBA 1, READ SECTORS
];

/** A boot sector with disk address packets of `count` sectors at `lba`. */
function bootSector(code: readonly number[], packets: readonly (readonly [count: number, lba: number])[]): Uint8Array {
  const sector = new Uint8Array(512);
  sector.set([...START, ...code, ...END]);
  const view = new DataView(sector.buffer);
  packets.forEach(([count, lba], i) => {
    sector.set([16, 0], PACKETS + 16 * i);
    view.setUint16(PACKETS + 16 * i + 2, count, true);
    view.setUint16(PACKETS + 16 * i + 4, BUFFER, true);
    view.setBigUint64(PACKETS + 16 * i + 8, BigInt(lba), true);
  });
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/** What the guest wrote to the debug console, from the reset vector to its end. */
async function boot(t: Test, choice: DriveArguments): Promise<string> {
  const log: string[] = [];
  let printed = '';
  const drives = openDrives(chooseDrives(choice), (sentence) => log.push(sentence));
  const machine = Machine.create({
    memory: 32 << 20, irqchip: 'kernel', drives, firmware: { name: 'SeaBIOS', bytes: readFileSync(requireSeabios()) },
    firmwareConsole: null, debugConsole: { write: (bytes) => { printed += Buffer.from(bytes).toString('latin1'); } },
    log: (sentence) => log.push(sentence),
  });
  try {
    const end = await runUntilEnd(machine, patience(60_000));
    if (end.kind !== 'event') t.comment(`${end.kind}; ${log.join(' ')}`);
  } finally {
    machine.close();
    closeDrives(drives);
  }
  return printed;
}

function writeAt(path: string, lba: number, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, lba * 512);
  closeSync(descriptor);
}

/** The first byte of a sector. */
function readAt(path: string, lba: number): number {
  const descriptor = openSync(path, 'r');
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, lba * 512);
  closeSync(descriptor);
  return byte[0];
}

imageTest('SeaBIOS boots a disk of 8 GiB and reads and writes it, by CHS and LBA', async (t, folder) => {
  const [near, far] = [5000, 2 ** 24 - 100];
  const path = folder.sparse('disk.img', 2 ** 33);
  const code = [
    ...chs(0x0201, 0x0002, 0), ...print(BUFFER), // sector 2 of the first track is LBA 1
    ...chs(0x0201, 0x6405, 200), ...print(BUFFER), // cylinder 100, head 200, sector 5: the BIOS has 255 heads for a large disk
    ...packet(0x42, 0), ...print(BUFFER), ...print(BUFFER + 39 * 512), // 40 sectors
    ...put(BUFFER, 0x57), ...packet(0x43, 1), ...put(BUFFER, 0x3f), ...packet(0x42, 1), ...print(BUFFER), // written, and read back
    ...packet(0x42, 2), // beyond the end
  ];
  const sectors: readonly (readonly [number, Uint8Array])[] = [
    [0, bootSector(code, [[40, near], [1, far], [1, 2 ** 24]])], [1, Buffer.from('a')],
    [(100 * 255 + 200) * 63 + 4, Buffer.from('d')], [near, Buffer.from('b')], [near + 39, Buffer.from('c')],
  ];
  for (const [lba, bytes] of sectors) writeAt(path, lba, bytes);
  const printed = await boot(t, { disk: [path] });
  t.match(printed, /^\0a\0d\0bc\0\0W[^\0]$/, 'each read is good, and the last is refused');
  t.equal(readAt(path, far), 0, 'the image itself was not written');
  t.match(await boot(t, { disk: [`${path},write`] }), /^\0a\0d\0bc\0\0W[^\0]$/);
  t.equal(readAt(path, far), 0x57, 'with ",write" it is');
});

imageTest('SeaBIOS boots a CD by El Torito and reads it in sectors of 2048 bytes', async (t, folder) => {
  const code = [...packet(0x42, 0), ...print(BUFFER), ...print(BUFFER + 2048), ...packet(0x43, 0)];
  const iso = folder.path('boot.iso');
  writeFileSync(iso, bootableIso(bootSector(code, [[2, 30]]), 64, new Map([[30, 0x79], [31, 0x7a]])));
  t.match(await boot(t, { cdrom: iso }), /^\0yz[^\0]$/, 'two sectors, and a write is refused');
});

imageTest('each sector of a read interrupts once, on IRQ 14', async (t, folder) => {
  const path = folder.sparse('disk.img', 64 * 512);
  for (const [lba, bytes] of [[0, bootSector(BY_INTERRUPT, [])], [1, Buffer.from('a')], [2, Buffer.from('b')]] as const) writeAt(path, lba, bytes);
  t.equal(await boot(t, { disk: [path] }), '!Xa!Xb', 'X is 58h: DRDY, DSC, DRQ');
});
