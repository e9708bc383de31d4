/** The options of `run`: what yargs is told about them, and what they mean once read. */
import type { Options } from 'yargs';
import { MECHANISMS, type Mechanism } from '../debugger/machine-target.js';
import type { DisconnectPolicy, KillPolicy } from '../rsp/server.js';
import { DEFAULT_LISTEN, parseListenAddress, type ListenAddress } from '../rsp/transports/listen-address.js';
import { BOOT_KINDS, CPU_MODES, type BootKind, type StartMode } from '../vmm/boot/boot-options.js';
import { parseCpuChoice, type CpuChoice } from '../vmm/cpu-choice.js';
import { CLOCK_POLICIES, type ClockPolicy } from '../vmm/guest-clock.js';
import { keystrokes } from '../vmm/devices/scan-codes.js';
import { typedText } from '../vmm/devices/typed-text.js';
import { parseSize } from '../vmm/memory-size.js';
import { DESCRIPTION_VARIANTS, type DescriptionVariant } from '../x86/target-description.js';
import { chooseStart, type StartOptions } from './firmware-options.js';
import { LOG_FORMATS, type LogFormat } from './reporter.js';
import { parseStopAt, type StopPlace } from './stop-at.js';
import { UsageError } from './usage-error.js';

export const LOG_LAYERS = ['rsp', 'exit', 'bp', 'firmware'] as const;
export type LogLayer = (typeof LOG_LAYERS)[number];

const text: Options = { type: 'string', requiresArg: true };
const flag: Options = { type: 'boolean' };

/** For yargs. Values are read as text, and every error is worded by `readRunOptions`. */
export const RUN_OPTIONS = {
  listen: text, gdb: flag, memory: text, cpus: text, cpu: text, irqchip: text, clock: text, boot: text, load: text, entry: text, mode: text, append: text, symbols: text,
  firmware: text, 'boot-order': text, 'stop-at': text, keys: text, disk: { type: 'string', array: true, requiresArg: true }, cdrom: text, floppy: text,
  module: { type: 'string', array: true, requiresArg: true, alias: 'initrd' }, serial: text, display: text, run: flag,
  once: flag, 'ready-file': text, 'on-disconnect': text, 'on-kill': text, description: text, log: text, 'log-format': text, 'trace-exits': text, mechanisms: text,
} as const satisfies Record<string, Options>;

export interface RunOptions extends StartOptions {
  readonly listen: ListenAddress;
  /** Start gdb in this terminal. */
  readonly gdb: boolean;
  /** What follows `--` goes to that gdb. */
  readonly gdbArguments: readonly string[];
  /** RAM in bytes. */
  readonly memory?: number;
  readonly cpus: number;
  /** Absent: all that KVM offers. */
  readonly cpu?: CpuChoice;
  readonly clock: ClockPolicy;
  /** Absent: told by the content. */
  readonly boot?: BootKind;
  /** GPA. */
  readonly load?: number;
  /** Linear address. */
  readonly entry?: bigint;
  readonly mode?: StartMode;
  readonly commandLine?: string;
  /** Path of an ELF file, as typed. Absent: the guest itself, or the vmlinux beside it. */
  readonly symbols?: string;
  /** Each `FILE ARGS`. */
  readonly modules: readonly string[];
  readonly serial: string;
  /** The guest's text screen and keyboard in this terminal. */
  readonly display: 'none' | 'text';
  /** Hold the guest at its first instruction until gdb lets it go. */
  readonly hold: boolean;
  /** Where the guest is when gdb first sees it; absent: at its first instruction. */
  readonly stopAt?: StopPlace;
  /** Typed when the guest begins, or has come to `stopAt`: text for `Machine.keys`. */
  readonly keys?: string;
  /** The first connection is the last: the server ends with it. */
  readonly once: boolean;
  /** Path of a file that is there while gdb may connect, as typed. */
  readonly readyFile?: string;
  readonly onDisconnect: DisconnectPolicy;
  readonly onKill: KillPolicy;
  readonly description: DescriptionVariant;
  readonly log: ReadonlySet<LogLayer>;
  readonly logFormat: LogFormat;
  /** Path of a file for a trace of every exit, as typed. */
  readonly traceExits?: string;
  /** What may be used to make breakpoints stop. Absent: everything that the host has. */
  readonly mechanisms?: ReadonlySet<Mechanism>;
}

/** What yargs makes of a command line: text, booleans, and lists where an option was repeated. */
export type ParsedArguments = Readonly<Record<string, unknown>>;

