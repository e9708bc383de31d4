/**
 * Random breakpoints and watchpoints in random programs whose course is known: every stop that must come does, in order,
 * and no other, by every mechanism that this host has.
 */
import test from 'tape';
import { inEveryMode } from '../../../src/breakpoints/capabilities.js';
import type { Mechanism } from '../../../src/breakpoints/planner.js';
import type { StopEvent } from '../../../src/target.js';
import { executionMechanisms, watchMechanisms } from './forced.js';
import { GuestUnderDebug, hostCapabilities, type TestMode } from './guest-under-debug.js';
import { MODES } from './machine-code.js';
import { randomNumbers } from '../../random-numbers.js';
import { DATA, STACK_TOP, tracedProgram, type TracedProgram } from './traced-program.js';

interface Break {
  readonly offset: number;
  readonly kind: 'software' | 'hardware';
}

interface Watch {
  readonly kind: 'write' | 'read' | 'access';
  readonly address: number;
  readonly length: number;
}

interface Expected {
  /** `break OFFSET`, or `watch behind OFFSET`, the place that follows the instruction. */
  readonly what: string;
  /** For a watch: those that the instruction touches. */
  readonly watches: readonly Watch[];
}

function touches({ kind, address, length }: Watch, access: { address: number; size: number; read: boolean; write: boolean }): boolean {
  if (access.address >= address + length || address >= access.address + access.size) return false;
  return kind === 'access' || (kind === 'read' ? access.read : access.write);
}

function expectedStops({ trace }: TracedProgram, breaks: readonly Break[], watches: readonly Watch[]): Expected[] {
  return trace.flatMap(({ offset, accesses }, i) => {
    const stops: Expected[] = [];
    if (i > 0 && breaks.some((each) => each.offset === offset)) stops.push({ what: `break ${offset}`, watches: [] });
    const touched = watches.filter((watch) => accesses.some((access) => touches(watch, access)));
    if (touched.length > 0) stops.push({ what: `watch behind ${trace[i + 1].offset}`, watches: touched });
    return stops;
  });
}

/**
 * Runs the guest to its end as gdb would: off a breakpoint by a step without it; and wherever the guest stands, a
 * breakpoint there counts as hit, for gdb compares the pc itself.
 */
async function stopsOf(guest: GuestUnderDebug, breaks: readonly Break[]): Promise<{ what: string; stop: StopEvent }[]> {
  const seen: { what: string; stop: StopEvent }[] = [];
  let here = breaks.filter(({ offset }) => offset === 0);
  while (seen.length < 2000) {
    for (const each of here) guest.unbreak(each.offset, each.kind);
    const stop = here.length > 0 ? await guest.step() : await guest.continue();
    for (const each of here) guest.break(each.offset, each.kind);
    const { kind } = stop.reason;
    if (kind === 'exited') return seen;
    if (kind === 'watchpoint') seen.push({ what: `watch behind ${guest.offset}`, stop });
    here = breaks.filter(({ offset }) => offset === guest.offset);
    if (here.length > 0) seen.push({ what: `break ${guest.offset}`, stop });
    if (kind === 'watchpoint' || kind === 'step' || (kind === 'breakpoint' && here.length > 0)) continue;
    seen.push({ what: `${kind} at ${guest.offset}: ${stop.text ?? ''}`, stop });
    return seen;
  }
  return seen;
}

function pick(random: (below: number) => number, offsets: readonly number[], count: number): Break[] {
  const all = Array.from({ length: count }, (): Break => ({ offset: offsets[random(offsets.length)], kind: random(3) === 0 ? 'hardware' : 'software' }));
  return all.filter((each, i) => all.findIndex(({ offset, kind }) => offset === each.offset && kind === each.kind) === i);
}

/** One program with some breakpoints and watchpoints; the first difference, undefined if there is none. */
async function difference(
  mode: TestMode, seed: number, only: readonly Mechanism[] | undefined, watches: readonly Watch[], breakCount: number,
): Promise<string | undefined> {
  const random = randomNumbers(seed ^ 0x5eed);
  const program = tracedProgram(mode, seed);
  const breaks = pick(random, program.offsets, breakCount);
  const guest = new GuestUnderDebug(mode, program.code, undefined, only);
  try {
    guest.write('rsp', BigInt(STACK_TOP));
    for (const { offset, kind } of breaks) guest.break(offset, kind);
    for (const { kind, address, length } of watches) guest.watch(kind, address, length);
    const expected = expectedStops(program, breaks, watches);
    const seen = await stopsOf(guest, breaks);
    const at = `seed ${seed}, breakpoints ${JSON.stringify(breaks)}, watchpoints ${JSON.stringify(watches)}`;
    for (let i = 0; i < Math.max(expected.length, seen.length); i++) {
      if (expected[i]?.what !== seen[i]?.what) return `stop ${i} of ${expected.length}: expected ${expected[i]?.what}, got ${seen[i]?.what}; ${at}`;
      const { reason } = seen[i].stop;
      if (reason.kind !== 'watchpoint' || expected[i].watches.length === 0) continue;
      const named = expected[i].watches.some(({ kind, address, length }) =>
        kind === reason.watch && reason.address >= BigInt(address) && reason.address < BigInt(address + length));
      if (!named) return `stop ${i}: ${reason.watch} 0x${reason.address.toString(16)} is not one of ${JSON.stringify(expected[i].watches)}; ${at}`;
    }
    return undefined;
  } finally {
    guest.close();
  }
}

const BREAK_ROUNDS = 12;
const WATCH_ROUNDS = 8;

for (const mode of MODES) {
  for (const [how, only] of executionMechanisms()) {
    test(`traces in ${mode} mode, ${how}: 1 to 12 breakpoints stop as often as the program comes by`, async (t) => {
      for (let seed = 1; seed <= BREAK_ROUNDS; seed++) {
        const wrong = await difference(mode, seed, only, [], 1 + (seed % 12));
        if (wrong !== undefined) t.fail(wrong);
      }
      t.pass(`${BREAK_ROUNDS} programs`);
      t.end();
    });
  }
}

/** A debug register cannot watch reads alone. */
const WATCH_KINDS: readonly Watch['kind'][] = ['write', 'access', ...(inEveryMode(hostCapabilities(), 'debugWrite') ? [] : ['read' as const])];

for (const mode of MODES) {
  for (const [how, only] of watchMechanisms()) {
    test(`traces in ${mode} mode, ${how}: watches of any place and length among breakpoints`, async (t) => {
      for (let seed = 101; seed <= 100 + WATCH_ROUNDS; seed++) {
        const random = randomNumbers(seed);
        // Every other round with write watches alone, which need no stepping.
        const kinds = seed % 2 === 0 ? ['write' as const] : WATCH_KINDS;
        const watches = Array.from({ length: 1 + random(4) }, (): Watch => ({
          kind: kinds[random(kinds.length)], address: DATA.start + random(DATA.end - DATA.start), length: 1 + random(random(2) === 0 ? 8 : 64),
        }));
        const wrong = await difference(mode, seed, only, watches, random(5));
        if (wrong !== undefined) t.fail(wrong);
      }
      t.pass(`${WATCH_ROUNDS} programs`);
      t.end();
    });
  }
}
