/**
 * On which CPUs client and server run. It matters more than anything else to a round trip: woken on another CPU, a
 * process of a virtual machine answers about 40 µs later than on the CPU that woke it, and a free scheduler stays
 * with either choice for seconds at a time.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * `free`: as the scheduler likes, as for a user, and noisy; `apart`: client on the first CPU, server on the others;
 * `together`: both on one CPU.
 */
export type Placement = 'free' | 'apart' | 'together';
export const PLACEMENTS: readonly Placement[] = ['free', 'apart', 'together'];

const CLIENT_CPU = '0';

/** Binds this process, and with it gdb and the C loop, to its CPU. Throws when that cannot be done. */
export function placeClient(placement: Placement): void {
  if (placement === 'free') return;
  if (placement === 'apart' && availableParallelism() < 2) throw new Error('--placement apart needs two CPUs');
  try {
    execFileSync('taskset', ['-a', '-c', '-p', CLIENT_CPU, String(process.pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    throw new Error(`--placement ${placement} needs taskset to work (package util-linux): ${(error as Error).message}`);
  }
}

/** The CPUs a server may use, as taskset's list; undefined for all. */
function serverCpus(placement: Placement, cpus: number): string | undefined {
  if (placement === 'free') return undefined;
  if (placement === 'together') return CLIENT_CPU;
  return cpus === 2 ? '1' : `1-${cpus - 1}`;
}

/** `argv` so that the server runs where it shall. taskset executes it in its own place: the process id stays. */
export function placeServer(argv: string[], placement: Placement, cpus: number): string[] {
  const list = serverCpus(placement, cpus);
  return list === undefined ? argv : ['taskset', '-c', list, ...argv];
}
