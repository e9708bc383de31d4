/** Compiles and runs kvm-floor.c (bare KVM_RUN over the guest's countdown loop, in steps, and over its loop that reads a port) and stop-floor.c. */
import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { COUNTDOWN, PORT_LOOP_START } from './loop-guest.js';

const COMPILE_TIMEOUT_MS = 60_000;
const RUN_TIMEOUT_MS = 60_000;

/** Rounds of stops, and how long the vCPUs have to fall asleep in each. */
const STOPS = 30, SLEEP_MICROSECONDS = 4000;

/** The compiled floor; `sources` has the programs, `folder` gets the binaries. */
export class Floor {
  private readonly program: string;
  private readonly stopProgram: string;

  constructor(
    sources: string,
    folder: string,
    private readonly image: string,
  ) {
    this.program = join(folder, 'kvm-floor');
    this.stopProgram = join(folder, 'stop-floor');
    for (const program of [this.program, this.stopProgram]) {
      run('cc', ['-O2', '-Wall', '-Werror', '-pthread', '-o', program, join(sources, `${basename(program)}.c`)], COMPILE_TIMEOUT_MS);
    }
  }

  /** Milliseconds until `cpus` vCPUs that sleep in HLT have left KVM_RUN, each in its thread. */
  stopMilliseconds(cpus: number): number {
    return 1000 * Number(run(this.stopProgram, [cpus, STOPS, SLEEP_MICROSECONDS].map(String), RUN_TIMEOUT_MS));
  }

  /** Steps a second over `rounds` rounds of the countdown loop (two instructions each). */
  stepsPerSecond(rounds: number): number {
    return this.perSecond(2 * rounds, ['step', this.image, COUNTDOWN.start.toString(16), COUNTDOWN.end.toString(16), String(rounds)]);
  }

  /** Reads of a port that are answered a second, over `count` of them. */
  portExitsPerSecond(count: number): number {
    return this.perSecond(count, ['port', this.image, PORT_LOOP_START.toString(16), String(count)]);
  }

  private perSecond(wanted: number, args: string[]): number {
    const [made = NaN, seconds = NaN] = run(this.program, args, RUN_TIMEOUT_MS).trim().split(' ').map(Number);
    if (made !== wanted) throw new Error(`kvm-floor ${args[0]} made ${made} instead of ${wanted}`);
    return made / seconds;
  }
}

function run(program: string, args: string[], timeout: number): string {
  try {
    return execFileSync(program, args, { timeout, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`${program} failed: ${stderr.trim() || message}`);
  }
}
