/** `monitor info pci`: the functions on PCI bus 0 and their configuration (PCI Local Bus Specification 3.0, 6.1 and 6.2.5). */
import type { PciFunction } from '../../vmm/pci/pci-function.js';
import { hex, type MonitorCommand, type Write } from './command.js';

const CLASS_NAMES: Readonly<Record<number, string>> = {
  0x0101: 'IDE controller', 0x0100: 'SCSI controller', 0x0106: 'SATA controller', 0x0200: 'Ethernet controller', 0x0300: 'VGA compatible controller',
  0x0380: 'display controller', 0x0600: 'host bridge', 0x0601: 'ISA bridge', 0x0604: 'PCI bridge', 0x0680: 'bridge', 0x0c03: 'USB controller',
};
const COMMAND = 0x04, CLASS = 0x0a, BARS = 0x10, ROM = 0x30, INTERRUPT_LINE = 0x3c, INTERRUPT_PIN = 0x3d;
const COMMAND_BITS: readonly (readonly [number, string])[] = [[0, 'I/O'], [1, 'memory'], [2, 'bus master']];

export const infoPciCommand: MonitorCommand = {
  name: 'info pci',
  help: 'Show the functions on the PCI bus: identity, class, base addresses, interrupt.',
  run({ machine }, _words, write) {
    if (machine.pci === undefined) return write('There is no PCI bus: it belongs to the board that --firmware gives the guest.\n');
    for (const item of machine.pci.functions) writeFunction(item, write);
  },
};

function writeFunction(item: PciFunction, write: Write): void {
  const kind = item.read(CLASS, 2);
  const enabled = COMMAND_BITS.filter(([bit]) => ((item.read(COMMAND, 2) >> bit) & 1) === 1).map(([, name]) => name);
  write(`00:${hex(item.device, 2)}.${item.function}  ${hex(item.read(0, 2), 4)}:${hex(item.read(2, 2), 4)}  ${hex(kind, 4)} ${CLASS_NAMES[kind] ?? 'device'}: ${item.name}\n`);
  write(`    command 0x${hex(item.read(COMMAND, 2), 4)} (${enabled.length === 0 ? 'nothing enabled' : enabled.join(', ')})\n`);
  for (let bar = 0; bar < 6; bar++) {
    const value = item.read(BARS + 4 * bar, 4);
    if (value === 0) continue;
    const isIo = (value & 1) === 1;
    const isWide = !isIo && (value & 6) === 4 && bar < 5;
    const base = (isIo ? value & ~3 : value & ~0xf) >>> 0;
    const upper = isWide ? item.read(BARS + 4 * bar + 4, 4) : 0;
    const address = BigInt(upper) * 0x1_0000_0000n + BigInt(base);
    write(`    BAR${bar}: ${isIo ? 'I/O' : `${isWide ? '64' : '32'}-bit ${(value & 8) === 0 ? '' : 'prefetchable '}memory`} at 0x${address.toString(16)}\n`);
    if (isWide) bar++;
  }
  const rom = item.read(ROM, 4);
  if (rom !== 0) write(`    ROM at 0x${((rom & ~0x7ff) >>> 0).toString(16)} (${(rom & 1) === 0 ? 'disabled' : 'enabled'})\n`);
  const pin = item.read(INTERRUPT_PIN, 1);
  if (pin !== 0) write(`    INT${'ABCD'[(pin - 1) & 3]}#, line ${item.read(INTERRUPT_LINE, 1)}\n`);
}
