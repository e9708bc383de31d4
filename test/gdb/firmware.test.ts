/** SeaBIOS under gdb, from the reset vector to a boot sector, in one session. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { REAL_MODE_OPTIONS, SKIP_BREAKPOINTS_IN_FIRMWARE } from './support/real-mode-options.js';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { GDB_HELPER, startServer } from './support/gdb-session.js';
import { folderOfFile } from '../temporary-folder.js';

const folder = folderOfFile();

/** mov ax,0e41; int 10h; mov al,3; out f4,al: teletype A, then exit status 7. */
const BOOT_SECTOR = [0xb8, 0x41, 0x0e, 0xcd, 0x10, 0xb0, 0x03, 0xe6, 0xf4, 0xf4];

function writeDisk(code: readonly number[] = BOOT_SECTOR): string {
  const disk = new Uint8Array(64 * 512);
  disk.set(code);
  disk.set([0x55, 0xaa], 510);
  const path = join(folder, 'disk.img');
  writeFileSync(path, disk);
  return path;
}

test('firmware: one session from the reset vector over INT 19h to 7c00', { skip: SKIP_BREAKPOINTS_IN_FIRMWARE }, async (t) => {
  await withAttachedGdb(['--firmware', 'seabios', writeDisk()], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`source ${GDB_HELPER}`, /^$/],
      ['print/x $pc', /= 0xfffffff0\n/],
      ['x/i $pc', /=> 0xfffffff0:\s+ljmp +\$0xf000,\$0xe05b\n/],
      ['x/i 0xffff0', /0xffff0:\s+ljmp +\$0xf000,\$0xe05b\n/],
      ['monitor info registers', /^EIP=0000fff0 [^]*^CS =f000 ffff0000 0000ffff 00009b00$[^]*^CR0=60000010 /m],
      ['break *0xfe6f2', /Breakpoint 1 at 0xfe6f2/], // where every PC BIOS has INT 19h
      ['break *0x7c00', /Breakpoint 2 at 0x7c00/],
      ['stepi', /0x0*fe05b in /],
      ['print/x $cs_base', /= 0xf0000\n/],
      ['x/i $pc', /=> 0xfe05b:\s+cmp/],
      ['continue', /Breakpoint 1, 0x0*fe6f2 in /],
      ['x/i $pc', /=> 0xfe6f2:\s+jmp/],
      ['continue', /Breakpoint 2, 0x0*7c00 in /],
      ['print/x $dl', /= 0xffffff80\n|= 0x80\n/],
      ['x/2i $pc', /=> 0x7c00:\s+mov +\$0xe41,%ax\n\s+0x7c03:\s+int +\$0x10\n/],
      ['stepi', /0x0*7c03 in /],
      ['nexti', /0x0*7c05 in /],
      ['continue', /exited with code 07/],
    ]);
    t.equal((await server.ended()).status, 7, 'the guest\'s status is the server\'s');
    t.match(server.output.stdout, /SeaBIOS \(version /);
    t.match(server.output.stderr, /: firmware at 0xfff\w+ to 0xffffffff, its last 128 KiB also at 0xe0000 to 0xfffff; first instruction at f000:fff0\./);
    t.notOk(server.output.stderr.includes('no device at'), 'no access that needs a word');
  });
});

/** A ROM of 4 KiB that enters protected mode and jumps to d0000000, where nothing is. */
function romIntoNothing(): Uint8Array {
  const rom = new Uint8Array(4096).fill(0xf4);
  rom.set([
    0x2e, 0x66, 0x0f, 0x01, 0x16, 0x20, 0xf0, // lgdtl %cs:0xf020
    0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, // set CR0.PE
    0x66, 0xea, 0x00, 0x00, 0x00, 0xd0, 0x08, 0x00, // ljmpl $8, $0xd0000000
  ]);
  rom.set([0x0f, 0x00, 0x30, 0xf0, 0x0f, 0x00], 0x20);
  rom.set([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0], 0x30);
  rom.set([0xea, 0x00, 0xf0, 0x00, 0xf0], 0xff0); // ljmp $0xf000, $0xf000
  return rom;
}

test('firmware: one that jumps into nothing stops with a sentence', async (t) => {
  const rom = join(folder, 'nothing.rom');
  writeFileSync(rom, romIntoNothing());
  await withAttachedGdb(['--firmware', rom], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['continue', /cpu0 went to 0xd0000000 \(protected32\), where the guest has no memory: [^]*SIGSEGV/],
      ['print/x $pc', /= 0xd0000000\n/],
    ]);
  });
});

test('firmware: a wrong one is a sentence', async (t) => {
  const rom = join(folder, 'odd.rom');
  writeFileSync(rom, new Uint8Array(1000));
  for (const [args, sentence] of [
    [['--firmware', rom], /odd\.rom has 1000 bytes, and a firmware ROM is a whole number of 4 KiB pages/],
    [['--firmware', join(folder, 'none.rom')], /There is no file .*none\.rom/],
    [['--firmware', 'seabios', join(folder, 'none.img')], /none\.img/],
  ] as const) {
    try {
      await (await startServer(args)).stop();
      t.fail(`${args.join(' ')} was started`);
    } catch (error) {
      t.match((error as Error).message, sentence);
    }
  }
});

/** nop; int 19h */
const BOOT_AGAIN = [0x90, 0xcd, 0x19];

for (const firmware of ['seabios', 'builtin']) {
  const isBuiltin = firmware === 'builtin';
  test(`firmware: break *0x7c00 is hit each time ${firmware} has read the boot sector to it`, { skip: !isBuiltin && SKIP_BREAKPOINTS_IN_FIRMWARE }, async (t) => {
    await withAttachedGdb([...(isBuiltin ? REAL_MODE_OPTIONS : []), '--firmware', firmware, writeDisk(BOOT_AGAIN)], async (gdb) => {
      await checkAnswers(t, gdb, [
        [`source ${GDB_HELPER}`, /^$/],
        ['break *0x7c00', /Breakpoint 1 at 0x7c00/],
        ['continue', /Breakpoint 1, 0x0*7c00 in/],
        ['x/2i $pc', /=> 0x7c00:\tnop\n\s+0x7c01:\tint +\$0x19\n/],
        // The BIOS reads the sector again, over whatever the breakpoint is made of.
        ['continue', /Breakpoint 1, 0x0*7c00 in/],
        ['x/2i $pc', /=> 0x7c00:\tnop\n\s+0x7c01:\tint +\$0x19\n/],
        ['nexti', /0x0*7c01 in/],
      ]);
    });
  });
}
