/** The speed table: what each row measures on whom, and the bound that the project set itself. */
import { bootMilliseconds, diskMegabytes } from './boot-rows.js';
import type { Floor } from './floor.js';
import { gdbStepiMilliseconds } from './gdb-stepi.js';
import { memoryMegabytes } from './memory-row.js';
import { breakpointCycles, rangeSteps, registerReads, steps, stepsWithRegisters } from './packet-rows.js';
import { portReads } from './port-row.js';
import { RunningServer, withCpus, type ServerCommand } from './servers.js';
import { memcpyMilliseconds, snapshotMilliseconds } from './snapshot-row.js';
import { stopMilliseconds, type Work } from './stop-row.js';
import { besideWatchedBytes, besideWatchedPages, falseConditions } from './watch-rows.js';

export type Contender = 'ours' | 'qemu' | 'floor';

/** How much work one sample is. */
export interface Effort {
  /** Milliseconds of timed requests. */
  readonly duration: number;
  /** Rounds of the countdown loop, at most 65535 (CX). */
  readonly countdown: number;
  /** The count typed after `stepi` in gdb. */
  readonly stepi: number;
}

export const FULL: Effort = { duration: 250, countdown: 20_000, stepi: 1_000 };
export const QUICK: Effort = { duration: 120, countdown: 5_000, stepi: 1_000 };

/** What the rows work on. A server that is not there leaves its column empty. */
export interface Field {
  readonly running: ReadonlyMap<Contender, RunningServer>;
  readonly commands: ReadonlyMap<Contender, ServerCommand>;
  /** Started with a disk: SeaBIOS on both sides, and ours with the built-in BIOS. */
  readonly booting: { readonly seabios: ReadonlyMap<Contender, ServerCommand>; readonly builtin: ReadonlyMap<Contender, ServerCommand> };
  readonly floor: Floor;
  readonly effort: Effort;
}

/** The promise about a row: a ratio between two columns, a ratio of ours to ours of an earlier row, or a value of ours. */
export type Bound =
  | { readonly kind: 'row'; readonly against: string; readonly atMost: number }
  | { readonly kind: 'ratio'; readonly against: 'qemu' | 'floor'; readonly atLeast?: number; readonly atMost?: number }
  | { readonly kind: 'value'; readonly atMost: number };

export interface Row {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly bound: Bound;
  readonly contenders: readonly Contender[];
  /** One sample; undefined where the contender cannot do this. */
  sample(contender: Contender, field: Field): Promise<number | undefined>;
}

const BOTH: readonly Contender[] = ['ours', 'qemu'];
const MEBIBYTE = 1 << 20;

/** A row over a server that has been running since the bench began. */
function onRunning(measure: (server: RunningServer, effort: Effort) => Promise<number | undefined>) {
  return async (contender: Contender, field: Field): Promise<number | undefined> => {
    const server = field.running.get(contender);
    return server === undefined ? undefined : measure(server, field.effort);
  };
}

/** A row over a server of its own, which is ended afterwards. */
function onFresh(measure: (server: RunningServer, milliseconds: number, effort: Effort) => Promise<number>) {
  return async (contender: Contender, field: Field): Promise<number | undefined> => {
    const command = field.commands.get(contender);
    if (command === undefined) return undefined;
    const { server, milliseconds } = await RunningServer.start(command);
    try {
      return await measure(server, milliseconds, field.effort);
    } finally {
      await server.stop();
    }
  };
}

/** A row over a server that is started with a disk. */
function onBooting(bios: keyof Field['booting'], measure: (command: ServerCommand, contender: Contender) => Promise<number>) {
  return async (contender: Contender, field: Field): Promise<number | undefined> => {
    const command = field.booting[bios].get(contender);
    return command === undefined ? undefined : measure(command, contender);
  };
}

/** Adds the C loop to a row about steps. */
function withFloor(servers: Row['sample']): Row['sample'] {
  return async (contender, field) =>
    contender === 'floor' ? field.floor.stepsPerSecond(field.effort.countdown) : servers(contender, field);
}

