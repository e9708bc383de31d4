/** SIGINT, SIGTERM and SIGHUP end the server in order: sockets removed, guest freed. SIGUSR2 asks what it is doing. */
import { constants } from 'node:os';

export interface SignalWatch {
  dispose(): void;
}

/**
 * Calls `end` once with the status a shell expects (128 + the signal's number). With `gdbHasTerminal` SIGINT is left
 * to gdb, which sits in the same terminal and turns it into an interrupt of the guest. `tellState` is called at each SIGUSR2.
 */
export function whenSignalled(gdbHasTerminal: boolean, end: (status: number) => void, tellState: () => void): SignalWatch {
  const onSignal = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
    if (signal !== 'SIGINT' || !gdbHasTerminal) end(128 + constants.signals[signal]);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal).on('SIGUSR2', tellState);
  return {
    dispose() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal).off('SIGUSR2', tellState);
    },
  };
}
