/** A vCPU on its way past a breakpoint that was dealt with and does not stop. */
import type { RunAgain, RunAlone } from './job.js';

export class Passing {
  private at: bigint | undefined;
  private hasBegun = false;

  /** It is about to leave `pc` by what `way` runs. */
  leaves<W extends RunAgain | RunAlone>(pc: bigint, way: W): W {
    this.at = pc;
    this.hasBegun = true;
    return { ...way, instead: () => { this.hasBegun = false; } };
  }

  /** It has left. */
  done(): void {
    this.at = undefined;
  }

  /** The place, if the vCPU stands there and has not left it; `isUnderWay`: what it leaves by is not done. */
  cutAt(pc: bigint, isUnderWay: () => boolean): bigint | undefined {
    return this.at === pc && (!this.hasBegun || isUnderWay()) ? pc : undefined;
  }
}
