/** Calls, interrupts and their returns in 16- and 32-bit code without debug information of frames: nexti, finish, until, bt. */
import test, { type Test } from 'tape';
import { checkAnswers, withAttachedGdb, type GdbConsole } from './support/gdb-console.js';
import { GDB_HELPER } from './support/gdb-session.js';
import { REAL_MODE_OPTIONS } from './support/real-mode-options.js';
import { testGuest } from './support/test-guest.js';

const CALLS = testGuest('calls');

/** Each kind of call: the label at it, its length in bytes, and what it enters. */
const KINDS = [
  ['at_near', 3, 'in_near'],
  ['at_wide', 6, 'in_wide'],
  ['at_register_call', 2, 'in_near'],
  ['at_far', 5, 'in_far'],
  ['at_memory', 4, 'in_far'],
  ['at_interrupt', 2, 'in_interrupt'],
  ['at_deep', 3, 'in_deep'],
  ['at_big_stack', 3, 'in_near'],
  ['at_small_stack', 5, 'in_near32'],
  ['at_far32', 7, 'in_far32'],
  ['at_near32', 5, 'in_near32'],
] as const;

async function withCalls(body: (gdb: GdbConsole) => Promise<void>): Promise<void> {
  await withAttachedGdb([...REAL_MODE_OPTIONS, CALLS.image], async (gdb) => {
    await gdb.run(`source ${GDB_HELPER}`);
    await body(gdb);
  }, CALLS.elf);
}

/** Runs to a label, unless the guest stands there already. */
async function goTo(gdb: GdbConsole, label: string): Promise<void> {
  if ((await pcOf(gdb)).symbol !== label) await gdb.runAll(`tbreak *&${label}`, 'continue');
}

/** The pc, and what gdb calls it: `at_near`, `in_near+3`. */
async function pcOf(gdb: GdbConsole): Promise<{ address: number; symbol: string }> {
  const [, address, symbol] = /(0x[0-9a-f]+) <(.*)>/.exec(await gdb.run('output/a $pc')) ?? [];
  return { address: Number(address), symbol: symbol ?? '' };
}

async function stackOf(gdb: GdbConsole): Promise<string> {
  return `${await gdb.run('output/x $ss_base')}:${await gdb.run('output/x $rsp')}`;
}

test('nexti goes over each kind of call, with other breakpoints or none', async (t) => {
  await withCalls(async (gdb) => {
    for (const [at, length] of KINDS) {
      await goTo(gdb, at);
      const [from, stack] = [await pcOf(gdb), await stackOf(gdb)];
      await gdb.run('nexti');
      const behind = await pcOf(gdb);
      t.equal(behind.address - from.address, length, `${at}: the next instruction is ${behind.symbol}`);
      t.equal(await stackOf(gdb), stack, `${at}: the stack is as before`);
    }
  });
});

