/**
 * What happens when a vCPU reaches breakpoints: their conditions are evaluated, what holds is counted, commands are run,
 * and it is decided whether the client hears of it. As in gdbserver a breakpoint with commands (`dprintf` with
 * `set dprintf-style agent`) does not stop; unlike there its commands wait for its condition.
 */
import { evaluate, type AgentContext } from '../breakpoints/agent/evaluate.js';
import type { Breakpoint } from '../breakpoints/breakpoint-set.js';
import type { CpuView } from './cpu-view.js';

/** One vCPU, as expressions see it. */
export interface ArrivingCpu {
  readonly view: CpuView;
  readonly registers: {
    /** Unsigned, by gdb's register number; undefined for none, and for more than 64 bits. */
    value(regnum: number): bigint | undefined;
    /** The vCPU ran: nothing that was read before counts. */
    invalidate(): void;
  };
}

export interface ArrivalOptions {
  /** In vCPU order. */
  readonly cpus: readonly ArrivingCpu[];
  /** Linear memory as the guest knows it, without our patches; comes back short where the readable bytes end. */
  readonly read: (view: CpuView, address: bigint, length: number) => Uint8Array;
  /** Takes what commands print. */
  readonly say: (text: string) => void;
}

/** The client hears of this breakpoint; `text` says why, where a condition could not be evaluated. */
export interface ArrivalStop {
  readonly breakpoint: Breakpoint;
  readonly text?: string;
}

type Verdict = 'stop' | 'go-on' | { readonly text: string };

export class BreakpointArrival {
  private readonly contexts: readonly AgentContext[];

  constructor(private readonly options: ArrivalOptions) {
    const { read, say, cpus } = options;
    this.contexts = cpus.map(({ view, registers }) => ({
      read: (address, length) => read(view, address, length),
      register: (regnum) => registers.value(regnum),
      print: say,
    }));
  }

  /**
   * vCPU number `cpu` stands at all of `reached`. Undefined: it goes on. The first that stops is reported; the
   * conditions of the others are evaluated and their commands run all the same, for the guest will not come here again.
   */
  arrive(reached: readonly Breakpoint[], cpu: number): ArrivalStop | undefined {
    this.options.cpus[cpu].registers.invalidate();
    let stop: ArrivalStop | undefined;
    for (const breakpoint of reached) {
      const verdict = this.judge(breakpoint, this.contexts[cpu]);
      if (verdict === 'go-on' || stop !== undefined) continue;
      stop = verdict === 'stop' ? { breakpoint } : { breakpoint, text: verdict.text };
    }
    return stop;
  }

  private judge(breakpoint: Breakpoint, context: AgentContext): Verdict {
    breakpoint.arrivals++;
    const { conditionPrograms, commandPrograms } = breakpoint;
    let holds = conditionPrograms.length === 0;
    for (const program of conditionPrograms) {
      const { value, failure } = evaluate(program, context);
      if (failure !== undefined) return this.withoutValue(breakpoint, failure, context);
      if (value === 0n) continue;
      holds = true;
      break;
    }
    if (!holds) return 'go-on';
    breakpoint.hits++;
    for (const program of commandPrograms) {
      const { failure } = evaluate(program, context);
      if (failure === undefined) continue;
      context.print(`A command of the breakpoint at ${where(breakpoint)} fails: ${failure}.\n`);
      break;
    }
    return commandPrograms.length === 0 ? 'stop' : 'go-on';
  }

  /** A stop, but not at a dprintf: gdb goes on from one without stepping off, and would come to the same stop for ever. */
  private withoutValue(breakpoint: Breakpoint, failure: string, context: AgentContext): Verdict {
    const text = `The condition of the breakpoint at ${where(breakpoint)} has no value: ${failure}.`;
    if (breakpoint.commandPrograms.length === 0) return { text };
    context.print(`${text}\n`);
    return 'go-on';
  }
}

function where({ address }: Breakpoint): string {
  return `0x${address.toString(16)}`;
}
