/** A bzImage has no symbols: gdb is told of the vmlinux beside it, or of the file that --symbols names. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { parseElf } from '../../src/vmm/boot/elf.js';
import { bzImage } from '../unit/vmm/boot/bzimage.js';
import { withGdb } from './support/gdb-console.js';
import { GUESTS_FOLDER, buildGuests } from './support/gdb-session.js';

buildGuests();
const ELF = join(GUESTS_FOLDER, 'build/kernel64.elf');

/** The example kernel64 as a bzImage whose 64-bit entry is its `_start`, for it ends up where it was linked. */
function bzImageOfKernel64(): Uint8Array {
  const file = readFileSync(ELF);
  const { entry, segments } = parseElf(file, ELF);
  const size = segments.reduce((end, { physical, memorySize }) => Math.max(end, Number(physical - entry) + memorySize), 0);
  const code = new Uint8Array(size);
  for (const { physical, offset, fileSize } of segments) code.set(file.subarray(offset, offset + fileSize), Number(physical - entry));
  return bzImage({ code64: [...code], preferredAddress: entry - 0x200n, alignment: 0x200 });
}

test('the vmlinux beside a bzImage, or the one that is named, has its symbols', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-test-'));
  const [kernel, vmlinux, elsewhere] = ['bzImage', 'vmlinux', 'kernel.debug'].map((name) => join(folder, name)) as [string, string, string];
  try {
    writeFileSync(kernel, bzImageOfKernel64());
    copyFileSync(ELF, vmlinux);
    for (const [options, file] of [[[], vmlinux], [['--symbols', elsewhere], elsewhere]] as const) {
      if (file === elsewhere) renameSync(vmlinux, elsewhere);
      await withGdb([kernel, ...options], async (gdb, server) => {
        t.match(await gdb.run(`target remote ${server.address}`), new RegExp(`Reading symbols from ${file}[^]*_start \\(\\) at kernel64/start\\.s`));
        t.match(await gdb.runAll('tbreak kernel_main', 'continue'), /kernel_main \(/);
        t.ok(server.output.stderr.includes(`symbols are in ${file}`), 'and the server says where they are');
      });
    }
    await withGdb([kernel], async (gdb, server) => {
      t.doesNotMatch(await gdb.run(`target remote ${server.address}`), /Reading symbols/, 'without either, none');
      t.match(await gdb.run('print/x $pc'), /= 0x100000\n/);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
