/** How guests end, and what gdb and the server's exit status say: power-off, debug exit, triple fault, no handler. */
import test from 'tape';
import { checkAnswers, withAttachedGdb, withGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';
import { patience } from '../time-scale.js';

buildGuests();

/** Whether the host kept the registers of a triple fault, by what the server said of it; SVM does not (docs/hosts.md). */
function keptRegisters(said: string): boolean {
  if (said.includes('The registers are those of the faulting instruction')) return true;
  if (said.includes('the registers shown are those of the last exit before it')) return false;
  throw new Error(`A triple fault says where its registers are from, not: ${said}`);
}

test('a power-off is a normal exit', async (t) => {
  await withAttachedGdb(['build/hello.img'], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      ['continue', /ACPI power-off[^]*\[Inferior 1 \(process 1\) exited normally\]/],
      ['info registers rip', /The program has no registers now/],
      ['print $_exitcode', /= 0/],
    ]);
    const { status, stdout } = await server.ended();
    t.equal(status, 0);
    t.equal(stdout, 'Hello from real mode\n', 'nothing of the serial output is lost');
  });
});

test('a debug exit is an exit with its code', async (t) => {
  await withTinyGuest('debugExit', async (args) => {
    await withAttachedGdb(args, async (gdb, server) => {
      await checkAnswers(t, gdb, [
        ['continue', /exited with code 07\]/],
        ['print $_exitcode', /= 7/],
      ]);
      t.equal((await server.ended()).status, 7);
    });
  });
});

test('stepping over the instruction that ends the guest', async (t) => {
  await withTinyGuest('debugExit', async (args) => {
    await withAttachedGdb(args, async (gdb, server) => {
      await checkAnswers(t, gdb, [['stepi', /0x0*7c02/], ['stepi', /exited with code 07\]/]]);
      t.equal((await server.ended()).status, 7);
    });
  });
});

test('ud2 without a handler is a stop with a sentence, and the registers as they were', async (t) => {
  await withTinyGuest('noHandler32', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [['set var $ebx = 0x1234', /^$/]]);
      const stop = await gdb.run('continue');
      t.match(stop, /Triple fault on cpu0 at 0x7c0[01] \(protected32\)[^]*signal SIGSEGV[^]*0x0*7c0[01]/);
      const kept = keptRegisters(stop);
      t.equal(/at 0x7c01/.test(stop), kept, 'the ud2, or the nop before it where the guest was entered last');
      await checkAnswers(t, gdb, [
        ...(kept ? [] : [['stepi', /0x0*7c01/]] as const),
        ['info registers rip rbx mode', /0x7c01 [^]*0x1234 [^]*PROTECTED32/],
        ['x/2xb $pc', /0x0f\s+0x0b/],
        ['monitor info registers', /EIP=00007c01 /],
        ['continue', /Triple fault on cpu0 at 0x7c01/],
        ['stepi', /Triple fault on cpu0 at 0x7c01/],
        ['set var *(short *)$pc = 0x9090', /^$/],
        ['stepi', /0x0*7c02/],
        ['monitor reset halt', /stands before its first instruction/],
        ['maintenance flush register-cache', /flushed/],
        ['continue', kept ? /Triple fault on cpu0 at 0x7c01/ : /Triple fault on cpu0 at 0x7c00/],
      ]);
    });
  });
});

test('faults by choice: the handlers are entered, a triple fault stops', async (t) => {
  await withAttachedGdb(['build/faults.elf'], async (gdb, server) => {
    await checkAnswers(t, gdb, [
      ['break choose', /Breakpoint 1/],
      ['break on_fault', /Breakpoint 2/],
      ['continue', /choose \(\)/],
      ['set var which = INVALID_OPCODE', /^$/],
      ['continue', /on_fault \(vector=6, error_code=0/],
      ['finish', /Run till exit/],
      ['continue', /choose \(\)/],
      ['set var which = TRIPLE_FAULT', /^$/],
    ]);
    const stop = await gdb.run('continue');
    t.match(stop, /Triple fault on cpu0 at 0x\w+ \(long64\)[^]*SIGSEGV/);
    await checkAnswers(t, gdb, [
      ...(keptRegisters(stop)
        ? [['info symbol $pc', /provoke_triple_fault/], ['x/i $pc', /ud2/], ['print $idtr', /base = 0, limit = 0/]] as const
        : [['info symbol $pc', /choose/]] as const),
      ['print faults_seen', /= 1\n/],
      ['kill', /killed/],
    ]);
    t.equal((await server.ended()).status, 0);
  }, 'build/faults.elf');
});

test('a fault without a client is said on the console, and the next client finds it', async (t) => {
  await withTinyGuest('noHandler32', async (args) => {
    await withGdb(['--run', ...args], async (gdb, server) => {
      const deadline = Date.now() + patience(5000);
      while (!server.output.stderr.includes('Triple fault') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      const said = server.output.stderr;
      const pc = keptRegisters(said) ? '7c01' : '7c00';
      t.match(said, new RegExp(`Triple fault on cpu0 at 0x${pc}`));
      t.match(await gdb.run(`target remote ${server.address}`), new RegExp(`0x0*${pc}`));
      t.match(await gdb.run('info program'), /SIGSEGV|stopped/);
    });
  });
});

test('a halted guest that nothing can wake says so', async (t) => {
  await withTinyGuest('halt', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      gdb.begin('continue');
      const deadline = Date.now() + patience(5000);
      while (!gdb.transcript.includes('nothing can wake it') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      gdb.interrupt();
      t.match(await gdb.answer(), /cpu0 is halted at 0x7c\w+ .* and nothing can wake it; interrupt[^]*SIGINT/);
      t.match(await gdb.run('info threads'), /"cpu0" \(halted real16\)/);
    });
  });
});
