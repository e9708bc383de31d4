/**
 * `monitor`: finds the command and prints help in gdbserver's layout (gdb manual, "Monitor Commands for gdbserver").
 * Everything a command says is text; a wrong one is text too.
 */
import { breakSpaceCommand } from './break-space-command.js';
import { catchCommands } from './catch-commands.js';
import { biosTableCommands } from './info-bios-tables.js';
import { descriptorTableCommands } from './info-descriptor-tables.js';
import { infoInterruptCommands } from './info-interrupts.js';
import { infoLapicCommand } from './info-lapic.js';
import { infoMachineCommands } from './info-machine.js';
import { infoMemCommand } from './info-mem.js';
import { infoPageTableCommand } from './info-pagetable.js';
import { infoPciCommand } from './info-pci.js';
import { infoRegistersCommand } from './info-registers.js';
import { interruptCommands } from './interrupt-commands.js';
import { memoryCommands } from './memory-commands.js';
import { screenCommands } from './screen-commands.js';
import { snapshotCommands } from './snapshot-commands.js';
import { MonitorError, type MonitorCommand, type MonitorContext, type Write } from './command.js';

/** Of what was typed, characters that are worth repeating. */
const SHOWN_OF_COMMAND = 60;

const resetCommand: MonitorCommand = {
  name: 'reset',
  parameters: '[halt]',
  help: 'Put the machine back before its first instruction; it stays stopped.',
  run(context, words, write) {
    if (words.length > 1 || (words.length === 1 && words[0] !== 'halt')) throw new MonitorError('Say "monitor reset" or "monitor reset halt".');
    context.reset();
    write('The machine stands before its first instruction. Without the gdb helper, "maintenance flush register-cache" makes gdb show its registers.\n');
  },
};

/** OpenOCD's verb; Eclipse sends it after `reset`, unasked. */
const haltCommand: MonitorCommand = {
  name: 'halt',
  help: 'Nothing: the machine stands while a monitor command is carried out.',
  run: () => undefined,
};

const quitCommand: MonitorCommand = {
  name: 'quit',
  help: 'End the machine and the server.',
  run(context, _words, write) {
    write('The machine is gone.\n');
    context.quit();
  },
};

const helpCommand: MonitorCommand = {
  name: 'help',
  parameters: '[command]',
  help: 'Show this text.',
  run(_context, words, write) {
    const wanted = words.join(' ');
    const found = MONITOR_COMMANDS.filter(({ name }) => wanted === '' || name === wanted || name.startsWith(`${wanted} `));
    if (found.length === 0) throw new MonitorError(`There is no command "${wanted}".`);
    if (wanted === '') write('The following monitor commands are supported:\n');
    for (const { name, parameters, help } of found) {
      write(`  ${name}${parameters === undefined ? '' : ` ${parameters}`}\n    ${help}\n`);
    }
  },
};

/** In the order of `help`. */
export const MONITOR_COMMANDS: readonly MonitorCommand[] = [
  helpCommand,
  infoRegistersCommand,
  infoMemCommand,
  infoPageTableCommand,
  ...descriptorTableCommands,
  ...biosTableCommands,
  infoPciCommand,
  ...infoMachineCommands,
  infoLapicCommand,
  ...infoInterruptCommands,
  ...memoryCommands,
  ...catchCommands,
  breakSpaceCommand,
  ...interruptCommands,
  ...screenCommands,
  ...snapshotCommands,
  resetCommand,
  haltCommand,
  quitCommand,
];

/** Runs one command line. */
export function runMonitorCommand(line: string, context: MonitorContext, write: Write): void {
  // As QEMU's monitor and gdb's x do, a format may stand right behind the name: "xp/8xb 0x7c00".
  const words = line.trim().replace(/^([a-z]+)\//i, '$1 /').split(/\s+/).filter((word) => word !== '');
  const command = findCommand(words);
  if (command === undefined) {
    // Plugins look for "unknown command" (GEF and pwndbg tell a QEMU by it).
    if (words.length > 0) write(`unknown command: '${words.join(' ').slice(0, SHOWN_OF_COMMAND)}'\n`);
    return helpCommand.run(context, [], write);
  }
  try {
    command.run(context, words.slice(command.name.split(' ').length), write);
  } catch (error) {
    if (!(error instanceof MonitorError)) throw error;
    write(`${error.message}\n`);
  }
}

function findCommand(words: readonly string[]): MonitorCommand | undefined {
  return MONITOR_COMMANDS.find(({ name }) => name.split(' ').every((part, index) => words[index] === part));
}
