/** Options of the command line, seen from gdb and from the guest: each reaches what it is for. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { GUESTS_FOLDER } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';
import { patience } from '../time-scale.js';
import { SERVER_MAIN } from '../server-command.js';
import { withTemporaryFolder } from '../temporary-folder.js';

test('--append and --memory: a Multiboot kernel prints what it was given', async (t) => {
  await withAttachedGdb(['--append', 'root=/dev/null  quiet', '--memory', '48M', 'build/kernel32.elf'], async (gdb, server) => {
    await gdb.run('continue');
    const { stdout, status } = await server.ended();
    t.equal(status, 0);
    t.match(stdout, /^command line: kernel32\.elf root=\/dev\/null {2}quiet$/m);
    t.match(stdout, /^0{10}100000 \+ 0{9}2f00000 available$/m, '48 MiB less the first');
  });
});

test('--module: files and their texts are where Multiboot says', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    writeFileSync(first, 'module one');
    writeFileSync(second, 'module two');
    await withAttachedGdb(['--module', `${first} a b`, '--initrd', second, 'build/kernel32.elf'], async (gdb) => {
      await gdb.runAll('break kernel_main', 'continue');
      await checkAnswers(t, gdb, [
        ['print info->modules_count', /= 2\n/],
        ['x/s *(unsigned int *)info->modules_address', /"module one/],
        ['x/s *(unsigned int *)(info->modules_address + 8)', /first a b"/],
        ['x/s *(unsigned int *)(info->modules_address + 16)', /"module two/],
      ]);
    }, 'build/kernel32.elf');
  });
});

test('--log exit,bp: exits and planted breakpoints on stderr', async (t) => {
  await withTinyGuest('flood', async (args) => {
    await withAttachedGdb(['--log', 'exit,bp', ...args], async (gdb, server) => {
      await gdb.runAll('break *0x7c06', 'continue', 'delete', 'stepi');
      t.match(server.output.stderr, /^exit .*cpu0.*3f8/m);
      t.match(server.output.stderr, /^bp .*0x7c06/m);
      t.doesNotMatch(server.output.stderr, /^rsp /m, 'and nothing else');
    });
  });
});

test('--serial file: the guest\'s output is there, not on stdout', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const output = join(folder, 'serial');
    await withAttachedGdb(['--serial', `file:${output}`, 'build/hello.img'], async (gdb, server) => {
      await gdb.run('continue');
      const { stdout, status } = await server.ended();
      t.equal(status, 0);
      t.equal(stdout, '');
      t.equal(readFileSync(output, 'latin1'), 'Hello from real mode\n');
    });
  });
});

test('--load and --entry: where a flat image goes and begins', async (t) => {
  await withTemporaryFolder(async (folder) => {
    const image = join(folder, 'nops');
    writeFileSync(image, Uint8Array.of(0x90, 0x90, 0x40, 0xeb, 0xfe));
    await withAttachedGdb(['--boot', 'flat', '--load', '0x9000', '--entry', '0x9002', '--mode', 'protected', image], async (gdb) => {
      await checkAnswers(t, gdb, [
        ['info registers rip', /0x9002/],
        ['x/2xb 0x9000', /0x90\s+0x90/],
        ['print $cr0', /PE/],
        ['stepi', /0x0*9003/],
      ]);
    });
  });
});

test('--listen beyond this machine is warned of', async (t) => {
  const server = spawn(process.execPath, [SERVER_MAIN, '--listen', '0.0.0.0:0', 'build/hello.img'], { cwd: GUESTS_FOLDER, stdio: ['ignore', 'ignore', 'pipe'] });
  const timer = setTimeout(() => server.kill('SIGKILL'), patience(10_000));
  let said = '';
  for await (const text of server.stderr.setEncoding('utf8')) {
    said += String(text);
    if (said.includes('target remote')) break;
  }
  clearTimeout(timer);
  server.kill('SIGKILL');
  t.match(said, /^Warning: other machines can reach 0\.0\.0\.0:\d+, and whoever connects owns the guest\.$/m);
});

test('--cpus 2: two threads, and monitor speaks of both', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(['--cpus', '2', ...args], async (gdb) => {
      await checkAnswers(t, gdb, [
        ['info threads', /\* 1 +Thread 1\.1 "cpu0"[^]* 2 +Thread 1\.2 "cpu1"/],
        ['monitor info cpus', /^\* CPU #0: .*7c00 real16.* thread_id=1\n {2}CPU #1: .* thread_id=2\n$/],
        ['monitor info registers -a', /^\nCPU#0\nEAX[^]*EFER=\w+\n\nCPU#1\nEAX[^]*EFER=\w+\n$/],
        ['monitor info registers 1', /^\nCPU#1\n/],
        ['monitor info registers 2', /^There is no CPU 2; there are 2\.$/m],
        ['break *0x7c01', /Breakpoint 1/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['print $rax', /= 2\n/],
        ['thread 2', /Thread 1\.2/],
        ['info registers rip', /0xfffffff0/],
        ['thread 1', /Thread 1\.1/],
        ['stepi', /0x0*7c00/],
        ['delete', /^$/],
      ]);
      gdb.begin('continue');
      await new Promise((resolve) => setTimeout(resolve, 100));
      gdb.interrupt();
      t.match(await gdb.answer(), /SIGINT/, 'Ctrl-C stops both');
      t.match(await gdb.run('stepi'), /0x0*7c0[01]/);
    });
  });
});

test('a halted CPU is shown as halted by monitor', async (t) => {
  await withTinyGuest('halt', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      t.match(await gdb.run('monitor info registers'), / HLT=0\n/);
      gdb.begin('continue');
      const deadline = Date.now() + patience(5000);
      while (!gdb.transcript.includes('nothing can wake it') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      gdb.interrupt();
      await gdb.answer();
      t.match(await gdb.run('monitor info registers'), / HLT=1\n/);
      t.match(await gdb.run('monitor info cpus'), /\(halted\)/);
    });
  });
});
