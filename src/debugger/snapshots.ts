/** Machine snapshots by name, in memory: the machine's state and what run control knows of it. */
import { freemem } from 'node:os';
import { TargetError } from '../target.js';
import type { Machine } from '../vmm/machine.js';
import { formatBytes } from '../vmm/memory-size.js';
import { heldBytes } from '../vmm/snapshot/memory-history.js';
import type { MachineState } from '../vmm/snapshot/machine-state.js';

const MOST_SNAPSHOTS = 100;
const LONGEST_NAME = 40;
/** Of the host's free memory, what a snapshot may take. */
const SHARE = 0.9;
const ENOMEM = 12, EBUSY = 16, EINVAL = 22, ENOENT = 2;

interface Snapshot {
  readonly state: MachineState;
  /** By CPU: whether it is in HLT, where the kernel does not know. */
  readonly halted: readonly boolean[];
  /** Bytes of RAM that were copied for it. */
  readonly copied: number;
  readonly taken: Date;
  /** Where the CPU stood that stopped last. */
  readonly where: string;
}

export interface SnapshotHooks {
  running(): boolean;
  halted(): readonly boolean[];
  where(): string;
  /** The machine's state is another one now. */
  loaded(halted: readonly boolean[]): void;
}

/** What was done, in bytes and seconds. */
export interface SnapshotReport {
  readonly bytes: number;
  readonly seconds: number;
  /** Bytes of RAM that all snapshots hold. */
  readonly held: number;
}

/** Requests that cannot be carried out throw TargetError with one sentence, having changed nothing. No vCPU may be running. */
export class Snapshots {
  readonly #machine: Machine;
  readonly #hooks: SnapshotHooks;
  readonly #byName = new Map<string, Snapshot>();

  constructor(machine: Machine, hooks: SnapshotHooks) {
    this.#machine = machine;
    this.#hooks = hooks;
  }

  /** One of that name is replaced. */
  save(name: string): SnapshotReport {
    this.#requireStopped();
    checkName(name);
    if (!this.#byName.has(name) && this.#byName.size >= MOST_SNAPSHOTS) {
      throw new TargetError(`There are ${MOST_SNAPSHOTS} snapshots already; delete one first.`, EINVAL);
    }
    const began = performance.now();
    const copied = this.#machine.changedMemory();
    if (copied > freemem() * SHARE) {
      throw new TargetError(`A snapshot would copy ${formatBytes(copied)}, and the host has ${formatBytes(freemem())} free; delete snapshots, or give the guest less memory.`, ENOMEM);
    }
    const snapshot = { halted: this.#hooks.halted(), where: this.#hooks.where(), taken: new Date(), copied, state: this.#capture(copied) };
    this.#byName.delete(name);
    this.#byName.set(name, snapshot);
    return { bytes: copied, seconds: (performance.now() - began) / 1000, held: this.held };
  }

  load(name: string): SnapshotReport {
    this.#requireStopped();
    const { state, halted } = this.#find(name);
    const began = performance.now();
    const bytes = this.#machine.restore(state);
    this.#hooks.loaded(halted);
    return { bytes, seconds: (performance.now() - began) / 1000, held: this.held };
  }

  delete(name: string): void {
    this.#find(name);
    this.#byName.delete(name);
  }

  /** The oldest first. */
  list(): readonly (Pick<Snapshot, 'copied' | 'taken' | 'where'> & { readonly name: string })[] {
    return [...this.#byName].map(([name, { copied, taken, where }]) => ({ name, copied, taken, where }));
  }

  /** Bytes of RAM that all snapshots hold together: they share what is equal. */
  get held(): number {
    return heldBytes([...this.#byName.values()].map(({ state }) => state.memory));
  }

  #requireStopped(): void {
    if (this.#hooks.running()) throw new TargetError('The machine is running; interrupt it first', EBUSY);
  }

  #capture(copied: number): MachineState {
    try {
      return this.#machine.save();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new TargetError(`The host has no memory for a copy of ${formatBytes(copied)}; delete snapshots, or give the guest less memory.`, ENOMEM);
    }
  }

  #find(name: string): Snapshot {
    const snapshot = this.#byName.get(name);
    if (snapshot !== undefined) return snapshot;
    const names = [...this.#byName.keys()];
    const known = names.length === 0 ? 'there is none yet' : `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`;
    throw new TargetError(`There is no snapshot "${name.slice(0, LONGEST_NAME)}"; ${known}.`, ENOENT);
  }
}

function checkName(name: string): void {
  if (name.length > LONGEST_NAME || !/^[\w.-]+$/.test(name)) {
    throw new TargetError(`A snapshot's name has 1 to ${LONGEST_NAME} letters, digits, dots, dashes and underscores.`, EINVAL);
  }
}