/** Checks and converts. Throws UsageError with one sentence. */
export function readRunOptions(argv: ParsedArguments): RunOptions {
  const cpus = convert(argv, 'cpus', (value) => wholeNumber('cpus', value)) ?? 1;
  const start = readStart(argv, cpus);
  const gdb = argv['gdb'] === true;
  const listenText = single(argv, 'listen');
  if (gdb && listenText !== undefined) throw new UsageError('--gdb has a connection of its own; leave out --listen or --gdb.');
  const listen = reading(() => parseListenAddress(listenText ?? DEFAULT_LISTEN));
  const gdbArguments = list(argv, '--');
  if (gdbArguments.length > 0 && !gdb) throw new UsageError('What follows -- goes to gdb; add --gdb.');
  const memory = convert(argv, 'memory', (value) => reading(() => parseSize(value)));
  const cpu = convert(argv, 'cpu', (value) => reading(() => parseCpuChoice(value)));
  const load = convert(argv, 'load', parseLoadAddress);
  const entry = convert(argv, 'entry', (value) => parseAddress('entry', value));
  const boot = choice(argv, 'boot', ['auto', ...BOOT_KINDS], 'auto');
  const mode = convert(argv, 'mode', () => choice(argv, 'mode', CPU_MODES, 'real'));
  const commandLine = single(argv, 'append');
  const symbols = single(argv, 'symbols');
  const traceExits = convert(argv, 'trace-exits', nonEmpty('--trace-exits takes the file that the trace goes to.'));
  const readyFile = convert(argv, 'ready-file', nonEmpty('--ready-file takes the file that is made when gdb may connect.'));
  const once = argv['once'] === true;
  const policy = ['on-disconnect', 'on-kill'].find((name) => argv[name] !== undefined);
  if (once && gdb) throw new UsageError('--gdb ends with its gdb anyway; leave out --once.');
  if (once && policy !== undefined) throw new UsageError(`--once ends the guest with the first connection; leave out --${policy}.`);
  const mechanisms = convert(argv, 'mechanisms', (value) => names('mechanisms', value, MECHANISMS));
  const stopAt = convert(argv, 'stop-at', parseStopAt);
  const keys = convert(argv, 'keys', parseKeys);
  if (stopAt !== undefined && argv['run'] === true && keys === undefined) throw new UsageError('--run does not hold the guest anywhere; leave out --run or --stop-at.');
  if (keys !== undefined && start.firmware !== undefined && stopAt === undefined) {
    throw new UsageError('Firmware drops what was typed before it begins; say by --stop-at where --keys are to be typed, boot-sector for example.');
  }
  const description = choice(argv, 'description', ['auto', ...DESCRIPTION_VARIANTS.filter((name) => name !== 'superset')], 'auto');
  return {
    ...start, listen, gdb, gdbArguments,
    ...(memory !== undefined && { memory }),
    cpus,
    ...(cpu !== undefined && { cpu }),
    clock: choice(argv, 'clock', CLOCK_POLICIES, 'pause'),
    ...(boot !== 'auto' && { boot }),
    ...(load !== undefined && { load }),
    ...(entry !== undefined && { entry }),
    ...(mode !== undefined && { mode }),
    ...(commandLine !== undefined && { commandLine }),
    ...(symbols !== undefined && { symbols }),
    modules: list(argv, 'module'),
    ...readConsole(argv, listen, gdb),
    hold: argv['run'] !== true,
    // Nobody else can come over a pipe: gdb, or the shell that gdb ends, would leave a server that only waits.
    once: once || (listen.kind === 'stdio' && argv['on-disconnect'] !== 'continue'),
    ...(readyFile !== undefined && { readyFile }),
    ...(stopAt !== undefined && { stopAt }),
    ...(keys !== undefined && { keys }),
    onDisconnect: choice(argv, 'on-disconnect', ['stop', 'continue', 'kill'], 'stop'),
    onKill: choice(argv, 'on-kill', ['exit', 'keep', 'reset'], 'exit'),
    description: description === 'auto' ? 'superset' : description,
    log: names('log', single(argv, 'log') ?? '', LOG_LAYERS),
    logFormat: choice(argv, 'log-format', LOG_FORMATS, 'text'),
    ...(traceExits !== undefined && { traceExits }),
    ...(mechanisms !== undefined && { mechanisms }),
  };
}

