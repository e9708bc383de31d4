/** `monitor nmi`, `monitor irq`, `monitor step-interrupts`: interrupts by hand, and what a step makes of them. */
import { MonitorError, parseNumber, viewOf, type MonitorCommand } from './command.js';

/** Inputs of the IOAPIC; the first 16 are those of the 8259s too. */
const LINES = 24n;

const nmiCommand: MonitorCommand = {
  name: 'nmi',
  parameters: '[cpu]',
  help: 'Give a CPU a non-maskable interrupt, which it takes when it runs next.',
  run(context, words, write) {
    if (words.length > 1) throw new MonitorError('Say "monitor nmi" or "monitor nmi CPU".');
    const { view, index } = viewOf(context, words[0]);
    view.vcpu.native.nmi();
    write(`cpu${index} takes an NMI when it runs next.\n`);
  },
};

const irqCommand: MonitorCommand = {
  name: 'irq',
  parameters: 'N [0 | 1]',
  help: 'Set interrupt line N low or high; without a level, high and low again.',
  run({ machine: { irqchip } }, [word, level, ...more], write) {
    if (more.length > 0 || (level !== undefined && level !== '0' && level !== '1')) throw new MonitorError('Say "monitor irq N", "monitor irq N 0" or "monitor irq N 1".');
    const line = parseNumber(word, 'The interrupt line');
    if (line >= LINES) throw new MonitorError(`Interrupt lines are 0 to ${LINES - 1n}.`);
    if (irqchip === undefined) throw new MonitorError('There are no interrupt controllers; start the guest with --irqchip kernel or split.');
    if (level !== '0') irqchip.setLine(Number(line), true);
    if (level !== '1') irqchip.setLine(Number(line), false);
    write(`Interrupt line ${line} ${level === undefined ? 'was high for a moment' : level === '1' ? 'is high' : 'is low'}.\n`);
  },
};

const stepInterruptsCommand: MonitorCommand = {
  name: 'step-interrupts',
  parameters: '[on | off]',
  help: 'Whether steps let interrupts in (QEMU: qqemu.sstep); as a rule they wait for the next continue.',
  run({ stepOptions, capabilities }, words, write) {
    const [wanted] = words;
    if (words.length > 1 || (wanted !== undefined && wanted !== 'on' && wanted !== 'off')) {
      throw new MonitorError('Say "monitor step-interrupts on" or "monitor step-interrupts off".');
    }
    if (wanted === 'off' && !capabilities().blockIrq) throw new MonitorError("This host's KVM cannot hold interrupts back during steps (KVM_GUESTDBG_BLOCKIRQ).");
    if (wanted !== undefined) stepOptions.noIrq = wanted === 'off';
    write(stepOptions.noIrq && capabilities().blockIrq
      ? 'Steps hold interrupts back; they are delivered when the guest goes on.\n'
      : 'Steps let interrupts in.\n');
  },
};

export const interruptCommands: readonly MonitorCommand[] = [nmiCommand, irqCommand, stepInterruptsCommand];
