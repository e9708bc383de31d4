/** Conditions and `dprintf` that the server carries out by itself, and what `monitor info breakpoints` tells of them. */
import test from 'tape';
import { checkAnswers, withAttachedGdb } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';
import { withTinyGuest } from './support/tiny-guests.js';

const KERNEL = 'build/kernel64.elf';
const MECHANISMS = ['patch', 'debug-register', 'step'];
buildGuests();

for (const mechanism of MECHANISMS) {
  test(`a condition is evaluated in the server: ${mechanism}`, async (t) => {
    await withTinyGuest('spin', async (args) => {
      await withAttachedGdb(['--mechanisms', mechanism, ...args], async (gdb) => {
        await checkAnswers(t, gdb, [
          ['set breakpoint condition-evaluation target', /^$/],
          ['break *0x7c01 if $rax == 0x123', /Breakpoint 1/],
          ['continue', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 291\n/],
          ['monitor info breakpoints', /0x0*7c01 software, reached 291, hit 1, 1 condition\n/],
          ['condition 1 $rax >= 0x200 && $rip == 0x7c01', /^$/],
          ['continue', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 512\n/],
          ['condition 1', /now unconditional/],
          ['continue', /Breakpoint 1, 0x0*7c01/],
          ['print $rax', /= 513\n/],
          ['monitor info breakpoints', /0x0*7c01 software, reached 513, hit 3\n/],
          ['delete 1', /^$/],
          ['hbreak *0x7c01 if ($rax & 0xff) == 0x40', /Hardware assisted breakpoint 2/],
          ['continue', /Breakpoint 2, 0x0*7c01/],
          ['print $rax', /= 576\n/],
          ['stepi 4', /Breakpoint 2, 0x0*7c01|0x0*7c01/],
          ['continue', /Breakpoint 2, 0x0*7c01/],
          ['print $rax', /= 832\n/],
        ]);
      });
    });
  });
}

test('conditions over variables in memory, in long mode', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['break tree_sum if node && node->value == 2', /Breakpoint 1/],
      ['continue', /Breakpoint 1, tree_sum \(node=0x\w+ <leaf_b>\)/],
      ['info breakpoints', /stop only if node && node->value == 2 \(target evals\)[^]*already hit 1 time/],
      ['monitor info breakpoints', /software, reached 6, hit 1, 1 condition/],
      ['condition 1 node == &leaf_c', /^$/],
      ['tbreak print_decimal if value % 2 == 1', /Temporary breakpoint 2/],
      ['continue', /Breakpoint 1, tree_sum \(node=0x\w+ <leaf_c>\)/],
      ['continue', /Temporary breakpoint 2, print_decimal \(value=117\)/],
      ['continue', /exited normally/],
    ]);
  }, KERNEL);
});

test('two breakpoints with conditions at one place stop for either', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['break *0x7c01 if $rax == 20', /Breakpoint 1/],
        ['break *0x7c01 if $rax == 30', /Breakpoint 2/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['monitor info breakpoints', /reached 20, hit 1, 2 conditions/],
        ['continue', /Breakpoint 2, 0x0*7c01/],
        ['print $rax', /= 30\n/],
        ['ignore 2 1', /Will ignore next crossing/],
        ['condition 2 $rax > 40', /^$/],
        ['continue', /Breakpoint 2, 0x0*7c01/],
        ['print $rax', /= 42\n/],
      ]);
    });
  });
});

test('a condition that reads memory that is not there stops and says so', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.run('break *0x7c01 if *(int *) 0xf0000000 == 1');
      const answer = await gdb.run('continue');
      t.match(answer, /The condition of the breakpoint at 0x7c01 has no value: it cannot read 4 bytes at 0xf0000000\./);
      t.match(answer, /Error in testing [^]*:\s+Cannot access memory at address 0xf0000000/);
      await checkAnswers(t, gdb, [
        ['print $rax', /= 1\n/],
        ['condition 1 $rax / ($rax - $rax) == 1', /^$/],
        ['continue', /has no value: it divides by zero\.[^]*Division by zero/],
        ['condition 1 $rax == 9', /^$/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['print $rax', /= 9\n/],
      ]);
    });
  });
});

