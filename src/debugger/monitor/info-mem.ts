/** `monitor info mem`: what the page tables map, in QEMU's text form (GEF and pwndbg parse it). */
import { mappedRanges } from '../../x86/page-map.js';
import { CR0_PG } from '../../x86/cpu-mode.js';
import { hex, type MonitorCommand } from './command.js';

export const infoMemCommand: MonitorCommand = {
  name: 'info mem',
  help: 'Show the mapped linear ranges: start-end size and rights (u user, r read, w write).',
  run({ machine, views, current }, _words, write) {
    const view = views[current];
    const sregs = view.vcpu.readSregs();
    if ((sregs.cr0 & CR0_PG) === 0n) return write('PG disabled\n');
    const { ranges, truncated } = mappedRanges(sregs, machine.memory);
    for (const { start, end, user, writable } of ranges) {
      write(`${hex(start, 16)}-${hex(BigInt.asUintN(64, end), 16)} ${hex(end - start, 16)} ${user ? 'u' : '-'}r${writable ? 'w' : '-'}\n`);
    }
    if (truncated) write('(cut short: the page tables map more than this)\n');
  },
};