function readStart(argv: ParsedArguments, cpus: number): StartOptions {
  const cdrom = single(argv, 'cdrom');
  const floppy = single(argv, 'floppy');
  const bootOrder = single(argv, 'boot-order');
  return chooseStart({
    guest: single(argv, 'guest'),
    firmware: single(argv, 'firmware'),
    // The others wait for messages that only a local APIC sends.
    irqchip: convert(argv, 'irqchip', () => choice(argv, 'irqchip', ['none', 'kernel', 'split'], 'none')) ?? (cpus > 1 ? 'kernel' : undefined),
    given: new Set(Object.keys(argv).filter((name) => argv[name] !== undefined)),
    disk: list(argv, 'disk'),
    ...(cdrom !== undefined && { cdrom }),
    ...(floppy !== undefined && { floppy }),
    ...(bootOrder !== undefined && { bootOrder }),
  });
}

/** An option that may be repeated. */
function list(argv: ParsedArguments, name: string): string[] {
  return ((argv[name] ?? []) as readonly unknown[]).map(String);
}

/** A text option; undefined when it was not given. */
function single(argv: ParsedArguments, name: string): string | undefined {
  const value = argv[name];
  if (Array.isArray(value)) throw new UsageError(`--${name} is given more than once; which one?`);
  return typeof value === 'string' ? value : undefined;
}

function convert<T>(argv: ParsedArguments, name: string, read: (value: string) => T): T | undefined {
  const value = single(argv, name);
  return value === undefined ? undefined : read(value);
}

function choice<T extends string>(argv: ParsedArguments, name: string, choices: readonly T[], otherwise: T): T {
  const value = single(argv, name) ?? otherwise;
  const found = choices.find((known) => known === value);
  if (found === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}, not "${value}".`);
  return found;
}

/** Throws UsageError for what no key of a US keyboard types. */
function parseKeys(value: string): string {
  const text = typedText(value);
  if (text === '') throw new UsageError('--keys takes what is to be typed, such as "help\\n".');
  reading(() => keystrokes(text));
  return text;
}

function nonEmpty(otherwise: string): (value: string) => string {
  return (value) => {
    if (value === '') throw new UsageError(otherwise);
    return value;
  };
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new UsageError(`--${name} takes a whole number, not "${value}".`);
  return Number(value);
}

function parseAddress(name: string, value: string): bigint {
  const address = /^(0x[0-9a-f]+|\d+)$/i.test(value) ? BigInt(value) : -1n;
  if (address < 0n || address > 0xffff_ffff_ffff_ffffn) {
    throw new UsageError(`--${name} takes an address such as 0x7c00, not "${value}".`);
  }
  return address;
}

function parseLoadAddress(value: string): number {
  const address = parseAddress('load', value);
  if (address > 0xffff_ffffn) throw new UsageError(`--load ${value} is above the 4 GiB in which a flat image can begin.`);
  return Number(address);
}

/** Packets, or the screen, own stdout, so the guest's line is silent then unless it is led elsewhere. */
function readConsole(argv: ParsedArguments, listen: ListenAddress, gdb: boolean): Pick<RunOptions, 'serial' | 'display'> {
  const serial = single(argv, 'serial');
  const display = choice(argv, 'display', ['none', 'text'], 'none');
  if (display === 'text') {
    if (gdb) throw new UsageError('--display text and --gdb would share this terminal; start gdb in another one.');
    if (listen.kind === 'stdio') throw new UsageError('--display text and --listen stdio would share stdout; let gdb connect in another way.');
    if (serial === 'stdio') throw new UsageError('--display text and --serial stdio would share this terminal; give one of them another place.');
    return { display, serial: serial ?? 'none' };
  }
  return { display, serial: readSerial(serial, listen) };
}

function readSerial(serial: string | undefined, listen: ListenAddress): string {
  if (listen.kind !== 'stdio') return serial ?? 'stdio';
  if (serial === 'stdio') throw new UsageError('--serial stdio and --listen stdio would share stdout; give one of them another place.');
  return serial ?? 'none';
}

/** A list with commas between. */
function names<T extends string>(option: string, value: string, known: readonly T[]): ReadonlySet<T> {
  return new Set(value.split(',').filter((name) => name !== '').map((name) => {
    const found = known.find((candidate) => candidate === name);
    if (found === undefined) throw new UsageError(`--${option} takes ${known.join(', ')} with commas between, not "${name}".`);
    return found;
  }));
}

/** Runs a parser whose errors are sentences already. */
function reading<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