test('a condition and a dprintf see the code as it is, not our patch in it', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(['--mechanisms', 'patch', ...args], async (gdb) => {
      await checkAnswers(t, gdb, [
        ['break *0x7c01 if *(unsigned char *) 0x7c01 == 0xeb && *(unsigned short *) 0x7c00 == 0xeb40 && $rax == 5', /Breakpoint 1/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['print $rax', /= 5\n/],
      ]);
    });
  });
});

test('dprintf in the server: text while the guest runs, and no stop', async (t) => {
  await withAttachedGdb([KERNEL], async (gdb) => {
    await checkAnswers(t, gdb, [
      ['set dprintf-style agent', /^$/],
      ['dprintf kernel64/kernel.c:58,"%s=%d at %#lx\\n", node->name, node->value, &node->value', /Dprintf 1 at .*line 58/],
      ['dprintf kernel64/kernel.c:58,"below: %d\\n", below', /Dprintf 2/],
      ['break print_decimal', /Breakpoint 3/],
      ['continue', /^Continuing\.\n(?:\w+=\d+ at 0x\w+\nbelow: \d+\n){5}\n*Breakpoint 3, print_decimal \(value=117\)/],
      ['monitor info breakpoints', /software, reached 5, hit 5, 2 commands\n/],
      ['delete 3', /^$/],
      ['continue', /exited normally/],
    ]);
    const { transcript } = gdb;
    t.match(transcript, /a=1 at 0x\w+\nbelow: 0\nb=2 at 0x\w+\nbelow: 0\nbranch=10 at 0x\w+\nbelow: 3\nc=4 at 0x\w+\nbelow: 0\nroot=100 at 0x\w+\nbelow: 17\n/);
  }, KERNEL);
});

test('dprintf in the server with a condition, in a hot loop, until Ctrl-C', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.runAll('set dprintf-style agent', 'dprintf *0x7c01,"ax=%hx %c%%\\n", $rax, 0x21', 'condition 1 ($rax & 0x3ff) == 0');
      gdb.begin('continue');
      while (!gdb.transcript.includes('ax=1000 !%')) await new Promise((resolve) => setTimeout(resolve, 10));
      gdb.interrupt();
      const answer = await gdb.answer();
      t.match(answer, /ax=400 !%\nax=800 !%\nax=c00 !%\nax=1000 !%\n[^]*SIGINT/);
      t.doesNotMatch(answer, /ax=\w*[1-9a-f]\b(?<!00)/, 'nothing else');
      await checkAnswers(t, gdb, [
        ['monitor info breakpoints', /software, reached \d{4,}, hit \d+, 1 condition, 1 command\n/],
        ['delete', /^$/],
        ['stepi', /0x0*7c0[01]/],
      ]);
    });
  });
});

test('a dprintf without a condition in a hot loop: every line once and in order, and Ctrl-C gets through', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.runAll('set dprintf-style agent', 'dprintf *0x7c01,"[%lu]\\n", $rax');
      let last = 0;
      for (let round = 0; round < 3; round++) {
        const before = gdb.transcript.length;
        gdb.begin('continue');
        while (gdb.transcript.length < before + 2000) await new Promise((resolve) => setTimeout(resolve, 5));
        gdb.interrupt();
        const lines = [...(await gdb.answer()).matchAll(/\[(\d+)\]\n/g)].map(([, value]) => Number(value));
        t.ok(lines.length > 100, `${lines.length} lines`);
        // A stop just before the arrival: gdb steps off the breakpoint without a word.
        t.ok(lines[0] === last + 1 || lines[0] === last + 2, `${last} goes on with ${lines[0]}`);
        t.ok(lines.every((value, i) => value === lines[0] + i), 'in order, none twice');
        last = lines.at(-1) ?? 0;
      }
    });
  });
});

test('breakpoints that stay inserted: a new condition replaces the old one', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['set breakpoint always-inserted on', /^$/],
        ['break *0x7c01 if $rax == 40', /Breakpoint 1/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['monitor info breakpoints', /^0x0*7c01 software, reached 40, hit 1, 1 condition\n$/],
        ['condition 1 $rax == 50', /^$/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['print $rax', /= 50\n/],
        ['condition 1', /now unconditional/],
        ['monitor info breakpoints', /^0x0*7c01 software, reached 50, hit 2\n$/],
        ['continue', /Breakpoint 1, 0x0*7c01/],
        ['print $rax', /= 51\n/],
        ['delete', /^$/],
        ['monitor info breakpoints', /^No breakpoints\.\n/],
      ]);
    });
  });
});

