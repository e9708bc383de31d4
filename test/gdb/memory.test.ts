/** Guest memory through gdb: print, set var, x/s, dump, restore, load, compare-sections, find, and where there is none. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { buildGuests, GUESTS_FOLDER } from './support/gdb-session.js';

const KERNEL = 'build/kernel64.elf';
buildGuests();

test('variables are read and written, and the guest sees it', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      ['tbreak kernel_main', /Temporary/],
      ['continue', /kernel_main \(\)/],
      ['print root', /name = 0x\w+ "root", value = 100, left = 0x\w+ <branch>, right = 0x\w+ <leaf_c>/],
      ['x/s leaf_a.name', /:\s+"a"\n$/],
      ['x/2s branch.name', /"branch"[^]*"c"/],
      ['set var root.value = -58', /^$/],
      ['set var leaf_b = leaf_a', /^$/],
      ['print leaf_b', /name = 0x\w+ "a", value = 1,/],
      ['set var *(char *)root.name = \'R\'', /^$/],
      ['print root.name', /"Root"/],
      ['continue', /exited normally/],
    ]);
    t.match(server.output.stdout, /^sum = -?\d/, 'it printed a sum');
    t.equal(server.output.stdout.split('\n')[0], `sum = ${(-58 + 10 + 1 + 1 + 4) >>> 0}`, 'of the values gdb wrote');
  }, KERNEL);
});

test('dump, restore, and a memory image across pages', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kvm-gdbserver-dump-'));
  try {
    await withAttachedGdb([KERNEL], async (gdb) => {
      const image = join(folder, 'image.bin');
      await gdb.run(`dump binary memory ${image} 0x100000 0x105310`);
      const elf = readFileSync(join(GUESTS_FOLDER, KERNEL));
      const memory = readFileSync(image);
      t.equal(memory.length, 0x5310);
      const text = Number(elf.readBigUInt64LE(64 + 32));
      t.ok(memory.subarray(0, text).equals(elf.subarray(0x1000, 0x1000 + text)), 'the first segment is the file\'s');
      t.ok(memory.subarray(0x10f0).every((byte) => byte === 0), '.bss is zero');

      const pattern = Buffer.from(Array.from({ length: 0x3001 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
      writeFileSync(join(folder, 'pattern.bin'), pattern);
      t.match(await gdb.run(`restore ${join(folder, 'pattern.bin')} binary 0x200ffe`), /Restoring binary file .* \(0x200ffe to 0x203fff\)/);
      await gdb.run(`dump binary memory ${join(folder, 'back.bin')} 0x200ffe 0x203fff`);
      t.ok(readFileSync(join(folder, 'back.bin')).equals(pattern), 'what was written across four pages comes back');
      t.match(await gdb.run('x/4xb 0x200ffc'), /0x00\s+0x00\s+0x00\s+0x07/, 'nothing before it changed');
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('load and compare-sections', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['compare-sections', /\.text, .*: matched\.[^]*\.data, .*: matched\./],
      ['set var root.value = 7', /^$/],
      ['set var *(char *)tree_sum = 0x90', /^$/],
      ['compare-sections', /\.text, .*: MIS-MATCHED![^]*\.data, .*: MIS-MATCHED!/],
      ['stepi 3', /movl/],
      ['load', /Loading section \.text[^]*Start address 0x0*100000/],
      ['compare-sections', /\.text, .*: matched\.[^]*\.data, .*: matched\./],
      ['info registers rip', /0x100000 /],
    ]);
  }, KERNEL);
});

test('find', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['find 0x100000, +0x4000, "branch"', /1 pattern found/],
      ['find /w &leaf_a, +200, 10', /<branch\+8>[^]*1 pattern found/],
      ['find 0x100000, +0x4000, "no such text"', /Pattern not found/],
      ['set var {char[3]}0x1ffffe = "ab"', /^$/],
      ['find 0x1ff000, 0x201000, \'a\', \'b\'', /^0x1ffffe\n1 pattern found/],
      ['find 0x7fffff0, +0x1000, \'a\'', /Unable to access|Pattern not found/],
    ]);
  }, KERNEL);
});

test('where there is no memory, gdb says so and goes on', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['x/x 0x8000000', /Cannot access memory at address 0x8000000/],
      ['print *(int *)0x7fffffe', /Cannot access memory at address 0x8000000/],
      ['x/2xb 0x7fffffe', /0x7fffffe:\s+0x00\s+0x00/],
      ['x/x 0x7fffffffffff0000', /Cannot access memory/],
      ['x/x 0xffff800000000000', /Cannot access memory/],
      ['x/s 0xffffffffffffffff', /Cannot access memory/],
      ['set var *(int *)0x8000000 = 1', /Cannot access memory at address 0x8000000/],
      ['set var *(int *)0x7fffffe = -1', /Cannot access memory/],
      ['x/2xb 0x7fffffe', /0x00\s+0x00/],
      ['dump binary memory /dev/null 0x7fff000 0x8001000', /Cannot access memory/],
      ['stepi', /start\.s|0x/],
    ]);
  }, KERNEL);
});