/** The rows; `breakpoint` is the Z packet's digit that both servers are driven with. */
export function makeRows(breakpoint: 0 | 1): Row[] {
  return [
    {
      name: 'step', title: 'single steps', unit: '/s', contenders: ['ours', 'qemu', 'floor'],
      bound: { kind: 'ratio', against: 'qemu', atLeast: 4 },
      sample: withFloor(onRunning((server, effort) => steps(server, effort.duration))),
    },
    {
      name: 'step-g', title: 'step + g', unit: '/s', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atLeast: 2 },
      sample: onRunning((server, effort) => stepsWithRegisters(server, effort.duration)),
    },
    {
      name: 'gdb-stepi', title: 'stepi 1000 in gdb', unit: 'ms', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atMost: 1 / 2 },
      sample: onRunning((server, effort) => gdbStepiMilliseconds(server, effort.stepi)),
    },
    {
      name: 'breakpoint', title: `breakpoint cycles (Z${breakpoint})`, unit: '/s', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atLeast: 2.5 },
      sample: onRunning((server, effort) => breakpointCycles(server, effort.duration, breakpoint)),
    },
    {
      name: 'g', title: 'g reads', unit: '/s', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atLeast: 1 },
      sample: onRunning((server, effort) => registerReads(server, effort.duration)),
    },
    {
      name: 'memory', title: 'memory read', unit: 'MB/s', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atLeast: 8 },
      sample: onRunning((server, effort) => memoryMegabytes(server, effort.duration)),
    },
    {
      name: 'range', title: 'range step (vCont;r)', unit: 'steps/s', contenders: ['ours', 'floor'],
      bound: { kind: 'ratio', against: 'floor', atLeast: 0.8 },
      sample: withFloor(onRunning((server, effort) => rangeSteps(server, effort.countdown))),
    },
    {
      name: 'condition', title: 'false conditions (QEMU: gdb evaluates)', unit: '/s', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atLeast: 8 },
      sample: (contender, field) => onRunning((server, { duration }) =>
        (contender === 'ours' ? falseConditions(server, duration) : breakpointCycles(server, duration, breakpoint)))(contender, field),
    },
    {
      name: 'watch-elsewhere', title: '100 write watches elsewhere (last column: none)', unit: 'insns/s', contenders: ['ours', 'floor'],
      bound: { kind: 'ratio', against: 'floor', atLeast: 0.95 },
      sample: (contender, field) => onRunning((server, { duration }) => besideWatchedPages(server, duration, contender === 'ours' ? 100 : 0))('ours', field),
    },
    {
      name: 'watch-beside', title: 'a store beside a watch in 1,000 (last column: stepping)', unit: 'insns/s', contenders: ['ours', 'floor'],
      bound: { kind: 'ratio', against: 'floor', atLeast: 8 },
      sample: withFloor(onRunning((server, { duration }) => besideWatchedBytes(server, duration))),
    },
    {
      name: 'port', title: 'reads of a device\'s port', unit: '/s', contenders: ['ours', 'qemu', 'floor'],
      bound: { kind: 'ratio', against: 'qemu', atLeast: 0.75 },
      sample: async (contender, field) => (contender === 'floor'
        ? field.floor.portExitsPerSecond(field.effort.countdown)
        : onRunning((server, { duration }) => portReads(server, duration))(contender, field)),
    },
    {
      name: 'start', title: 'start to first stop reply', unit: 'ms', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atMost: 2 },
      sample: onFresh((_server, milliseconds) => Promise.resolve(milliseconds)),
    },
    {
      name: 'boot', title: 'start to the boot sector, by SeaBIOS', unit: 'ms', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atMost: 1.2 },
      sample: onBooting('seabios', (command) => bootMilliseconds(command, false)),
    },
    {
      name: 'boot-builtin', title: 'start to the boot sector, by the built-in BIOS (QEMU: SeaBIOS)', unit: 'ms', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atMost: 0.1 },
      sample: onBooting('builtin', (command, contender) => bootMilliseconds(command, contender === 'ours')),
    },
    {
      name: 'disk', title: 'disk reads by INT 13h', unit: 'MB/s', contenders: BOTH,
      bound: { kind: 'ratio', against: 'qemu', atLeast: 1 },
      sample: onBooting('seabios', diskMegabytes),
    },
    {
      name: 'resident', title: 'resident beyond the guest', unit: 'MiB', contenders: BOTH,
      bound: { kind: 'value', atMost: 100 },
      // A server that has been used: buffers grown, code compiled.
      sample: onFresh(async (server, _milliseconds, effort) => {
        await stepsWithRegisters(server, effort.duration);
        await memoryMegabytes(server, effort.duration);
        return server.residentBeyondGuest() / MEBIBYTE;
      }),
    },
    ...(['save', 'load'] as const).map((what): Row => ({
      name: `snapshot-${what}`, title: `snapshot ${what}, 16 of 64 MiB changed`, unit: 'ms', contenders: ['ours', 'floor'],
      bound: { kind: 'ratio', against: 'floor', atMost: 3 },
      sample: (contender) => (contender === 'ours' ? snapshotMilliseconds(what) : Promise.resolve(memcpyMilliseconds())),
    })),
    stopRow('halted', 1, { kind: 'value', atMost: 1 }),
    stopRow('halted', 8, { kind: 'row', against: 'stop-1-halted', atMost: 2 }),
    stopRow('computing', 1, { kind: 'value', atMost: 1 }),
    // More than there are CPUs: each has to have one to leave the guest.
    stopRow('computing', 8, { kind: 'value', atMost: 2 }),
  ];
}

/** Ctrl-C with this many processors. */
function stopRow(work: Work, cpus: number, bound: Bound): Row {
  return {
    name: `stop-${cpus}-${work}`, title: `Ctrl-C to the stop reply, ${cpus} ${work} processor${cpus === 1 ? '' : 's'}`, unit: 'ms', bound,
    contenders: work === 'halted' ? ['ours', 'qemu', 'floor'] : BOTH,
    async sample(contender, { floor, commands }) {
      if (contender === 'floor') return floor.stopMilliseconds(cpus);
      const command = commands.get(contender);
      return command === undefined ? undefined : stopMilliseconds(withCpus(command, cpus), cpus, work);
    },
  };
}
