/** What a PC BIOS has behind each interrupt (IBM PC/AT Technical Reference, section 5 "BIOS"; EDD for 13h extensions). */

const NAMES: Readonly<Record<number, string>> = {
  0x05: 'print screen', 0x08: 'IRQ 0: timer', 0x09: 'IRQ 1: keyboard', 0x0a: 'IRQ 2', 0x0b: 'IRQ 3: COM2', 0x0c: 'IRQ 4: COM1',
  0x0d: 'IRQ 5', 0x0e: 'IRQ 6: floppy', 0x0f: 'IRQ 7', 0x10: 'video', 0x11: 'equipment list', 0x12: 'memory size', 0x13: 'disks',
  0x14: 'serial ports', 0x15: 'system services', 0x16: 'keyboard', 0x17: 'printer', 0x18: 'no boot device', 0x19: 'boot', 0x1a: 'time and PCI',
  0x1b: 'Ctrl-Break', 0x1c: 'timer tick', 0x1d: 'video parameters (data)', 0x1e: 'floppy parameters (data)', 0x1f: 'font, upper half (data)',
  0x40: 'floppy disks', 0x41: 'disk 0 parameters (data)', 0x42: 'video of the mainboard', 0x43: 'font (data)', 0x46: 'disk 1 parameters (data)',
  0x4a: 'alarm', 0x70: 'IRQ 8: clock', 0x71: 'IRQ 9', 0x72: 'IRQ 10', 0x73: 'IRQ 11', 0x74: 'IRQ 12: mouse', 0x75: 'IRQ 13: x87',
  0x76: 'IRQ 14: IDE', 0x77: 'IRQ 15: IDE',
};
const EXCEPTIONS: Readonly<Record<number, string>> = {
  0x00: '#DE', 0x01: '#DB', 0x02: 'NMI', 0x03: '#BP', 0x04: '#OF', 0x06: '#UD', 0x07: '#NM',
};

/** A few words, or nothing for a vector that has no fixed use. */
export function biosInterruptName(vector: number): string {
  return EXCEPTIONS[vector] ?? NAMES[vector] ?? '';
}
