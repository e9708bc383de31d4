/** Looks at a running guest again and again: its vCPUs are taken out of it for a moment, and each goes on by itself. */
import type { Cpu } from './cpu.js';

/** A kick and an exit each. */
const LOOK_MILLISECONDS = 5;

export class GuestLooks {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly cpus: readonly Pick<Cpu, 'runner' | 'view'>[]) {}

  get active(): boolean {
    return this.timer !== undefined;
  }

  begin(): void {
    // A machine that is closed while it runs has no stop to end this: that must not keep the process.
    this.timer ??= setInterval(() => this.look(), LOOK_MILLISECONDS).unref();
  }

  end(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    for (const { view: { vcpu }, runner } of this.cpus) if (runner.active && vcpu.running) vcpu.kick();
  }
}
