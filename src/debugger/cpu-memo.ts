/** What is known of a vCPU from one resume to the next. */
export interface CpuMemo {
  /** Where it stands (linear), if its last job has dealt with the breakpoints there and they do not stop. */
  dealtWith: bigint | undefined;
  /** It was stepped, and has not run freely since. */
  stepped: boolean;
  /** Interrupts could come in when it ran last. */
  interruptible: boolean;
}

/** At first, after a reset and when a snapshot has been loaded. */
export const NOTHING_KNOWN: CpuMemo = { dealtWith: undefined, stepped: false, interruptible: true };
