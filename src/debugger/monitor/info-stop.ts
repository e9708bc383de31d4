/** `monitor info stop`: why the guest stopped last. Of a fault the sentence that went to the console before the stop. */
import type { StopReason } from '../../target.js';
import { hex, type MonitorCommand } from './command.js';

function inWords(reason: StopReason): string {
  switch (reason.kind) {
    case 'step': return 'a step has ended, or nothing has run yet';
    case 'interrupt':
    case 'requested': return 'it was interrupted';
    case 'breakpoint': return `a ${reason.breakpoint} breakpoint at 0x${hex(reason.address, 1)}`;
    case 'watchpoint': return `a ${reason.watch} watchpoint, touched at 0x${hex(reason.address, 1)}`;
    case 'fault': return reason.signal;
    case 'exited': return `the guest ended with status ${reason.status}`;
    case 'killed': return 'the machine was ended';
  }
}

export const infoStopCommand: MonitorCommand = {
  name: 'info stop',
  help: 'Why the guest stopped last: after a fault the sentence that was printed then.',
  run: ({ lastStop: { thread, reason, text } }, _words, write) => write(`${text ?? `cpu${thread - 1}: ${inWords(reason)}.`}\n`),
};
