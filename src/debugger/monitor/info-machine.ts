/** `monitor info cpus|version|kvm|devices|host|breakpoints`: the machine around the registers. */
import { PROBE_MODES, type DebugCapabilities, type ModeCapabilities } from '../../breakpoints/capabilities.js';
import type { Machine } from '../../vmm/machine.js';
import type { CpuView } from '../cpu-view.js';
import { isHaltedInKernel, waitsForSipi } from '../mp-state.js';
import { hex, type MonitorCommand } from './command.js';
import { infoBreakpointsCommand } from './info-breakpoints.js';
import { infoExitsCommand } from './info-exits.js';
import { infoStopCommand } from './info-stop.js';

const infoCpus: MonitorCommand = {
  name: 'info cpus',
  help: 'One line per CPU: where it is, its mode, whether it is halted or waits to be started; * marks the one that stopped last.',
  run({ machine, views, current, isHalted }, _words, write) {
    views.forEach((view, index) => {
      write(`${index === current ? '*' : ' '} CPU #${index}: pc=0x${hex(view.pc, 16)} ${view.mode.name} CPL=${view.cpl}${stateText(machine, view, isHalted(index))} thread_id=${index + 1}\n`);
    });
  },
};

function stateText({ localApic }: Machine, { vcpu }: CpuView, halted: boolean): string {
  if (halted || (localApic && isHaltedInKernel(vcpu))) return ' (halted)';
  return localApic && waitsForSipi(vcpu) ? ' (waiting for SIPI)' : '';
}

const infoVersion: MonitorCommand = {
  name: 'info version',
  help: 'The version of this server.',
  run: ({ version }, _words, write) => write(`kvm-gdbserver ${version}\n`),
};

const infoKvm: MonitorCommand = {
  name: 'info kvm',
  help: 'Whether the guest runs on KVM (it always does).',
  run: (_context, _words, write) => write('kvm support: enabled\n'),
};

const infoDevices: MonitorCommand = {
  name: 'info devices',
  help: 'Devices and where they are.',
  run({ machine }, _words, write) {
    for (const { base, length, device } of machine.ports.ranges) write(`port 0x${hex(base, 4)}-0x${hex(base + length - 1, 4)}  ${device}\n`);
    for (const { kind, start, size } of machine.memory.regions) {
      write(`0x${hex(start, 16)}-0x${hex(start + size - 1, 16)}  ${kind.toUpperCase()}\n`);
    }
  },
};

const infoHost: MonitorCommand = {
  name: 'info host',
  help: "What this host's KVM really does for a debugger, as probed.",
  run: (context, _words, write) => write(capabilitiesTable(context.capabilities())),
};

const MODE_ROWS: readonly (readonly [keyof ModeCapabilities, string])[] = [
  ['singleStep', 'single step'],
  ['stepOverIo', 'step over port I/O'],
  ['int3', 'int3 patch stops'],
  ['hlt', 'hlt patch stops'],
  ['debugExecute', 'debug register, execution'],
  ['debugWrite', 'debug register, data write'],
];

/** The probe's result as a table: a row per mechanism, a column per CPU mode. */
export function capabilitiesTable(capabilities: DebugCapabilities): string {
  const lines = [`${''.padEnd(28)}${PROBE_MODES.map((mode) => mode.padEnd(11)).join('')}`.trimEnd()];
  for (const [key, label] of MODE_ROWS) {
    lines.push(`${label.padEnd(28)}${PROBE_MODES.map((mode) => yes(capabilities.modes[mode][key]).padEnd(11)).join('')}`.trimEnd());
  }
  lines.push(
    `${'write to a read-only slot'.padEnd(28)}${yes(capabilities.readOnlySlot)}`,
    `${'RFLAGS.RF is honoured'.padEnd(28)}${yes(capabilities.resumeFlag)}`,
    `${'a faulting step'.padEnd(28)}${capabilities.faultStep === 'handler' ? 'stops in the handler' : 'runs the handler freely (its entry is trapped)'}`,
    `${'a stepped PUSHF leaks TF'.padEnd(28)}${yes(capabilities.pushfLeaksTf)}`,
    `${'a stepped MFENCE'.padEnd(28)}${capabilities.stepsEndLate ? 'takes the next along (a debug register ends the step)' : 'is one step'}`,
    `${'a step at CPL 3, long mode'.padEnd(28)}${yes(capabilities.userStep)}`,
    `${'steps can hold interrupts'.padEnd(28)}${yes(capabilities.blockIrq)}`,
  );
  return `${lines.join('\n')}\n`;
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no';
}

export const infoMachineCommands: readonly MonitorCommand[] = [
  infoCpus, infoVersion, infoKvm, infoExitsCommand, infoDevices, infoBreakpointsCommand, infoStopCommand, infoHost,
];
