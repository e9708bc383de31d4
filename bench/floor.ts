/** Compiles and runs kvm-floor.c: bare KVM_RUN over the guest's countdown loop, in steps, and over its loop that reads a port. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { COUNTDOWN, PORT_LOOP_START } from './loop-guest.js';

const COMPILE_TIMEOUT_MS = 60_000;
const RUN_TIMEOUT_MS = 60_000;

/** The compiled floor; `folder` gets the binary. */
export class Floor {
  private readonly program: string;

  constructor(
    source: string,
    folder: string,
    private readonly image: string,
  ) {
    this.program = join(folder, 'kvm-floor');
    run('cc', ['-O2', '-Wall', '-Werror', '-o', this.program, source], COMPILE_TIMEOUT_MS);
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
