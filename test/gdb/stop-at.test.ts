/** --stop-at: gdb's first stop is there, and what cannot be is a sentence. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { start } from '../kvm/cli/support/server-process.js';
import { bzImage } from '../unit/vmm/boot/bzimage.js';
import { elfImage, elfNote } from '../unit/vmm/boot/elf-image.js';
import { checkAnswers, withAttachedGdb, withGdb } from './support/gdb-console.js';
import { buildGuests, GUESTS_FOLDER, startServer } from './support/gdb-session.js';
import { SKIP_BREAKPOINTS_IN_FIRMWARE } from './support/real-mode-options.js';
import { folderOfFile } from '../temporary-folder.js';

buildGuests();
const folder = folderOfFile();

/** The example guest bios, with a third sector, so that it is a disk and no boot sector. */
function disk(): string {
  const path = join(folder, 'disk.img');
  writeFileSync(path, Buffer.concat([readFileSync(join(GUESTS_FOLDER, 'build/bios.img')), Buffer.alloc(62 * 512)]));
  return path;
}

function linuxKernel(): string {
  const path = join(folder, 'bzImage');
  writeFileSync(path, bzImage());
  return path;
}

/** A kernel whose PVH note names another place than its ELF header, as Linux's do. */
function pvhKernel(): string {
  const path = join(folder, 'pvh.elf');
  const note = { physical: 0n, bytes: elfNote('Xen', 18, [0x40, 0, 0x10, 0]), type: 4 };
  writeFileSync(path, elfImage({ bits: 64, entry: 0x10_0000n, segments: [{ physical: 0x10_0000n, bytes: new Uint8Array(0x80).fill(0x90) }, note] }));
  return path;
}

test('--stop-at: a disk without a word about firmware is at the boot sector, behind SeaBIOS, when gdb comes', async (t) => {
  await withGdb([disk(), '--stop-at', 'boot-sector', '--symbols', 'build/bios.elf'], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`target remote ${server.address}`, /Reading symbols from .*bios\.elf[^]*_start \(\) at bios\/bios\.s:12/],
      ['print/x $pc', /= 0x7c00\n/],
      ['monitor info registers', /^CS =0000 /m],
      ['stepi', /0x0*7c0\d|^\d+\s/m],
      ['monitor reset', /^The machine stands before its first instruction\./],
      ['maintenance flush register-cache', /^Register cache flushed\.$/m],
      ['print/x $pc', /= 0xfffffff0\n/],
    ]);
    t.match(server.output.stderr, /disk\.img is a disk: SeaBIOS starts it/);
    t.match(server.output.stdout, /SeaBIOS \(version /);
  });
});

test('--stop-at: an address, an entry, and places where the guest begins anyway', async (t) => {
  const rows: readonly (readonly [readonly string[], bigint])[] = [
    [['--stop-at', '0x7c05', 'build/hello.img'], 0x7c05n],
    [['--stop-at', 'boot-sector', 'build/hello.img'], 0x7c00n],
    [['--stop-at', 'reset', disk()], 0xffff_fff0n],
    [['--stop-at', 'entry', 'build/kernel64.elf'], 0x10_0000n],
    [['--stop-at', 'entry', pvhKernel()], 0x10_0040n],
    [['--stop-at', '0x100042', pvhKernel()], 0x10_0042n],
    [['--stop-at', 'entry', '--firmware', 'builtin', '--symbols', 'build/bios.elf', disk()], 0x7c00n],
  ];
  for (const [args, pc] of rows) {
    await withAttachedGdb(args, async (gdb) => {
      t.match(await gdb.run('print/x $rip'), new RegExp(`= 0x${pc.toString(16)}\n`), args.join(' '));
    });
  }
});

test('--stop-at entry: a kernel behind SeaBIOS, at its real-mode entry', { skip: SKIP_BREAKPOINTS_IN_FIRMWARE }, async (t) => {
  await withAttachedGdb(['--stop-at', 'entry', '--firmware', 'seabios', linuxKernel()], async (gdb) => {
    t.match(await gdb.run('print/x $rip'), /= 0x10200\n/);
  });
});

test('--keys: a script types without gdb, at once or at --stop-at, and the guest that waits for a key goes on to its end', async (t) => {
  for (const args of [['--firmware', 'builtin', join(GUESTS_FOLDER, 'build/bios.img')], ['--stop-at', 'boot-sector', disk()]]) {
    const { status, stderr } = await start(['--listen', ':0', '--run', '--keys', 'k', ...args]).ended;
    t.equal(status, 0, args.join(' '));
    t.match(stderr, /is running\.[^]*The guest ended/);
  }
});

test('--stop-at: a place that is not come to', async (t) => {
  const rows: readonly (readonly [readonly string[], RegExp])[] = [
    [['--stop-at', '0x9000', 'build/hello.img'], /The guest ended before it came to 0x9000, where --stop-at is\./],
    [['--stop-at', 'reset', 'build/hello.img'], /--stop-at reset is where firmware begins, and build\/hello\.img is started without;/],
    [['--stop-at', 'boot-sector', 'build/kernel64.elf'], /--stop-at boot-sector is for a disk, and build\/kernel64\.elf is started as elf;/],
    [['--stop-at', 'entry', disk()], /--stop-at entry is where an ELF file begins, and .* has none; name one with --symbols, or give the address\./],
    [['--stop-at', 'entry', '--symbols', 'build/hello.img', disk()], /--symbols takes an ELF file, and build\/hello\.img is not one\./],
  ];
  for (const [args, sentence] of rows) {
    try {
      await (await startServer(args)).stop();
      t.fail(`${args.join(' ')} was started`);
    } catch (error) {
      t.match((error as Error).message, sentence);
    }
  }
  const nowhere = join(folder, 'nowhere');
  writeFileSync(nowhere, Uint8Array.of(0xb8, 0, 0, 0, 0xd0, 0xff, 0xe0)); // mov eax, 0xd0000000; jmp *eax
  await withAttachedGdb(['--stop-at', '0x9000', '--load', '0x8000', '--mode', 'protected', nowhere], async (gdb, server) => {
    t.match(server.output.stderr, /^The guest stopped before it came to 0x9000, where --stop-at is\.$/m);
    t.match(server.output.stderr, /went to 0xd0000000/, 'and why');
    t.match(await gdb.run('print/x $pc'), /= 0xd0000000\n/, 'it is held there');
  });
});
