/** `monitor info pic|ioapic|pit|irq`: the interrupt controllers of a PC, in QEMU's text form where that has one. */
import type { Machine } from '../../vmm/machine.js';
import type { IoapicState, PicState, PitChannel } from '../../vmm/irqchip/chip-state.js';
import type { IrqchipView } from '../../vmm/irqchip/interrupt-controllers.js';
import { hex, MonitorError, type MonitorCommand } from './command.js';

const DELIVERY = ['fixed', 'lowest', 'SMI', '(reserved)', 'NMI', 'INIT', '(reserved)', 'extINT'];
const PIT_MODES = ['interrupt on terminal count', 'one-shot', 'rate generator', 'square wave', 'software strobe', 'hardware strobe'];
const PIT_HZ = 1_193_182;
const PIT_USES = ['system timer, IRQ 0', 'memory refresh', 'speaker'];
const IOAPIC_VERSION = 0x11;
/** What a PC's interrupt lines are for. */
const LINES: readonly string[] = [
  'timer (PIT)', 'keyboard', 'cascade', 'COM2', 'COM1', 'LPT2', 'floppy', 'LPT1', 'RTC', 'ACPI SCI', '', '', 'mouse', 'FPU', 'IDE 0', 'IDE 1',
];
const CASCADE = 2, TIMER_PIN = 2;

function chips({ irqchip }: Machine): IrqchipView {
  if (irqchip === undefined) throw new MonitorError('This machine has no interrupt controllers; start it with --irqchip kernel or split.');
  return irqchip.view();
}

/** Inputs whose bits are set, or `(none)`. */
function inputs(bits: number, count: number): string {
  const set = Array.from({ length: count }, (_, n) => n).filter((n) => (bits & (1 << n)) !== 0);
  return set.length === 0 ? '(none)' : set.join(' ');
}

function picLine(index: number, pic: PicState): string {
  const flags = [pic.autoEoi ? ' auto-eoi' : '', pic.specialMask ? ' special-mask' : ''].join('');
  return `pic${index}: irr=${hex(pic.irr, 2)} imr=${hex(pic.imr, 2)} isr=${hex(pic.isr, 2)} hprio=${pic.highest} irq_base=${hex(pic.base, 2)} ` +
    `rr_sel=${pic.readsIsr ? 1 : 0} elcr=${hex(pic.elcr, 2)} fnm=${pic.fullyNested ? 1 : 0}${flags}\n`;
}

function ioapicText({ id, selected, irr, redirections, address }: IoapicState): string {
  const pins = redirections.map(({ raw, vector, deliveryMode, logical, pending, activeLow, level, masked, destination }, pin) =>
    `  pin ${String(pin).padEnd(2)} 0x${hex(raw, 16)} dest=${logical ? 'logical ' : ''}${destination} vec=${vector} ` +
    `${activeLow ? 'active-lo' : 'active-hi'} ${level ? 'level' : 'edge '} ${masked ? 'masked ' : '       '}${DELIVERY[deliveryMode]}` +
    `${pending ? ' pending' : ''}${pin < LINES.length && LINES[pin] !== '' ? `  ${lineOfPin(pin)}` : ''}\n`);
  const remote = redirections.reduce((bits, entry, pin) => (entry.remoteIrr ? bits | (1 << pin) : bits), 0);
  return `ioapic0: ver=0x${hex(IOAPIC_VERSION, 2)} id=0x${hex(id, 2)} sel=0x${hex(selected, 2)} at 0x${address.toString(16)}\n${pins.join('')}` +
    `  IRR        ${inputs(irr, redirections.length)}\n  Remote IRR ${inputs(remote, redirections.length)}\n`;
}

/** The PIT's interrupt is wired to the input that is the cascade's number. */
function lineOfPin(pin: number): string {
  return pin === TIMER_PIN ? LINES[0] : pin === 0 ? '' : LINES[pin];
}

const infoPic: MonitorCommand = {
  name: 'info pic',
  help: 'The 8259s and the IOAPIC: requested, masked, in service, redirections.',
  run({ machine }, _words, write) {
    const { pics, ioapic } = chips(machine);
    write(ioapicText(ioapic));
    pics.forEach((pic, i) => write(picLine(i, pic)));
  },
};

const infoIoapic: MonitorCommand = {
  name: 'info ioapic',
  help: 'The IOAPIC: each input\'s vector, destination, polarity, trigger and mask.',
  run: ({ machine }, _words, write) => write(ioapicText(chips(machine).ioapic)),
};

const infoPit: MonitorCommand = {
  name: 'info pit',
  help: 'The 8254: mode, count and rate of each channel.',
  run({ machine }, _words, write) {
    chips(machine).pit.forEach((channel, i) => write(`channel ${i} (${PIT_USES[i]}): ${channelText(channel)}\n`));
  },
};

function channelText({ count, mode, bcd, gate }: PitChannel): string {
  const whole = count === 0 ? 0x1_0000 : count;
  const name = PIT_MODES[mode] as string | undefined;
  if (name === undefined) return 'not programmed';
  const rate = mode === 2 || mode === 3 ? `, ${(PIT_HZ / whole).toFixed(1)} Hz` : `, ${((whole / PIT_HZ) * 1000).toFixed(3)} ms`;
  return `mode ${mode} (${name}), count ${whole}${rate}, ${bcd ? 'BCD' : 'binary'}, gate ${gate ? 'open' : 'closed'}`;
}

const infoIrq: MonitorCommand = {
  name: 'info irq',
  help: 'Each ISA interrupt: what it is for, where it leads by 8259 and IOAPIC, and whether it is masked, pending or in service.',
  run({ machine }, _words, write) {
    const { pics, ioapic } = chips(machine);
    write('irq  for           8259                          IOAPIC\n');
    for (let line = 0; line < LINES.length; line++) {
      const pic = pics[line >> 3], bit = 1 << (line & 7);
      const pin = line === 0 ? TIMER_PIN : line;
      const entry = ioapic.redirections[pin];
      const byPic = [`vector 0x${hex(pic.base + (line & 7), 2)}`, ...states({ masked: pic.imr & bit, pending: pic.irr & bit, 'in service': pic.isr & bit })].join(' ');
      const byIoapic = line === CASCADE ? '-' : [`pin ${pin} vector 0x${hex(entry.vector, 2)} to ${entry.logical ? 'logical ' : ''}${entry.destination}`,
        ...states({ masked: entry.masked, pending: ioapic.irr & (1 << pin), 'in service': entry.remoteIrr })].join(' ');
      write(`${String(line).padStart(3)}  ${LINES[line].padEnd(13)} ${byPic.padEnd(29)} ${byIoapic}\n`);
    }
  },
};

function states(known: Readonly<Record<string, number | boolean>>): string[] {
  return Object.keys(known).filter((name) => Boolean(known[name]));
}

export const infoInterruptCommands: readonly MonitorCommand[] = [infoPic, infoIoapic, infoPit, infoIrq];
