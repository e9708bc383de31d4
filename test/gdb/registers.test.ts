/** Registers through gdb: every group is shown, every write takes effect in the guest or is refused in words. */
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';

const KERNEL = 'build/kernel64.elf';
buildGuests();

test('info registers shows each group as the manual names it', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['info registers cr0 efer mode gdtr', /^cr0 +0x80000033 +\[ PE MP ET NE PG \]\nefer +0x500 +\[ LME LMA \]\nmode +0x7 +\[ mode=LONG64 cpl=0 \]\ngdtr +\{base = 0x5000, limit = 0x1f\}/],
      ['info registers cr4 dr6 dr7 mxcsr', /^cr4 +0x\w+ +\[ PAE.* \]\ndr6 +0xffff0ff0 .*\ndr7 +0x400 .*\nmxcsr +0x1f80 +\[ IM DM ZM OM UM PM RC=0 \]/],
      ['info registers rip cs eflags', /^rip +0x100000 .*\ncs +0x8 .*\neflags +0x2 /],
      ['info registers general', /^rax .*\n[^]*\nr15 .*\nrip .*\neflags .*\ncs /],
      ['info registers float', /^st0 [^]*\nfctrl +0x37f /],
      ['info registers vector', /^mxcsr [^]*\n[xyz]mm15 /],
      ['info registers', /\nfs_base [^]*\ngs_base [^]*\nidtr [^]*\ntr [^]*\nlstar [^]*\npat /],
      ['info all-registers', /^rax [^]*\nst7 [^]*\nmxcsr [^]*\ncr3 [^]*\n[xyz]mm0 /],
      ['print $xmm0', /v4_float = \{0, 0, 0, 0\}/],
      ['print $gdtr', /= \{base = 20480, limit = 31\}/],
      ['print $cr0', /= \[ PE MP ET NE PG \]/],
      ['print $nonsense', /= void/],
    ]);
  });
});

test('general registers and their parts', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['set var $rax = 0x1122334455667788', /^$/],
      ['print/x $eax', /0x55667788/],
      ['print/x $ax', /0x7788/],
      ['print/x $al', /0x88|-0x78/],
      ['set var $ax = 0x1234', /^$/],
      ['print/x $rax', /0x1122334455661234/],
      ['set var $eax = 1', /^$/],
      ['print/x $rax', /= 0x(1122334400000001|1)\n/],
      ['set var $r15 = $rax + 1', /^$/],
      ['set var $eflags = 0x246', /^$/],
      ['print $eflags', /\[ PF ZF IF IOPL=0 \]/],
      ['set var $st0 = 1.5', /^$/],
      ['print $st0', /= 1\.5/],
      ['set var $xmm3.v4_float[2] = -0.25', /^$/],
      ['print $xmm3.v4_float', /\{0, 0, -0\.25, 0\}/],
      ['set var $xmm3.uint128 = 5', /^$/],
      ['print $xmm3.v2_int64', /\{5, 0\}/],
    ]);
  });
});

test('system registers take what the processor takes, and it sticks over a step', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['set var $cr0 = $cr0 | 0x10000', /^$/],
      ['set var $cr2 = 0xdeadbeef', /^$/],
      ['set var $cr4 = $cr4 | 0x4', /^$/],
      ['set var $cr8 = 5', /^$/],
      ['set var $efer = $efer | 1', /^$/],
      ['set var $lstar = 0xffffffff81000000', /^$/],
      ['set var $star = 0x0023001000000000', /^$/],
      ['set var $kernel_gs_base = 0x1000', /^$/],
      ['set var $fs_base = 0x2000', /^$/],
      ['set var $dr0 = 0x123456', /^$/],
      ['set var $idtr.base = 0x3000', /^$/],
      ['stepi', /start\.s|0x/],
      ['print $cr0', /\[ PE MP ET NE WP PG \]/],
      ['print/x $cr2', /0xdeadbeef/],
      ['print $cr4', /TSD/],
      ['print $cr8', /= 5/],
      ['print $efer', /\[ SCE LME LMA \]/],
      ['print/x $lstar', /0xffffffff81000000/],
      ['print/x $star', /0x23001000000000/],
      ['print/x $kernel_gs_base', /0x1000/],
      ['print/x $fs_base', /0x2000/],
      ['print/x $dr0', /0x123456/],
      ['print/x $idtr.base', /0x3000/],
    ]);
  });
});

test('what the processor refuses is refused in words, and nothing changes', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    const before = await gdb.run('info registers');
    await checkAnswers(t, gdb, [
      ['set var $cr0 = $cr0 & ~1L', /Could not write register "cr0".*PG without PE/],
      ['set var $cr0 = $cr0 | 0x100000000', /reserved/],
      ['set var $cr4 = $cr4 & ~0x20L', /cr4\.PAE cannot be cleared in long mode/],
      ['set var $efer = $efer & ~0x100L', /efer\.LME cannot change while cr0\.PG is set/],
      ['set var $cr8 = 16', /reserved/],
      ['set var $lstar = 0x8000000000000000', /not a canonical address/],
      ['set var $rip = 0x8000000000000000', /not a canonical address/],
      ['set var $pat = 0x0202020202020202', /reserved type 2/],
      ['set var $dr7 = 0x1000000400', /reserved/],
      ['set var $mxcsr = 0xffffffff', /reserved/],
      ['set var $cs = 0x1234', /no LDT is loaded/],
      ['set var $ds = 0x40', /GDT/],
      ['set var $eflags = 0x20002', /eflags\.VM/],
      ['set var $mode = 1L', /mode cannot be written|Invalid cast/],
    ]);
    t.equal(await gdb.run('info registers'), before);
  });
});

test('in real mode a selector brings its base, and rip stays linear', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['set var $ds = 0x1234', /^$/],
        ['print/x $ds_base', /0x12340/],
        ['set var $cs = 0x07c0', /^$/],
        ['print/x $cs_base', /0x7c00/],
        ['set var $rip = 0x7c00', /^$/],
        ['stepi', /0x0*7c01/],
        ['stepi', /0x0*7c00/],
        ['print/x $eip', /0x7c00/],
        ['print $rax', /= 1\n/],
      ]);
    });
  });
});

test('a value that gdb wrote is what the guest computes with', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.runAll('set var $rax = 0xfffe', 'stepi', 'stepi');
      t.match(await gdb.run('print/x $rax'), /0xffff/);
      await gdb.runAll('stepi', 'stepi');
      t.match(await gdb.run('print/x $rax'), /= 0x0\n/, 'inc ax wraps at 16 bits');
      t.match(await gdb.run('print $eflags'), /ZF/);
    });
  });
});
