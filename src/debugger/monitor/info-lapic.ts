/** `monitor info lapic`: a CPU's local APIC in QEMU's text form (SDM vol. 3A, chapter 11). */
import { APIC, APIC_LVT, APIC_TIMER, apicRegister, apicVectors } from '../../x86/local-apic.js';
import { hex, MonitorError, parseNumber, type MonitorCommand } from './command.js';

const DELIVERY = ['Fixed', 'LowPri', 'SMI', '...', 'NMI', 'INIT', 'SIPI', 'ExtINT'];
const TIMER_MODES = ['one-shot', 'periodic', 'tsc-deadline', '...'];
const SHORTHANDS = ['no-shorthand', 'self', 'all-self', 'all'];
const MASKED = 1 << 16, REMOTE_IRR = 1 << 14, PENDING = 1 << 12;
const ENABLED = 1 << 8, FOCUS_OFF = 1 << 9;

export const infoLapicCommand: MonitorCommand = {
  name: 'info lapic',
  parameters: '[cpu]',
  help: 'A local APIC: its vector table, timer, command register, and the vectors requested and in service.',
  run({ machine, current }, words, write) {
    if (!machine.localApic) throw new MonitorError('This machine has no local APICs; start it with --irqchip kernel or split.');
    const index = words[0] === undefined ? current : Number(parseNumber(words[0], 'The CPU'));
    if (machine.vcpus[index] === undefined) throw new MonitorError(`There is no CPU ${index}; there are ${machine.vcpus.length}.`);
    write(lapicText(machine.vcpus[index].native.getLapic(), index));
  },
};

/** From the APIC's page of registers. */
function lapicText(page: Uint8Array, cpu: number): string {
  const get = (offset: number): number => apicRegister(page, offset);
  const icr = get(APIC.commandLow), icr2 = get(APIC.commandHigh), spiv = get(APIC.spurious), divide = get(APIC_TIMER.divide);
  const divisor = 1 << ((((divide >> 1) & 4) | (divide & 3)) + 1 & 7);
  const lines = [
    `dumping local APIC state for CPU ${cpu}`, '',
    ...Object.entries(APIC_LVT).map(([name, offset]) => lvtLine(name, get(offset))),
    `Timer    DCR=0x${(divide & 0xf).toString(16)} (divide by ${divisor}) initial_count = ${get(APIC_TIMER.initialCount)} current_count = ${get(APIC_TIMER.currentCount)}`,
    `SPIV     0x${hex(spiv, 8)} APIC ${spiv & ENABLED ? 'enabled' : 'disabled'}, focus=${spiv & FOCUS_OFF ? 'off' : 'on'}, spurious vec ${spiv & 0xff}`,
    `ICR      0x${hex(icr, 8)} ${icr & (1 << 11) ? 'logical' : 'physical'} ${icr & (1 << 15) ? 'level' : 'edge'} ${icr & (1 << 14) ? 'assert' : 'de-assert'} ` +
      `${SHORTHANDS[(icr >> 18) & 3]} ${DELIVERY[(icr >> 8) & 7]} (vec ${icr & 0xff})`,
    `ICR2     0x${hex(icr2, 8)} ${icr & (1 << 11) ? `mask ${hex(icr2 >>> 24, 2)}` : `cpu ${icr2 >>> 24}`}`,
    `ESR      0x${hex(get(APIC.errorStatus), 8)}`,
    `ISR      ${vectors(page, APIC.inService)}`,
    `IRR      ${vectors(page, APIC.request)}`, '',
    `APR 0x00 TPR 0x${hex(get(APIC.taskPriority) & 0xff, 2)} DFR 0x${hex(get(APIC.destinationFormat) >>> 28, 2)} ` +
      `LDR 0x${hex(get(APIC.logicalDestination) >>> 24, 2)} PPR 0x${hex(get(APIC.processorPriority) & 0xff, 2)} ID 0x${hex(get(APIC.id) >>> 24, 2)}`,
  ];
  return `${lines.join('\n')}\n`;
}

function lvtLine(name: string, value: number): string {
  const isPin = name === 'LVT0' || name === 'LVT1';
  const parts = [
    isPin && value & (1 << 13) ? 'active-lo' : 'active-hi', isPin && value & (1 << 15) ? 'level' : 'edge ',
    value & MASKED ? 'masked' : '      ', value & PENDING ? 'pending' : '       ', isPin && value & REMOTE_IRR ? 'remote-irr' : '          ',
    (name === 'LVTT' ? TIMER_MODES[(value >> 17) & 3] : '').padEnd(12), DELIVERY[name === 'LVTT' || name === 'LVTERR' ? 0 : (value >> 8) & 7].padEnd(6),
  ];
  return `${name.padEnd(8)} 0x${hex(value, 8)} ${parts.join(' ')} (vec ${value & 0xff})`;
}

/** `49 (level) 236`: levels are marked by the trigger mode register. */
function vectors(page: Uint8Array, offset: number): string {
  const levels = new Set(apicVectors(page, APIC.triggerMode));
  const found = apicVectors(page, offset).map((vector) => `${vector}${levels.has(vector) ? ' (level)' : ''}`);
  return found.length === 0 ? '(none)' : found.join(' ');
}
