/**
 * Stock lldb as a client (`gdb-remote`): 64-, 32- and 16-bit code, four processors, its ways to leave. Newer ones (19)
 * show the bits of a register below it.
 */
import test from 'tape';
import { buildGuests } from '../gdb/support/gdb-session.js';
import { checkLldb, lldbIsMissing } from './support/lldb.js';
import { TcpServer } from './support/tcp-server.js';

buildGuests();

test('lldb: a kernel in C: breakpoints, steps, variables, memory, registers, a watchpoint', { skip: lldbIsMissing }, async (t) => {
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    checkLldb(t, [
      ['target create build/kernel64.elf', /Current executable set to/],
      [`gdb-remote 127.0.0.1:${server.port}`, /stop reason = signal SIGTRAP[^]*`_start at start\.s/],
      ['breakpoint set --name kernel_main', /Breakpoint 1: where = kernel64\.elf`kernel_main/],
      ['breakpoint set --name tree_sum --condition \'node && node->value == 4\'', /Breakpoint 2/],
      ['continue', /stop reason = breakpoint 1\.1[^]*load_interrupt_table\(\);/],
      ['register read rip cr0 cr3 efer mode gdtr', /rip = 0x0000000000100[0-9a-f]{3}  kernel64\.elf`kernel_main[^]*cr0 = 0x0000000080000033[^]*efer = 0x0000000000000500\n[^]* mode = 0x00000007/],
      ['continue', /stop reason = breakpoint 2\.1[^]*if \(!node\)/],
      ['bt', /#0: .*`tree_sum[^]*#1: .*`tree_sum[^]*#2: .*`kernel_main[^]*#3: .*`_start/],
      ['frame variable node->name node->value', /"c"\n\(int\) node->value = 4/],
      ['thread step-over', /stop reason = step over[^]*-> \d+.*int below = tree_sum/],
      ['thread step-in', /stop reason = step in[^]*node=0x0000000000000000/],
      ['thread step-out', /stop reason = step out\nReturn value: \(int\) \$0 = 0/],
      ['thread step-inst', /stop reason = instruction step/],
      ['memory read 0x100000 --count 8', /0x00100000: 0f 01 15/],
      ['disassemble --name _start --count 2', /lgdtq[^]*movl +\$0x10, %eax/],
      ['register write r15 0x77', /^$/],
      ['register read r15', /r15 = 0x0000000000000077/],
      ['expression leaf_c.value = 1004', /= 1004/],
      ['memory write 0x9000 1 2 3', /^$/],
      ['memory read 0x9000 --count 3', /01 02 03/],
      // 128 MiB of RAM but for the video card's addresses; the page tables map more than that, and not this much.
      ['memory region 0x101000', /\[0x00000000000c0000-0x0000000008000000\) rwx RAM/],
      ['memory region 0xa0000', /\[0x00000000000a0000-0x00000000000b8000\) rwx devices or nothing/],
      ['memory region 0x8000000000', /-0xffffffffffffffff\) ---/],
      ['breakpoint disable 1 2', /2 breakpoints disabled/],
      ['watchpoint set variable invalid_opcodes_seen', /Watchpoint created/],
      ['continue', /Watchpoint 1 hit:\nold value: 0\nnew value: 1[^]*`on_invalid_opcode/],
      ['watchpoint disable 1', /1 watchpoints disabled/],
      ['continue', /exited with status = 0/],
    ]);
    t.equal(await server.ended, 0);
    t.match(server.stdout, /sum = 1117\nud2 1, int3 0/, 'the guest went on with what was written');
  });
});

test('lldb: a boot sector through real, protected and long mode', { skip: lldbIsMissing }, async (t) => {
  await TcpServer.with(['build/modes.img'], async (server) => {
    checkLldb(t, [
      ['target create build/modes.elf', /Current executable set to/],
      [`gdb-remote 127.0.0.1:${server.port}`, /stop reason = signal SIGTRAP[^]*-> 19 +\s+cli/],
      ['register read rip cs_base cr0 mode', /rip = 0x0000000000007c00.*\n cs_base = 0x0+\n +cr0 = 0x0000000000000010\n[^]* mode = 0x00000000/],
      ['disassemble -A i386-unknown-unknown-code16 --start-address 0x7c02 --count 3', /xorw +%ax, %ax[^]*movw +%ax, %ds[^]*movw +%ax, %ss/],
      ['breakpoint set --address 0x7c1d', /Breakpoint 1/],
      ['continue', /breakpoint 1\.1[^]*-> 32/],
      ['thread step-inst', /instruction step into[^]*-> 41 /],
      ['register read cr0 mode', /cr0 = 0x0000000000000011\n[^]* mode = 0x00000[01]04/],
      ['disassemble -A i386-unknown-unknown --start-address 0x7c27 --count 2', /movl +\$0x10, %eax[^]*movl +%eax, %ds/],
      ['breakpoint set --address 0x7cc9', /Breakpoint 2/],
      ['continue', /breakpoint 2\.1[^]*-> 99 +\s+pushq/],
      ['register read efer mode', /efer = 0x0000000000000500\n[^]* mode = 0x00000007/],
      ['disassemble --start-address 0x7cc9 --count 2', /pushq +%rbp[^]*movq +%rsp, %rbp/],
      ['detach', /Process 1 detached/],
    ]);
  });
});

test('lldb: four processors are threads', { skip: lldbIsMissing }, async (t) => {
  await TcpServer.with(['--cpus', '4', 'build/workers.elf'], async (server) => {
    checkLldb(t, [
      ['target create build/workers.elf', /Current executable set to/],
      [`gdb-remote 127.0.0.1:${server.port}`, /`_start/],
      ['thread list', /thread #1: tid = 0x0001.* name = 'cpu0'[^]*thread #4: tid = 0x0004.* name = 'cpu3'/],
      ['expression keep_working = 1', /= 1/],
      ['breakpoint set --name collatz_steps --condition \'number == 27\'', /Breakpoint 1/],
      ['continue', /stop reason = breakpoint 1\.1[^]*collatz_steps\(number=27\)/],
      ['thread list', /\* thread #\d: .*collatz_steps\(number=27\).*stop reason = breakpoint 1\.1/],
      ['thread backtrace all', /thread #1[^]*thread #2[^]*thread #3[^]*thread #4/],
      ['thread step-over', /stop reason = step over[^]*collatz_steps\(number=27\)/],
      ['continue', /stop reason = breakpoint 1\.1[^]*collatz_steps\(number=27\)/],
      ['detach', /Process 1 detached/],
    ]);
  });
});

test('lldb: detach lets the guest run, quit ends it; --on-kill keep keeps it', { skip: lldbIsMissing }, async (t) => {
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    checkLldb(t, [[`gdb-remote 127.0.0.1:${server.port}`, /SIGTRAP/], ['detach', /detached/]]);
    t.equal(await server.ended, 0, 'it ran to its end');
    t.match(server.stdout, /sum = 117/);
  });
  await TcpServer.with(['build/kernel64.elf'], async (server) => {
    checkLldb(t, [[`gdb-remote 127.0.0.1:${server.port}`, /SIGTRAP/], ['quit', /^$/]]);
    t.equal(await server.ended, 0, 'lldb kills what it leaves');
    t.equal(server.stdout, '');
  });
  await TcpServer.with(['--on-kill', 'keep', 'build/kernel64.elf'], async (server) => {
    for (const round of [1, 2]) {
      t.comment(`session ${round}`);
      checkLldb(t, [[`gdb-remote 127.0.0.1:${server.port}`, /SIGTRAP/], ['quit', /^$/]]);
    }
  });
});
