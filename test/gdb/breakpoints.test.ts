/** Breakpoints as gdb's user sets them: many, temporary, hardware, conditional, before their code is there, over a reset. */
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';

const KERNEL = 'build/kernel64.elf';
buildGuests();

test('tbreak stops once, hbreak and break again and again', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['tbreak tree_sum', /Temporary breakpoint 1/],
      ['hbreak tree_sum if node == &leaf_b', /Hardware assisted breakpoint 2/],
      ['thbreak print_decimal', /Temporary breakpoint 3|Hardware assisted/],
      ['continue', /Temporary breakpoint 1, tree_sum \(node=0x\w+ <root>\)/],
      ['continue', /Breakpoint 2, tree_sum \(node=0x\w+ <leaf_b>\)/],
      ['continue', /print_decimal \(value=117\)/],
      ['info breakpoints', /^Num[^]*2 +hw breakpoint +keep[^]*breakpoint already hit 1 time\n$|already hit \d+ times?\n$/],
      ['continue', /exited normally/],
    ]);
  }, KERNEL);
});

test('a dozen breakpoints of each kind, each hit in its turn', async (t) => {
  await withTinyGuest('loader', async (args) => {
    for (const kind of ['break', 'hbreak']) {
      await withAttachedGdb(args, async (gdb) => {
        for (let i = 0; i < 12; i++) await gdb.run(`${kind} *${0x8000 + i}`);
        for (let i = 0; i < 15; i++) {
          const at = (0x8000 + (i % 12)).toString(16);
          t.match(await gdb.run('continue'), new RegExp(`Breakpoint ${(i % 12) + 1}, 0x0*${at} in`), `${kind}: stop ${i + 1}`);
        }
        t.match(await gdb.run('x/4xb 0x8000'), /0x90\s+0x90\s+0x90\s+0x90/, `${kind}: memory shows the code`);
      });
    }
  });
});

test('a breakpoint set before its code is copied there', async (t) => {
  await withTinyGuest('loader', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['x/2xb 0x8003', /0x00\s+0x00/],
        ['break *0x8003', /Breakpoint 1 at 0x8003/],
        ['continue', /Breakpoint 1, 0x0*8003/],
        ['x/2xb 0x8003', /0x90\s+0x90/],
        ['continue', /Breakpoint 1, 0x0*8003/],
      ]);
    });
  });
});

test('monitor reset halt keeps the breakpoints', async (t) => {
  await withTinyGuest('loader', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['break *0x8003', /Breakpoint 1/],
        ['continue', /Breakpoint 1, 0x0*8003/],
        ['monitor reset halt', /The machine stands before its first instruction/],
        ['maintenance flush register-cache', /flushed/],
        ['info registers rip', /0x7c00 /],
        ['x/2xb 0x8003', /0x00\s+0x00/],
        ['continue', /Breakpoint 1, 0x0*8003/],
        ['delete', /^$/],
        ['monitor info breakpoints', /No breakpoints/],
      ]);
    });
  });
});

test('conditions, ignore counts, commands, disable', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['break *0x7c01 if $ax == 20', /Breakpoint 1/],
        ['continue', /Breakpoint 1/],
        ['print $rax', /= 20\n/],
        ['condition 1', /now unconditional/],
        ['ignore 1 9', /Will ignore next 9/],
        ['continue', /Breakpoint 1/],
        ['print $rax', /= 30\n/],
        ['disable 1', /^$/],
        ['tbreak *0x7c00', /Temporary breakpoint 2/],
        ['continue', /0x0*7c00/],
        ['enable 1', /^$/],
        ['continue', /Breakpoint 1/],
        ['print $rax', /= 31\n/],
      ]);
    });
  });
});

test('stepping off, onto and between breakpoints', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['break *0x7c00', /Breakpoint 1/],
        ['break *0x7c01', /Breakpoint 2/],
        ['stepi', /Breakpoint 2, 0x0*7c01|0x0*7c01/],
        ['stepi', /Breakpoint 1, 0x0*7c00|0x0*7c00/],
        ['continue', /Breakpoint 2, 0x0*7c01/],
        ['continue', /Breakpoint 1, 0x0*7c00/],
        ['print $rax', /= 2\n/],
        // gdb steps over a breakpoint only where it stopped: at a pc of the user's own, the breakpoint is hit.
        ['set var $rip = 0x7c01', /^$/],
        ['continue', /Breakpoint 2, 0x0*7c01/],
        ['print $rax', /= 2\n/],
        ['continue', /Breakpoint 1, 0x0*7c00/],
      ]);
    });
  });
});

