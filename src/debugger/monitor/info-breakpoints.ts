/** `monitor info breakpoints`: what gdb asked for, and how often the guest came there. */
import type { Breakpoint } from '../../breakpoints/breakpoint-set.js';
import { hex, type MonitorCommand } from './command.js';

export const infoBreakpointsCommand: MonitorCommand = {
  name: 'info breakpoints',
  help: 'Breakpoints as gdb set them, or those of the last run, with how often each was reached and its condition held.',
  run({ breakpoints: { all, lastRemoved }, breakSpace }, _words, write) {
    const table = (breakpoints: readonly Breakpoint[]): string => breakpointTable(breakpoints, (breakpoint) => breakSpace.of(breakpoint));
    if (all.length > 0) return write(table(all));
    write('No breakpoints.\n');
    // At a prompt of gdb there are never others to show, unless "breakpoint always-inserted" is on.
    if (lastRemoved.length > 0) write(`Those of the last run, which gdb sets again when the guest goes on:\n${table(lastRemoved)}`);
  },
};

/** A row per breakpoint, in the order given: `0x0000000000007c01 software, reached 40, hit 2, 1 condition`. */
function breakpointTable(breakpoints: readonly Breakpoint[], spaceOf: (breakpoint: Breakpoint) => bigint | undefined): string {
  return breakpoints.map((breakpoint) => `${describe(breakpoint, spaceOf(breakpoint))}\n`).join('');
}

/** `space`: the CR3 that it stops under, undefined for any. */
function describe({ kind, address, length, arrivals, hits, conditionPrograms, commandPrograms }: Breakpoint, space: bigint | undefined): string {
  const isWatch = kind !== 'software' && kind !== 'hardware';
  const parts = [kind, isWatch ? count(length, 'byte') : `reached ${arrivals}`, `hit ${hits}`];
  if (conditionPrograms.length > 0) parts.push(count(conditionPrograms.length, 'condition'));
  if (commandPrograms.length > 0) parts.push(count(commandPrograms.length, 'command'));
  if (space !== undefined) parts.push(`only where CR3 is 0x${space.toString(16)}`);
  return `0x${hex(address, 16)} ${parts.join(', ')}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