test('bt on the first instructions of what a call enters, and finish', async (t) => {
  await withCalls(async (gdb) => {
    for (const [at, length, callee] of KINDS) {
      await goTo(gdb, at);
      const from = await pcOf(gdb);
      await gdb.run('stepi');
      for (const steps of [0, 1]) {
        const trace = await gdb.run('bt');
        t.match(trace, new RegExp(`^#0 .*\\b${callee}\\b.*\\n#1 .*\\b${at}\\b`), `${at}, ${steps} steps into ${callee}`);
        t.doesNotMatch(trace, /corrupt|\n#2 .*\?\?/, 'and nothing made up behind it');
        if (steps === 0) await gdb.run('stepi');
      }
      await gdb.run('finish');
      t.equal((await pcOf(gdb)).address - from.address, length, `${at}: finish ends behind the call`);
    }
  });
});

test('a chain of near call, far call and interrupt: every frame, and registers of each', async (t) => {
  await withCalls(async (gdb) => {
    await goTo(gdb, 'at_deep');
    await gdb.runAll('set var $bp = 0x0fa0', 'tbreak in_interrupt', 'continue', 'tbreak in_near', 'continue');
    t.match(await gdb.run('bt'), /^#0 +in_near [^]*\n#1 .* in in_interrupt [^]*\n#2 .* in in_deeper [^]*\n#3 .* in in_deep [^]*\n#4 .* in at_deep [^\n]*\n$/);
    await checkAnswers(t, gdb, [
      ['frame 2', /in_deeper/],
      ['x/i $pc', /=> 0x7c[0-9a-f]+ <in_deeper\+3>:\tpop +%di\n/],
      ['print/x $cs', /= 0x7c0\n/],
      ['print/x $ss_base', /= 0x90000\n/],
      ['frame 4', /at_deep/],
      ['print/x $sp', /= 0x1000\n/],
      ['kvm x/1xh $ss:$sp', /^0x91000:/],
      ['frame 0', /in_near/],
      ['finish', /Run till exit[^]*in_interrupt/],
      ['finish', /Run till exit[^]*in_deeper/],
      ['finish', /Run till exit[^]*in_deep /],
      ['finish', /Run till exit[^]*at_deep/],
      ['print/x $sp', /= 0x1000\n/],
      ['print/x $bp', /= 0xfa0\n/],
    ]);
  });
});

test('a handler that is called with its flags pushed, and the last instruction of each return', async (t) => {
  await withCalls(async (gdb) => {
    await goTo(gdb, 'at_chained');
    await gdb.runAll('stepi', 'stepi');
    t.match(await gdb.run('bt'), /^#0 +in_interrupt [^]*\n#1 .* in at_chained /);
    await gdb.run('finish');
    t.equal((await pcOf(gdb)).symbol, 'at_loop');
    for (const [at, wanted] of [['in_near_end', 'again'], ['in_deeper_end', 'in_deep']] as const) {
      await gdb.runAll(`tbreak *&${at}`, 'continue');
      const text = await gdb.run('x/i $pc');
      t.match(text, /\tl?ret/, `${at}: ${text.trim()}`);
      t.match(await gdb.run('bt'), new RegExp(`\\n#1 .* in ${wanted} `), `at the ret of ${at}`);
    }
  });
});

test('until and advance leave a loop, nexti with a count goes over calls', async (t) => {
  await withCalls(async (gdb) => {
    await goTo(gdb, 'again');
    await checkAnswers(t, gdb, [
      ['nexti 2', /call +in_near/],
      ['print $cx', /= 2\n/],
      ['nexti', /loop +again/],
      ['until', /call +in_deep/],
      ['print $cx', /= 0\n/],
      ['advance in_deeper', /in_deeper \(\)/],
      ['until *&to_protected', /in_deep \(\)/],
      ['advance *&protected16', /at_deep \(\)/],
      ['advance *&protected16', /protected16 \(\)/],
    ]);
  });
});

/** The helper shows what the processor does; without a symbol gdb has nothing else. */
test('the same without any symbols', async (t: Test) => {
  await withAttachedGdb([...REAL_MODE_OPTIONS, CALLS.image], async (gdb) => {
    await gdb.run(`source ${GDB_HELPER}`);
    await checkAnswers(t, gdb, [
      ['x/i $pc', /=> 0x7c00:\tljmp +\$0x7c0,\$0x5\n/],
      ['stepi', /0x0*7c05 in \?\? \(\)\n/],
      ['kvm mode', /^real16, cpl 0, cs:ip 07c0:0005, linear 0x7c05\n$/],
      ['x/i $pc', /=> 0x7c05:\tcli\n/],
      ['tbreak *0x7c24', /Temporary breakpoint/],
      ['continue', /0x0*7c24 in/],
      ['x/i $pc', /=> 0x7c24:\tcall +0x[0-9a-f]+\n/],
      ['nexti', /0x0*7c27 in/],
      ['nexti', /0x0*7c2d in/],
    ]);
  });
});
