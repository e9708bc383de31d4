/** What a guest writes to a disk, by INT 13h and by the ATA registers, is in the image only where that was asked for; errors reach it. */
import { createHash } from 'node:crypto';
import { readFileSync, truncateSync } from 'node:fs';
import { chooseDrives, type DiskMode } from '../../../src/vmm/storage/disk-choice.js';
import { closeDrives, openDrives } from '../../../src/vmm/storage/open-drives.js';
import { imageTest } from '../../unit/vmm/storage/temporary-images.js';
import { run } from './run-guest.js';

/** mov al, ah; mov dx, 3f8h; out dx, al: the status of INT 13h on the serial port. */
const PRINT_AH = [0x88, 0xe0, 0xba, 0xf8, 0x03, 0xee];
const READ = 2, WRITE = 3;
/** INT 13h, sector `sector` of the first track: written from the boot sector's memory, read to 9000h. */
const int13 = (function_: number, sector: number): number[] => [0xb8, 1, function_, 0xb9, sector, 0, 0xba, 0x80, 0, 0xbb, 0x00, function_ === WRITE ? 0x7c : 0x90, 0xcd, 0x13, ...PRINT_AH];
/** Drive 0's registers for one sector at LBA `lba`, and a command. */
const ata = (command: number, lba: number): number[] => [
  0xba, 0xf2, 0x01, 0xb0, 1, 0xee, 0x42, 0xb0, lba, 0xee, 0x42, 0x30, 0xc0, 0xee, 0x42, 0xee, 0x42, 0xb0, 0xe0, 0xee, 0x42, 0xb0, command, 0xee,
];
/** in al, dx (the status, 1f7h); mov dx, 3f8h; out dx, al */
const PRINT_STATUS = [0xec, 0xba, 0xf8, 0x03, 0xee];
/** mov dx, 1f0h; mov si, 7c00h; mov cx, 256; rep outsw; mov dx, 1f7h */
const SEND_SECTOR = [0xba, 0xf0, 0x01, 0xbe, 0x00, 0x7c, 0xb9, 0, 1, 0xf3, 0x6f, 0xba, 0xf7, 0x01];
/** mov dx, 1f1h; in al, dx; mov dx, 3f8h; out dx, al: the error register. */
const PRINT_ERROR = [0xba, 0xf1, 0x01, ...PRINT_STATUS];
const END = [0xb0, 0, 0xe6, 0xf4, 0xf4];

function bootSector(code: readonly number[]): Uint8Array {
  const sector = new Uint8Array(512);
  sector.set([0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, ...code, ...END]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

const sha = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

imageTest('a disk is written only with ",write", by INT 13h as by its registers', async (t, folder) => {
  const sector = bootSector([...int13(WRITE, 3), ...ata(0x30, 5), ...PRINT_STATUS, ...SEND_SECTOR, ...PRINT_STATUS, ...int13(READ, 3), ...ata(0x20, 5), ...PRINT_STATUS]);
  // Write-protected; ready, data wanted; ready. ABRT is the registers' refusal.
  const rows: readonly (readonly [DiskMode, written: string, changed: readonly number[]])[] = [
    ['snapshot', '\0\x58\x50\0\x58', []], ['readonly', '\x03\x51\x51\0\x58', []], ['write', '\0\x58\x50\0\x58', [2, 5]],
  ];
  for (const [mode, expected, changed] of rows) {
    const path = folder.sparse(`${mode}.img`, 16 * 512);
    const before = sha(path);
    const drives = openDrives(chooseDrives({ disk: [`${path},${mode}`] }));
    try {
      const { output } = await run(t, { bytes: sector, boot: 'mbr' }, { drives, bios: { disks: drives.map(({ image }) => image) } });
      t.equal(output, expected, `${mode}: what the guest is told`);
    } finally {
      closeDrives(drives);
    }
    const after = readFileSync(path);
    t.deepEqual([...Array(16).keys()].filter((i) => after.subarray(512 * i, 512 * i + 512).some((byte) => byte !== 0)), changed, `${mode}: the sectors with something in them`);
    if (mode !== 'write') t.equal(sha(path), before, `${mode}: the image is what it was`);
  }
});

imageTest('what the host cannot read is the device\'s error, and one sentence', async (t, folder) => {
  const path = folder.sparse('cut.img', 16 * 512);
  const said: string[] = [];
  const drives = openDrives(chooseDrives({ disk: [path] }), (sentence) => said.push(sentence));
  truncateSync(path, 4 * 512);
  try {
    const sector = bootSector([...int13(READ, 9), ...ata(0x20, 9), ...PRINT_STATUS, ...PRINT_ERROR, ...int13(READ, 2)]);
    const { output } = await run(t, { bytes: sector, boot: 'mbr' }, { drives, bios: { disks: drives.map(({ image }) => image) } });
    t.equal(Buffer.from(output, 'latin1').toString('hex'), '20' + '5140' + '00', 'the controller failed for INT 13h, UNC in the registers; another sector is read');
    t.deepEqual(said, ['cut.img has no byte 4096 any more; it had 8192 bytes when it was opened. The guest gets an error for it, and for further ones, which are not reported.']);
  } finally {
    closeDrives(drives);
  }
});
