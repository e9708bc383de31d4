/** `monitor catch`, `uncatch` and `info catch`. */
import { describeCatch, type CatchWhat } from '../catch/catchpoint-set.js';
import { CATCH_SYNTAX, parseCatch } from '../catch/parse-catch.js';
import { isWritable } from '../../vmm/memory-layout.js';
import { MonitorError, parseNumber, type MonitorCommand, type MonitorContext } from './command.js';

/** Answered inside KVM with --irqchip kernel: PIC, PIT, ELCR; IOAPIC; and with any, LAPIC. */
const KERNEL_PORTS: readonly number[] = [0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x61, 0xa0, 0xa1, 0x4d0, 0x4d1];
const IOAPIC_PAGE = 0xfec0_0000n, LAPIC_PAGE = 0xfee0_0000n;
const PAGE_SIZE = 0x1000n;

const catchCommand: MonitorCommand = {
  name: 'catch',
  parameters: CATCH_SYNTAX,
  help: 'Stop the guest when this happens, and say what happened.',
  run(context, words, write) {
    const what = parseCatch(words);
    if (what.kind === 'mmio') refuseRam(context, what);
    const number = add(context, what);
    write(`Catchpoint ${number}: ${describeCatch(what)}\n${remark(context, what)}`);
  },
};

const uncatchCommand: MonitorCommand = {
  name: 'uncatch',
  parameters: '[number | all]',
  help: 'Remove a catchpoint, or all of them.',
  run({ catching }, words, write) {
    if (words.length > 1) throw new MonitorError('Say "monitor uncatch", or the number of one catchpoint behind it.');
    if (words.length === 0 || words[0] === 'all') {
      catching.clear();
      return write('No catchpoints.\n');
    }
    const number = parseNumber(words[0], 'The catchpoint');
    if (!catching.remove(Number(number))) throw new MonitorError(`There is no catchpoint ${number}; "monitor info catch" lists them.`);
    write(`Catchpoint ${number} is gone.\n`);
  },
};

const infoCatchCommand: MonitorCommand = {
  name: 'info catch',
  help: 'Catchpoints, with the stops that each made.',
  run({ catching }, _words, write) {
    if (catching.all.length === 0) write('No catchpoints.\n');
    for (const { number, what, hits } of catching.all) write(`${number}: ${describeCatch(what)}, ${hits === 1 ? '1 stop' : `${hits} stops`}\n`);
  },
};

/** The new catchpoint's number. */
function add({ catching }: MonitorContext, what: CatchWhat): number {
  try {
    return catching.add(what).number;
  } catch (error) {
    // Of the guest's MSRs: a limit of KVM, in one sentence.
    throw new MonitorError(error instanceof Error ? error.message : String(error));
  }
}

/** No access to memory leaves the guest. */
function refuseRam({ machine }: MonitorContext, { start, end }: { readonly start: bigint; readonly end: bigint }): void {
  const ram = [start, end - 1n].find((address) => isWritable(machine.memory.chunkAt(address)));
  if (ram !== undefined) throw new MonitorError(`Guest-physical 0x${ram.toString(16)} is memory, where no access leaves the guest; use a watchpoint.`);
}

/** What should be known about it on this machine, as lines. */
function remark({ machine: { irqchip, localApic } }: MonitorContext, what: CatchWhat): string {
  const inKernel = irqchip?.kind === 'kernel';
  switch (what.kind) {
    case 'cpuid':
    case 'mode-switch':
      return STEPPED;
    case 'hlt':
      return localApic ? STEPPED : '';
    case 'io':
      return inKernel && KERNEL_PORTS.some((port) => port >= what.first && port <= what.last) ? IN_KERNEL : '';
    case 'mmio':
      return [...(inKernel ? [IOAPIC_PAGE] : []), ...(localApic ? [LAPIC_PAGE] : [])]
        .some((page) => what.start < page + PAGE_SIZE && what.end > page) ? (inKernel ? IN_KERNEL : LAPIC_IN_KERNEL) : '';
    default:
      return '';
  }
}

const STEPPED = 'KVM has no exit for it, so the guest is stepped: it runs slowly while this is caught.\n';
const IN_KERNEL = 'With --irqchip kernel the interrupt controllers and the timer are inside KVM: accesses to them are not seen.\n';
const LAPIC_IN_KERNEL = 'The local APICs are inside KVM: accesses to them are not seen.\n';

export const catchCommands: readonly MonitorCommand[] = [catchCommand, uncatchCommand, infoCatchCommand];
