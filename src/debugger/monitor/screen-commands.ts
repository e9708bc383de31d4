/** `monitor screen` and `monitor keys`: the guest's text screen and its keyboard. */
import { screenRows } from '../../vmm/display/text-screen.js';
import { MonitorError, type MonitorCommand } from './command.js';

const screenCommand: MonitorCommand = {
  name: 'screen',
  help: 'Show the text screen (80 by 25 characters from 0xb8000).',
  run({ machine }, _words, write) {
    const rows = screenRows(machine.memory);
    const last = rows.findLastIndex((row) => row !== '');
    write(last < 0 ? 'The screen is empty.\n' : `${rows.slice(0, last + 1).join('\n')}\n`);
  },
};

const keysCommand: MonitorCommand = {
  name: 'keys',
  parameters: 'TEXT',
  help: 'Type on the keyboard: characters, \\n for Enter, <up>, <f1> and the like, <space> for a blank.',
  run({ machine }, words, write) {
    const text = words.join(' ').replaceAll('<space>', ' ').replaceAll('\\n', '\n');
    if (text === '') throw new MonitorError('Say what to type: monitor keys help\\n');
    try {
      machine.keys(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new MonitorError(error.message);
    }
    write('Typed.\n');
  },
};

export const screenCommands: readonly MonitorCommand[] = [screenCommand, keysCommand];