test('detach ends a dprintf; who comes next finds none', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb, server) => {
      await gdb.runAll('set dprintf-style agent', 'dprintf *0x7c01,"[%lu]\\n", $rax', 'tbreak *0x7c00 if $rax == 20', 'continue');
      t.match(await gdb.run('detach'), /detached/);
      await gdb.run('delete');
      await checkAnswers(t, gdb, [
        [`target remote ${server.address}`, /0x0*7c0[01]/],
        ['monitor info breakpoints', /^No breakpoints\.\n$/],
        ['x/3xb 0x7c00', /0x40\s+0xeb\s+0xfd/],
        ['tbreak *0x7c00', /Temporary breakpoint/],
        ['continue', /^Continuing\.\s+Temporary breakpoint \d+, 0x0*7c00/],
      ]);
    });
  });
});

test('a dprintf that cannot be printed says why, and the guest goes on', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await gdb.runAll('set dprintf-style agent', 'dprintf *0x7c01,"%s\\n", (char *) 0xf0000000', 'tbreak *0x7c00 if $rax == 3');
      const answer = await gdb.run('continue');
      t.match(answer, /^(?:A command of the breakpoint at 0x7c01 fails: it cannot read the string at 0xf0000000 beyond 0 bytes\.\n){2}/m);
      t.match(answer, /Temporary breakpoint 2, 0x0*7c00/);
      await checkAnswers(t, gdb, [
        ['condition 1 *(int *) 0xf0000000 == $rax', /^$/],
        ['tbreak *0x7c00 if $rax == 5', /Temporary breakpoint 3/],
        ['continue', /^The condition of the breakpoint at 0x7c01 has no value: it cannot read 4 bytes at .*\n[^]*Temporary breakpoint 3, 0x0*7c00/m],
        ['delete 1', /^$/],
        // gdb sends the format as it is.
        ['dprintf *0x7c00,"%5.1f\\n", $rax', /Dprintf 4/],
        ['tbreak *0x7c01 if $rax == 7', /Temporary breakpoint 5/],
        ['continue', /^A command of the breakpoint at 0x7c00 fails: its format has "%5.1f", and floating .*\n[^]*Temporary breakpoint 5, 0x0*7c01/m],
      ]);
    });
  });
});

for (const mechanism of MECHANISMS) {
  test(`a step onto a dprintf prints it, once: ${mechanism}`, async (t) => {
    await withTinyGuest('spin', async (args) => {
      await withAttachedGdb(['--mechanisms', mechanism, ...args], async (gdb) => {
        await checkAnswers(t, gdb, [
          ['set dprintf-style agent', /^$/],
          ['dprintf *0x7c01,"rax is %d\\n", $rax', /Dprintf 1/],
          ['stepi', /^(?=[^]*rax is 1\n)(?![^]*rax is[^]*rax is)/],
          ['break *0x7c00 if $rax == 3', /Breakpoint 2/],
          ['continue', /^(?![^]*rax is 1\n)[^]*rax is 2\nrax is 3\n[^]*Breakpoint 2/],
        ]);
      });
    });
  });
}

test('a dprintf behind a breakpoint: gdb steps off the one onto the other, and each line comes once', async (t) => {
  await withTinyGuest('spin', async (args) => {
    await withAttachedGdb(args, async (gdb) => {
      await checkAnswers(t, gdb, [
        ['set dprintf-style agent', /^$/],
        ['dprintf *0x7c01,"rax is %d\\n", $rax', /Dprintf 1/],
        ['break *0x7c00', /Breakpoint 2/],
        ['continue', /^Continuing\.\nrax is 1\n\n*Breakpoint 2/],
        ['continue', /^Continuing\.\nrax is 2\n\n*Breakpoint 2/],
        ['ignore 2 2', /Will ignore/],
        ['continue', /^Continuing\.\nrax is 3\nrax is 4\nrax is 5\n\n*Breakpoint 2/],
      ]);
    });
  });
});
