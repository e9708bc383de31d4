import test from 'tape';
import { BreakpointSet } from '../../../src/breakpoints/breakpoint-set.js';
import { BreakSpace } from '../../../src/debugger/break-space.js';
import type { MonitorContext } from '../../../src/debugger/monitor/command.js';
import { infoBreakpointsCommand } from '../../../src/debugger/monitor/info-breakpoints.js';

const TRUE = Uint8Array.of(0x22, 1, 0x27);
const PRINT = { kind: 'software', address: 0x7c01n, length: 1, conditions: [TRUE], commands: [TRUE, TRUE] } as const;
const WATCH = { kind: 'write', address: 0xffff_8000_0000_1000n, length: 4 } as const;

function shown(set: BreakpointSet): string {
  let text = '';
  infoBreakpointsCommand.run({ breakpoints: set, breakSpace: new BreakSpace(set) } as unknown as MonitorContext, [], (part) => { text += part; });
  return text;
}

test('monitor info breakpoints: counts, conditions and commands', (t) => {
  const set = new BreakpointSet();
  t.equal(shown(set), 'No breakpoints.\n');
  set.add(PRINT);
  set.add(WATCH);
  Object.assign(set.all[0], { arrivals: 40, hits: 2 });
  const rows = '0x0000000000007c01 software, reached 40, hit 2, 1 condition, 2 commands\n' +
    '0xffff800000001000 write, 4 bytes, hit 0\n';
  t.equal(shown(set), rows);
  set.remove(PRINT);
  t.equal(shown(set), '0xffff800000001000 write, 4 bytes, hit 0\n', 'while one is set the others are gone');
  set.remove(WATCH);
  t.equal(shown(set), `No breakpoints.\nThose of the last run, which gdb sets again when the guest goes on:\n${rows}`, 'as at a prompt of gdb');
  set.clear();
  t.equal(shown(set), 'No breakpoints.\n');
  t.end();
});
