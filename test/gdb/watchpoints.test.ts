/** gdb's own commands for watchpoints, and with them, on a C kernel, by the mechanisms that this host has. */
import test, { type Test } from 'tape';
import { inEveryMode } from '../../src/breakpoints/capabilities.js';
import { probeThisHost } from '../../src/debugger/probe-machine.js';
import { checkAnswers, withAttachedGdb, type GdbConsole } from './support/gdb-console.js';
import { buildGuests } from './support/gdb-session.js';

buildGuests();

const KERNEL64 = 'build/kernel64.elf';
const host = probeThisHost();
type Way = 'as planned' | 'step' | 'patch,read-only,step';
const WAYS: readonly Way[] = host.readOnlySlot ? ['as planned', 'step', 'patch,read-only,step'] : ['as planned', 'step'];

/** At `kernel_main`, with the host's mechanisms and with some of them alone. */
async function everyWay(t: Test, work: (gdb: GdbConsole) => Promise<void>, ways = WAYS): Promise<void> {
  for (const way of ways) {
    t.comment(way);
    await withAttachedGdb([...(way === 'as planned' ? [] : ['--mechanisms', way]), KERNEL64], async (gdb) => {
      await gdb.runAll('tbreak kernel_main', 'continue');
      await work(gdb);
    }, KERNEL64);
  }
}

test('watch: a global, a struct member, a whole table; old and new value', async (t) => {
  await everyWay(t, async (gdb) => {
    await checkAnswers(t, gdb, [
      ['watch invalid_opcodes_seen', /watchpoint 2: invalid_opcodes_seen/],
      ['watch target.z', /watchpoint 3: target\.z/],
      ['watch -l interrupt_table[6].offset_low', /watchpoint 4: -location interrupt_table/],
      ['continue', /watchpoint 4: [^]*Old value = 0\nNew value = [1-9]\d*\n/],
      ['continue', /watchpoint 3: target\.z\n\nOld value = 0\nNew value = 0\.25\n/],
      ['continue', /watchpoint 2: invalid_opcodes_seen\n\nOld value = 0\nNew value = 1\n/],
      ['bt', /on_invalid_opcode/],
      ['delete', /^$/],
      ['watch interrupt_table', /watchpoint 5: interrupt_table/],
      ['info watchpoints', /hw watchpoint[^]*interrupt_table/],
      ['continue', /exited normally/],
    ]);
  });
});

test('watch: a table of 512 bytes stops at each store into it', async (t) => {
  await everyWay(t, async (gdb) => {
    await checkAnswers(t, gdb, [
      ['watch interrupt_table', /[Hh]ardware watchpoint 2/],
      ['continue', /Hardware watchpoint 2: interrupt_table/],
      ['continue', /Hardware watchpoint 2: interrupt_table/],
      ['bt 2', /set_gate/],
      ['delete 2', /^$/],
      ['continue', /exited normally/],
    ]);
  }, WAYS.slice(1));
});

test('watch: a local variable ends with its frame', async (t) => {
  await everyWay(t, async (gdb) => {
    await checkAnswers(t, gdb, [
      ['tbreak tree_sum', /Temporary breakpoint 2/],
      ['continue', /tree_sum \(node=0x\w+ <root>\)/],
      ['watch below', /[Hh]ardware watchpoint 3: below/],
      ['continue', /watchpoint 3: below[^]*New value = 17\n/],
      ['continue', /Watchpoint 3 deleted because the program has left the block/],
      ['continue', /exited normally/],
    ]);
  }, ['as planned', 'step']);
});

test('rwatch and awatch', async (t) => {
  if (inEveryMode(host, 'debugWrite')) t.comment('debug registers stop a read watch at writes too; gdb passes over those');
  await everyWay(t, async (gdb) => {
    await checkAnswers(t, gdb, [
      ['rwatch leaf_b.value', /read watchpoint 2: leaf_b\.value/],
      ['continue', /read watchpoint 2: leaf_b\.value\n\nValue = 2\n[^]*tree_sum/],
      ['delete 2', /^$/],
      ['awatch invalid_opcodes_seen', /\(read\/write\) watchpoint 3/],
      ['continue', /\(read\/write\) watchpoint 3: invalid_opcodes_seen\n\nValue = 0\n/],
      ['continue', /\(read\/write\) watchpoint 3: invalid_opcodes_seen\n\nOld value = 0\nNew value = 1\n/],
      ['delete', /^$/],
      ['continue', /exited normally/],
    ]);
  });
});

test('ten watchpoints at once; a condition and commands on one; tbreak and hbreak among them', async (t) => {
  await everyWay(t, async (gdb) => {
    const members = ['source.x', 'source.y', 'source.z', 'target.x', 'target.y', 'target.z', 'target.w', 'leaf_a.value', 'root.value'];
    for (const member of members) t.match(await gdb.run(`watch ${member}`), /ardware watchpoint \d+/, member);
    await checkAnswers(t, gdb, [
      ['watch invalid_opcodes_seen', /watchpoint 11/],
      ['condition 8 target.w > 100', /^$/],
      ['commands 11\nsilent\nprintf "count %d\\n", invalid_opcodes_seen\nend', /^>*$/],
      ['hbreak copy_vector', /Hardware assisted breakpoint 12/],
      ['continue', /Breakpoint 12, copy_vector/],
      ['finish', /watchpoint \d+: target/],
      ['delete 5 6 7', /^$/],
      ['continue', /^Continuing\.\n[^]*count 1\n$/],
      ['info breakpoints', /stop only if target\.w > 100[^]*leaf_a\.value/],
      ['tbreak power_off', /Temporary breakpoint 13/],
      ['delete 11', /^$/],
      ['continue', /Temporary breakpoint 13, power_off/],
      ['continue', /exited normally/],
    ]);
  });
});

test('next, until, advance and finish over recursion, with breakpoints below', async (t) => {
  await everyWay(t, async (gdb) => {
    await checkAnswers(t, gdb, [
      ['next', /int sum = tree_sum/],
      ['next', /print\("sum = "\);/],
      ['print sum', /= 117/],
      ['set var $pc = kernel_main', /^$/],
      ['break tree_sum if node == &leaf_b', /Breakpoint 2/],
      ['next', /load_interrupt_table|int sum = tree_sum/],
      ['advance tree_sum', /tree_sum \(node=0x\w+ <root>\)/],
      ['next', /int below/],
      ['next', /Breakpoint 2, tree_sum \(node=0x\w+ <leaf_b>\)/],
      ['finish', /tree_sum \(node=0x\w+ <branch>\)[^]*Value returned is \$2 = 2/],
      ['until', /return node->value|tree_sum/],
      ['delete', /^$/],
      ['up-silently 2', /^$/],
      ['advance print_decimal', /print_decimal \(value=117\)/],
    ]);
  }, ['as planned']);
});
