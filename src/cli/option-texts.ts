/**
 * What each option of `run` takes and does, in a sentence or two: for the manual page, docs/reference/cli.md and the
 * shells' completion. The screen of --help is shorter and stands in usage.ts.
 */
import { MECHANISMS } from '../debugger/machine-target.js';
import { DEFAULT_LISTEN } from '../rsp/transports/listen-address.js';
import { BOOT_KINDS, CPU_MODES } from '../vmm/boot/boot-options.js';
import { BOOT_DEVICE_NAMES } from '../vmm/boot/boot-order.js';
import { CLOCK_POLICIES } from '../vmm/guest-clock.js';
import { DESCRIPTION_VARIANTS } from '../x86/target-description.js';
import { LOG_FORMATS } from './reporter.js';
import { LOG_LAYERS, type RUN_OPTIONS } from './run-options.js';

export interface OptionText {
  /** What it takes; none for a switch. */
  readonly argument?: string;
  /** Values that a shell can complete; others may be allowed. */
  readonly values?: readonly string[];
  readonly default?: string;
  readonly text: string;
}

export const OPTION_TEXTS: Readonly<Record<keyof typeof RUN_OPTIONS, OptionText>> = {
  listen: {
    argument: 'ADDRESS', values: ['127.0.0.1:1234', ':0', 'unix:', 'stdio'], default: DEFAULT_LISTEN,
    text: 'Where gdb connects: HOST:PORT, :PORT on 127.0.0.1 (port 0: one that is free, told in the line "Listening on"), unix:PATH, or stdio ' +
      'for gdb\'s "target remote | kvm-gdbserver ...". Other addresses than loopback are warned of: whoever connects owns the guest.',
  },
  gdb: { text: 'Start gdb in this terminal, attached, with the guest\'s symbols and the helper; what follows -- goes to it. Ends when gdb ends.' },
  memory: { argument: 'SIZE', default: '128M', text: 'RAM of the guest, with K, M, G or T behind the number.' },
  cpus: { argument: 'N', default: '1', text: 'Number of processors, 1 to 64. Each is a thread in gdb.' },
  cpu: {
    argument: 'CHOICE', values: ['host', 'base'], default: 'host',
    text: 'What CPUID shows the guest: host (all that KVM offers) or base (x86-64 without extensions), then -FEATURE and +FEATURE with commas between, ' +
      'named as in /proc/cpuinfo.',
  },
  irqchip: { argument: 'WHERE', values: ['none', 'kernel', 'split'], default: 'kernel for a disk and for several processors, else none', text: 'Interrupt controllers and PIT: in the kernel; here, with the local APICs in the kernel (split); or none.' },
  clock: {
    argument: 'POLICY', values: CLOCK_POLICIES, default: 'pause',
    text: 'What becomes of the guest\'s time while it is stopped: pause (TSC, kvmclock, timers go on from where they were) or run.',
  },
  boot: { argument: 'KIND', values: ['auto', ...BOOT_KINDS], default: 'auto', text: 'What kind of guest the file is; auto tells it by its content.' },
  load: { argument: 'ADDRESS', text: 'Of a flat image: the guest-physical address it is put at.' },
  entry: { argument: 'ADDRESS', text: 'Of a flat image: the linear address of its first instruction.' },
  mode: { argument: 'MODE', values: CPU_MODES, text: 'Of a flat image or a bzImage: the CPU mode it begins in.' },
  append: { argument: 'TEXT', text: 'The kernel\'s command line.' },
  symbols: { argument: 'FILE', text: 'An ELF file with the guest\'s symbols, which gdb is told of; else the guest itself or the vmlinux beside a bzImage.' },
  firmware: {
    argument: 'ROM', values: ['seabios', 'builtin', 'none'], default: 'seabios for a disk where it is installed, else none',
    text: 'seabios or a ROM file, started at the reset vector; builtin for a small BIOS in this program that starts a boot sector at once; none. ' +
      'With any but none GUEST is the first hard disk.',
  },
  'boot-order': {
    argument: 'LIST', values: BOOT_DEVICE_NAMES, default: 'kernel,disk,cdrom',
    text: 'What firmware boots, with commas between, the first that boots: disk, disk2, cdrom, a kernel given as the guest; menu waits for the key of the firmware\'s boot menu.',
  },
  'stop-at': {
    argument: 'PLACE', values: ['reset', 'boot-sector', 'entry'],
    text: 'Let the guest run by itself to this place and hold it there: reset, boot-sector, entry, or a linear address.',
  },
  keys: {
    argument: 'TEXT',
    text: 'Type on the guest\'s keyboard when it begins, or has come to --stop-at (with --run it goes on from there): \\n for Enter, <up>, <f1>, ctrl-alt-del.',
  },
  disk: { argument: 'FILE[,MODE]', text: 'A raw disk image; up to four. MODE says what becomes of writes: snapshot (kept beside the image and dropped, the default), readonly, write.' },
  cdrom: { argument: 'FILE', text: 'An ISO image in a CD-ROM drive.' },
  floppy: { argument: 'FILE', text: 'There is no floppy controller: says what to do instead.' },
  module: { argument: '"FILE ARGS"', text: 'A Multiboot module or a Linux kernel\'s initrd; may be repeated. --initrd is the same.' },
  serial: {
    argument: 'WHERE', values: ['stdio', 'pty', 'none', 'file:', 'tcp:', 'unix:'], default: 'stdio',
    text: 'Where the guest\'s serial port COM1 leads: stdio, file:PATH, pty, tcp:HOST:PORT, unix:PATH, none.',
  },
  display: {
    argument: 'WHERE', values: ['none', 'text'], default: 'none',
    text: 'text: the guest\'s text screen in this terminal, whose keyboard is the guest\'s; Ctrl-] ends. The serial port leads nowhere then, unless --serial says where.',
  },
  run: { text: 'Let the guest run; do not hold it at its first instruction.' },
  once: { text: 'End with the first connection, whether it detaches, kills or goes away; so --listen stdio does, unless --on-disconnect continue.' },
  'ready-file': { argument: 'FILE', text: 'A file that appears, with the address in it, when gdb may connect, and is removed at the end.' },
  'on-disconnect': { argument: 'WHAT', values: ['stop', 'continue', 'kill'], default: 'stop', text: 'What becomes of the guest when a connection breaks or closes without a detach.' },
  'on-kill': { argument: 'WHAT', values: ['exit', 'keep', 'reset'], default: 'exit', text: 'What gdb\'s kill does: end guest and server, hold the guest, or hold it reset.' },
  description: {
    argument: 'NAME', values: ['auto', ...DESCRIPTION_VARIANTS.filter((name) => name !== 'superset')], default: 'auto',
    text: 'The registers that gdb sees; auto has 64- and 32-bit names at once.',
  },
  log: { argument: 'LAYERS', values: LOG_LAYERS, text: 'What to tell of what happens, with commas between: packets, exits, planted breakpoints, what firmware says on port 0x402.' },
  'log-format': { argument: 'FORMAT', values: LOG_FORMATS, default: 'text', text: 'How everything on stderr is said: sentences, or one JSON object a line.' },
  'trace-exits': { argument: 'FILE', text: 'Write each exit, on a track per processor, in the trace-event format of Perfetto and chrome://tracing.' },
  mechanisms: { argument: 'LIST', values: MECHANISMS, text: 'What may be used to make breakpoints stop, with commas between; everything that this host has without it.' },
};

/** The commands beside `run`. */
export const COMMAND_TEXTS: readonly { readonly command: string; readonly text: string }[] = [
  { command: 'doctor [--json]', text: 'Say whether KVM works here, and if not why; describe the host and what it does for a debugger. Exit status 0 if it works, else 1.' },
  { command: 'gdb-script', text: 'Print the path of the helper that stock gdb loads: gdb -x "$(kvm-gdbserver gdb-script)".' },
  { command: 'completion', text: 'Print a script for bash or zsh that completes commands, options and their values.' },
];

/** `--listen ADDRESS`, `--run`. */
export function optionUsage(name: string, { argument }: OptionText): string {
  return `--${name}${argument === undefined ? '' : ` ${argument}`}`;
}
