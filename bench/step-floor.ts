/** Compiles and runs kvm-step-floor.c: bare KVM_RUN single steps over the countdown loop. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { COUNTDOWN } from './loop-guest.js';

const COMPILE_TIMEOUT_MS = 60_000;
const RUN_TIMEOUT_MS = 60_000;

/** The compiled floor; `folder` gets the binary. */
export class StepFloor {
  private readonly program: string;

  constructor(
    source: string,
    folder: string,
    private readonly image: string,
  ) {
    this.program = join(folder, 'kvm-step-floor');
    run('cc', ['-O2', '-Wall', '-Werror', '-o', this.program, source], COMPILE_TIMEOUT_MS);
  }

  /** Steps a second over `rounds` rounds of the countdown loop (two instructions each). */
  stepsPerSecond(rounds: number): number {
    const args = [this.image, COUNTDOWN.start.toString(16), COUNTDOWN.end.toString(16), String(rounds)];
    const [steps = NaN, seconds = NaN] = run(this.program, args, RUN_TIMEOUT_MS).trim().split(' ').map(Number);
    if (steps !== 2 * rounds) throw new Error(`kvm-step-floor made ${steps} steps instead of ${2 * rounds}`);
    return steps / seconds;
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
