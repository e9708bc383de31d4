/** Ctrl-C in gdb stops the guest whatever it is doing, again and again, and it goes on as if nothing had been. */
import test from 'tape';
import { untilRunning, withAttachedGdb } from './support/gdb-console.js';
import { withTinyGuest, type TinyGuest } from './support/tiny-guests.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

for (const [name, pc] of [['spin', /0x7c0[01]\b/], ['halt', /0x7c0[0-2]\b/], ['flood', /0x7c0[56]\b/]] as const satisfies [TinyGuest, RegExp][]) {
  test(`Ctrl-C stops a guest that does this: ${name}`, async (t) => {
    await withTinyGuest(name, async (args) => {
      await withAttachedGdb(args, async (gdb, server) => {
        for (let round = 1; round <= 5; round++) {
          gdb.begin('continue');
          await untilRunning(server);
          await pause(30 * round);
          gdb.interrupt();
          const stop = await gdb.answer();
          t.match(stop, /Program received signal SIGINT, Interrupt\./, `round ${round}`);
          t.match(await gdb.run('info registers rip'), pc, 'the pc is in the loop');
        }
        t.match(await gdb.runAll('stepi', 'stepi', 'info registers rip'), /rip +0x7c0/, 'it can be stepped afterwards');
      });
    });
  });
}

test('what a flooding guest wrote before Ctrl-C has come out', async (t) => {
  await withTinyGuest('flood', async (args) => {
    await withAttachedGdb(args, async (gdb, server) => {
      gdb.begin('continue');
      await untilRunning(server);
      await pause(300);
      gdb.interrupt();
      await gdb.answer();
      t.match(server.output.stdout, /^x{10,}$/, 'bytes of the serial port');
      await pause(200);
      const length = server.output.stdout.length;
      await pause(300);
      t.equal(server.output.stdout.length, length, 'a stopped guest writes nothing');
    });
  });
});

test('interrupt as a command: continue & and interrupt, with target-async', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      t.match(await gdb.run('continue &'), /Continuing\./);
      await pause(100);
      t.match(await gdb.run('print 6 * 7'), /= 42/, 'gdb takes commands meanwhile');
      t.match(await gdb.run('info registers rip'), /running/, 'but none that need the guest');
      await gdb.run('interrupt');
      await pause(300);
      t.match(await gdb.run('info registers rip'), /0x7c0[01]/);
      t.match(gdb.transcript, /signal SIGINT/);
    });
  });
});

test('Ctrl-C while gdb steps in a long range ends the step', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      gdb.begin('stepi 100000000');
      await pause(500);
      gdb.interrupt();
      // Between two of its steps gdb has to do with it alone, and gives up its command.
      t.match(await gdb.answer(), /signal SIGINT|^Quit\n$/);
      t.match(await gdb.run('info registers rip'), /0x7c0[01]/);
    });
  });
});

test('Ctrl-C when the guest stands is nothing to the server', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      gdb.interrupt();
      await pause(100);
      t.match(await gdb.run('stepi'), /0x0*7c01/, 'the next step is a step');
      t.match(await gdb.run('info registers rax'), /rax +0x1 /);
    });
  });
});
