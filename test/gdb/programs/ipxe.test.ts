/**
 * iPXE as a bzImage (Debian's ipxe) under gdb: its real-mode entry and its trips to protected mode everywhere, and with the
 * runner of the hosts (HOST_NAME), where minutes may pass, on to its banner and its prompt. A software KVM carries its boot no
 * further than "initialising devices...": the first timer tick in protected mode ends with an IRET (docs/hosts.md).
 */
import test from 'tape';
import { checkAnswers, withAttachedGdb, type GdbConsole } from '../support/gdb-console.js';
import { GDB_HELPER } from '../support/gdb-session.js';
import { FIRMWARE_OPTIONS } from '../support/real-mode-options.js';
import { PATIENCE_MILLISECONDS } from './running.js';

const IPXE = '/usr/lib/ipxe/ipxe.lkrn';
const MEMORY = ['--memory', '64M'];
const LOOK_MILLISECONDS = 1000;
/** `xor $0xedb88320, %ebx`: the polynomial of CRC-32, by which its loader checks each block of what it unpacks. */
const FIND_CHECKSUM = 'find /b 0x10000, +0xc00, 0x66, 0x81, 0xf3, 0x20, 0x83, 0xb8, 0xed';

test('iPXE: from its real-mode entry into protected mode, where it checks what it unpacks', async (t) => {
  await withAttachedGdb([...MEMORY, ...FIRMWARE_OPTIONS, IPXE], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      [`source ${GDB_HELPER}`, /^$/],
      ['kvm mode', /^real16, cpl 0, cs:ip 1020:0000, linear 0x10200\n/],
      ['kvm e820', /^The built-in BIOS answers [^]*0x0{6}100000-0x0{5}3ffffff +63 MiB +RAM\n/],
      ['kvm x/s 0x1020:2', /"HdrS/],
      [FIND_CHECKSUM, /^0x10[0-9a-f]{3}\s[^]*1 pattern found/],
      ['hbreak *$_', /Hardware assisted breakpoint 1 /],
      ['continue', /Breakpoint 1, /],
      ['kvm mode', /^protected16, cpl 0, cs:ip 0008:/],
      ['x/2i $pc', /xor +\$0xedb88320,%ebx\n[^]*loop/],
      ['kvm gdt', /0x0008 {2}CS16 [^\n]* base 0x00010000 [^\n]*<- cs\n/],
      ['delete', /^$/],
      // Behind the loop over a byte's bits and that over the block's bytes (%esi up to %edx) a good block leaves zero.
      ['x/6i $pc', /cmp +%esi,%edx\n[^]*jne[^]*test +%ebx,%ebx\n/],
      ['tbreak *$pc + 14', /Temporary breakpoint 2 /],
      ['continue', /Temporary breakpoint 2, /],
      ['x/i $pc', /test +%ebx,%ebx\n/],
      ['print $ebx', /= 0\n/],
    ]);
    t.match(server.output.stderr, /boot protocol 2\.\d+\)[^\n]*to be entered in real mode/, 'it is started by its only entry');
  });
});

/** Lets the guest run until the screen has `pattern` or it cannot go on; returns what gdb said of the last stop. */
async function untilShown(gdb: GdbConsole, pattern: RegExp): Promise<{ stop: string; screen: string }> {
  for (const deadline = Date.now() + PATIENCE_MILLISECONDS * 3; ;) {
    gdb.begin('continue');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    gdb.interrupt();
    const stop = await gdb.answer();
    const screen = await gdb.run('kvm screen');
    if (pattern.test(screen) || !stop.includes('SIGINT')) return { stop, screen };
    if (Date.now() > deadline) throw new Error(`${pattern.source} did not come on the screen:\n${screen}`);
  }
}

if (process.env['HOST_NAME'] !== undefined) {
  test('iPXE: to its banner and its prompt, or to the IRET that a software KVM cannot carry out', async (t) => {
    await withAttachedGdb([...MEMORY, ...FIRMWARE_OPTIONS, IPXE], async (gdb, server) => {
      await gdb.run(`source ${GDB_HELPER}`);
      const { stop, screen } = await untilShown(gdb, /Press Ctrl-B/);
      t.match(screen, /iPXE initialising devices\.\.\./, 'it is unpacked and talks');
      if (stop.includes('SIGILL')) {
        t.equal(process.env['HOST_NAME'], 'local', 'a host with VMX or SVM runs on');
        await checkAnswers(t, gdb, [
          ['x/i $pc', /=> 0x[0-9a-f]+:\s+iret\n/],
          ['kvm mode', /^protected32, cpl 0, /],
        ]);
        t.match(stop + server.output.stderr, /cannot emulate the instruction \(cf [^\n]*: IRET in 32-bit protected mode/, 'which is said');
        return;
      }
      t.match(screen, /iPXE 1\.[^]*Open Source Network Boot Firmware/, 'its banner');
      await gdb.run('kvm keys <ctrl-b>');
      await untilShown(gdb, /^iPXE> *$/m);
      await gdb.run('kvm keys echo 6 times 7\\n');
      t.match((await untilShown(gdb, /^6 times 7/m)).screen, /^6 times 7/m, 'its prompt answers');
    });
  });
}
