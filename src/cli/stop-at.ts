/** `--stop-at`: how far the guest runs by itself before gdb sees it. */
import type { MachineTarget } from '../debugger/machine-target.js';
import type { StopEvent } from '../target.js';
import { GuestError, hex, type LoadedGuest } from '../vmm/boot/boot-options.js';
import { UsageError } from './usage-error.js';

/** A linear address, or a moment that has one. */
export type StopPlace = 'reset' | 'boot-sector' | 'entry' | bigint;

/** Where every PC BIOS puts a boot sector (BIOS Boot Specification 1.01, 6.5.1). */
const BOOT_SECTOR = 0x7c00n;
const LIMIT_SECONDS = 60;

/** Throws UsageError for anything else. */
export function parseStopAt(text: string): StopPlace {
  if (text === 'reset' || text === 'boot-sector' || text === 'entry') return text;
  const address = /^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text) ? BigInt(text) : -1n;
  if (address < 0n || address > 0xffff_ffff_ffff_ffffn) throw new UsageError(`--stop-at is reset, boot-sector, entry or an address such as 0x7c00, not "${text}".`);
  return address;
}

export interface StartedGuest {
  readonly title: string;
  /** None with firmware. */
  readonly guest: LoadedGuest | undefined;
  /** Linear: of what firmware boots, where that is known. */
  readonly entry?: bigint;
}

/** The linear address to run to; undefined when the guest starts there. Throws GuestError for a place that it does not have. */
export function stopAddress(place: StopPlace, { guest, title, entry }: StartedGuest): bigint | undefined {
  if (typeof place === 'bigint') return place === guest?.entry ? undefined : place;
  switch (place) {
    case 'reset':
      if (guest === undefined) return undefined;
      throw new GuestError(`--stop-at reset is where firmware begins, and ${title} is started without; leave it out, or add --firmware seabios.`);
    case 'boot-sector':
      if (guest === undefined) return BOOT_SECTOR;
      if (guest.kind === 'mbr') return undefined;
      throw new GuestError(`--stop-at boot-sector is for a disk, and ${title} is started as ${guest.kind}; leave it out.`);
    case 'entry':
      if (guest !== undefined && guest.kind !== 'mbr') return undefined;
      if (entry !== undefined) return entry;
      throw new GuestError(`--stop-at entry is where an ELF file begins, and ${title} has none; name one with --symbols, or give the address.`);
  }
}

export interface RunToOptions {
  readonly say: (sentence: string) => void;
  /** Resolves when nobody waits for the guest any more. */
  readonly leaving: Promise<unknown>;
  readonly limitSeconds?: number;
}

/**
 * Runs until the pc is `address`, and takes what stops the guest before as the end of it, with a sentence: the first stop
 * that gdb sees is there. After `limitSeconds` the guest is interrupted. Throws an Error with one sentence when it has ended.
 * Resolves with true when nothing runs any more, with false when `leaving` came first: the guest still runs then.
 */
export async function runTo(target: MachineTarget, address: bigint, { say, leaving, limitSeconds = LIMIT_SECONDS }: RunToOptions): Promise<boolean> {
  const request = { kind: 'hardware', address, length: 1 } as const;
  let isLate = false;
  target.breakpoints.insert(request);
  const timer = setTimeout(() => {
    isLate = true;
    target.interrupt();
  }, limitSeconds * 1000);
  try {
    const stop = await Promise.race([leaving.then(() => undefined), nextStop(target)]);
    if (stop === undefined) return false;
    if (stop.reason.kind === 'exited') throw new Error(`The guest ended before it came to ${hex(address)}, where --stop-at is.`);
    if (isLate) say(`The guest did not come to ${hex(address)} in ${limitSeconds} s; it is held where it is.`);
    else if (stop.reason.kind !== 'breakpoint') say(`The guest stopped before it came to ${hex(address)}, where --stop-at is.`);
    target.lastStop = { thread: stop.thread, reason: { kind: 'step' } };
    return true;
  } finally {
    clearTimeout(timer);
    target.breakpoints.remove(request);
  }
}

/** Lets every vCPU run. */
function nextStop(target: MachineTarget): Promise<StopEvent> {
  return new Promise((resolve) => {
    const listening = target.onStop((event) => {
      listening.dispose();
      resolve(event);
    });
    target.resume(target.threads().map(({ id }) => ({ kind: 'continue', thread: id })));
  });
}
