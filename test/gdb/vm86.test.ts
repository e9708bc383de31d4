/** Virtual-8086 mode under gdb, where the host can enter it: a software KVM has no IRET in protected mode, and says so. */
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { GDB_HELPER } from './support/gdb-session.js';
import { testGuest } from './support/test-guest.js';

const { image, elf } = testGuest('vm86');
/** QEMU's TCG does not survive a breakpoint in a debug register where CS has a base in such code (docs/hosts.md). */
const MECHANISMS = process.env['HOST_NAME'] === 'svm' ? ['--mechanisms', 'step'] : [];

test('virtual-8086 mode: disassembly, frames, nexti, finish, and back by a fault', async (t) => {
  await withAttachedGdb([...MECHANISMS, image], async (gdb) => {
    await gdb.runAll(`source ${GDB_HELPER}`, 'tbreak in_vm86', 'tbreak back');
    const stop = await gdb.run('continue');
    if (!/in_vm86 \(\)/.test(stop)) {
      t.match(stop, /cannot emulate[^\n]*cf[^]*SIGILL/i, 'a host without IRET says which instruction it was');
      t.match(await gdb.run('x/i $pc'), /\tiret\n/);
      return;
    }
    await checkAnswers(t, gdb, [
      ['kvm mode', /^vm86, cpl 3, cs:ip 07c0:00[0-9a-f]{2}, linear 0x7c[0-9a-f]{2}\n$/],
      ['x/2i $pc', /=> 0x7c[0-9a-f]+ <in_vm86>:\tmov +\$0x[0-9a-f]+,%si\n.*\tcall +0x7c[0-9a-f]+ <near_callee>\n/],
      ['stepi', /call +near_callee\n$/],
      ['kvm x/s $ds:$si', /^0x7c[0-9a-f]+ <text>:\t"virtual"\n$/],
      ['kvm x/1xh $ss:$sp', /^0x91000:/],
      ['kvm ivt', /\(not in use: the processor is in vm86\)/],
      ['kvm idt', /\n0x0d {2}#GP +interrupt32 DPL=0 0008:00007c[0-9a-f]{2} <back>\n/],
      ['kvm gdt', /TSS32-busy +base 0x00001000 limit 0x00000067 DPL=0 <- tr\n/],
      ['kvm pagetable $pc', /^Paging is off \(vm86\)/],
      ['stepi', /near_callee \(\)/],
      ['bt', /^#0 +near_callee [^]*\n#1 .* in in_vm86 /],
      ['finish', /Run till exit[^]*after_near \(\)/],
      ['nexti', /after_far \(\)|hlt\n$/],
      ['x/i $pc', /<after_far>:\thlt\n/],
      ['set var $pc = &after_near', /^$/],
      ['stepi', /far_callee \(\)/],
      ['bt', /^#0 +far_callee [^]*\n#1 .* in after_near /],
      ['continue', /back \(\)/],
      ['kvm mode', /^protected32, cpl 0, /],
    ]);
  }, elf);
});
