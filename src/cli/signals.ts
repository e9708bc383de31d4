/** SIGINT, SIGTERM and SIGHUP end the server in order: sockets removed, guest freed. SIGUSR2 asks what it is doing. */
import { constants } from 'node:os';

export interface SignalWatch {
  /** The answer to SIGUSR2; whoever has a guest says what it does. */
  describe: () => string;
  /** True while SIGINT is left to gdb, which sits in the same terminal and turns it into an interrupt of the guest. */
  gdbHasTerminal: boolean;
  dispose(): void;
}

/** Calls `end` with the status a shell expects (128 + the signal's number), and `say` with the answer to each SIGUSR2. */
export function watchSignals(end: (status: number) => void, say: (sentence: string) => void): SignalWatch {
  const watch = { describe: () => 'There is no guest yet.', gdbHasTerminal: false, dispose };
  const onEnd = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
    if (signal !== 'SIGINT' || !watch.gdbHasTerminal) end(128 + constants.signals[signal]);
  };
  const onAsk = (): void => say(watch.describe());
  process.on('SIGINT', onEnd).on('SIGTERM', onEnd).on('SIGHUP', onEnd).on('SIGUSR2', onAsk);
  return watch;

  function dispose(): void {
    process.off('SIGINT', onEnd).off('SIGTERM', onEnd).off('SIGHUP', onEnd).off('SIGUSR2', onAsk);
  }
}
