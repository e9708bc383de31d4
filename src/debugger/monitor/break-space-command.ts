/** `monitor break-space`: in which address spaces breakpoints stop. */
import { MonitorError, type MonitorCommand } from './command.js';

export const breakSpaceCommand: MonitorCommand = {
  name: 'break-space',
  parameters: '[cr3 | any]',
  help: 'Breakpoints stop in any address space, or only in the one (by CR3) that they are set in from now on.',
  run({ breakSpace }, words, write) {
    const [mode] = words;
    if (words.length > 1 || (mode !== undefined && mode !== 'cr3' && mode !== 'any')) {
      throw new MonitorError('Say "monitor break-space cr3" or "monitor break-space any".');
    }
    if (mode !== undefined) breakSpace.mode = mode;
    write(breakSpace.mode === 'any'
      ? 'Breakpoints stop in any address space.\n'
      : 'A breakpoint stops only where CR3 is what it was when the breakpoint was set; one set without paging stops anywhere.\n');
  },
};