test('a software watchpoint, which gdb steps by itself', async (t) => {
  await withTinyGuest('loader', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['set can-use-hw-watchpoints 0', /^$/],
        ['watch *(unsigned char *)0x8001', /Watchpoint 1/],
        ['continue', /Old value = 0[^]*New value = 144[^]*0x0*7c0a/],
      ]);
    });
  });
});

test('a breakpoint where there is no memory cannot be inserted, and gdb says where', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.run('break *0xffffffff12345678');
      const answer = await gdb.run('stepi');
      t.match(answer, /0x0*7c01|Cannot insert breakpoint 1/);
      await gdb.run('delete');
      t.match(await gdb.run('stepi'), /0x0*7c0[01]/, 'the session goes on');
    });
  });
});

for (const mechanism of ['patch', 'debug-register', 'step']) {
  test(`jump and a new pc lead onto a breakpoint: ${mechanism}`, async (t) => {
    await withTinyGuest('spin', async (args) => {
      await withAttachedGdb(['--mechanisms', mechanism, ...args], async (gdb) => {
        await checkAnswers(t, gdb, [
          ['break *0x7c01', /Breakpoint 1/],
          ['continue', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 1\n/],
          ['jump *0x7c01', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 1\n/],
          ['stepi', /0x0*7c0[0-9a-f]/],
          ['set $pc = 0x7c01', /^$/],
          ['continue', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 1\n/],
          ['continue', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 2\n/],
        ]);
      });
    });
  });
}

/** Undefined: as the planner chooses. */
for (const mechanisms of [undefined, 'patch,read-only', 'debug-register,step', 'step']) {
  const chosen = mechanisms === undefined ? [] : ['--mechanisms', mechanisms];
  const how = mechanisms ?? 'as planned';

  test(`six breakpoints set before the loader copies their code are hit, and again after a reset: ${how}`, async (t) => {
    await withTinyGuest('loader', async (args) => {
      await withAttachedGdb([...chosen, ...args], async (gdb) => {
        const places = [1, 2, 3, 4, 5, 6].map((offset) => `0x800${offset}`);
        const hits = places.map((place, i): [string, RegExp] => ['continue', new RegExp(`Breakpoint ${i + 1}, 0x0*${place.slice(2)}`)]);
        await checkAnswers(t, gdb, [
          ...places.map((place, i): [string, RegExp] => [`break *${place}`, new RegExp(`Breakpoint ${i + 1} at`)]),
          ...hits,
          ['monitor reset halt', /The machine stands before its first instruction/],
          ['maintenance flush register-cache', /flushed/],
          ['x/6xb 0x8001', /0x00\s+0x00\s+0x00\s+0x00\s+0x00\s+0x00/],
          ...hits,
          ['x/6xb 0x8001', /0x90\s+0x90\s+0x90\s+0x90\s+0x90\s+0x90/],
        ]);
      });
    });
  });

  test(`breakpoints in code of later modes, set in real mode before paging is on: ${how}`, async (t) => {
    await withAttachedGdb([...chosen, 'build/modes.img'], async (gdb) => {
      const session: [string, RegExp][] = [
        ['continue', /Breakpoint 1, put16/],
        ['continue', /Breakpoint 2, protected_mode/],
        ['continue', /Breakpoint 3, put32/],
        ['continue', /Breakpoint 4, long_mode/],
        ['continue', /Breakpoint 5, put64/],
        ['print $cr0', /PG/],
      ];
      await checkAnswers(t, gdb, [
        ...['put16', '*protected_mode', 'put32', '*long_mode', 'put64'].map((where, i): [string, RegExp] => [`break ${where}`, new RegExp(`Breakpoint ${i + 1} at`)]),
        ...session,
        ['monitor reset halt', /The machine stands before its first instruction/],
        ['maintenance flush register-cache', /flushed/],
        ...session,
      ]);
    }, 'build/modes.elf');
  });
}
