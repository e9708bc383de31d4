/** SYSLINUX from a disk and ISOLINUX from a CD, behind SeaBIOS, to `boot:`. */
import { checkAnswers } from '../../gdb/support/gdb-console.js';
import { program, withProgram } from './running-program.js';

for (const [name, file, option] of [['SYSLINUX', 'syslinux.img', '--disk'], ['ISOLINUX', 'isolinux.iso', '--cdrom']] as const) {
  program(`${name} from the reset vector to its prompt, which answers`, [file], async (t, [image]) => {
    await withProgram(t, ['--firmware', 'seabios', option, image], async ({ gdb, serial, runUntil }) => {
      await checkAnswers(t, gdb, [
        ['x/i $pc', /=> 0xfffffff0:\s+ljmp +\$0xf000,\$0xe05b\n/],
        ['tbreak *0x7c00', /Temporary breakpoint/],
        ['continue', /Temporary breakpoint 1, 0x0*7c00 in/],
        ['kvm mode', /^real16, cpl 0, .* linear 0x7c00/],
        ['print/x $dl', option === '--disk' ? /= (0x|0xffffff)80\n/ : /= (0x|0xffffff)e0\n/],
        ['nexti', /0x0*7c/],
      ]);
      // SeaBIOS shows the text screen on the serial port too.
      await runUntil(() => serial.waitFor(/boot: /));
      t.match(await gdb.run('kvm screen'), new RegExp(`${name} 6\\.0[^]*boot:`), 'its prompt');
      await gdb.run('kvm keys nothing\\n');
      await runUntil(() => serial.waitFor(/boot: nothing\s[^]*boot: /));
      t.match(await gdb.run('kvm screen'), /boot: nothing\s+Loading nothing\.\.\. failed: No such file or directory\s+boot:/, 'and what it says to a wrong answer');
      await checkAnswers(t, gdb, [
        ['kvm ivt', /\n0x13 {2}[0-9a-f]{4}:[0-9a-f]{4} linear 0x[0-9a-f]+ {2}disks\n/],
        ['stepi 10', /0x[0-9a-f]+ in/],
        ['bt 2', /^#0 /],
        ['monitor info cpus', /^\* CPU #0: /],
      ]);
    });
  });
}
