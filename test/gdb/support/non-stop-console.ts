/** A gdb in non-stop mode with the four processors of the guest `workers`. */
import { withGdb, type GdbConsole } from './gdb-console.js';
import type { Server } from './gdb-session.js';

export const WORKERS = 'build/workers.elf';
export const FOUR = ['--cpus', '4', WORKERS];

export async function withNonStopGdb(args: readonly string[], work: (gdb: GdbConsole, server: Server) => Promise<void>): Promise<void> {
  await withGdb(args, async (gdb, server) => {
    await gdb.run('set non-stop on');
    await gdb.run(`file ${args.at(-1)}`);
    await gdb.run(`target remote ${server.address}`);
    await work(gdb, server);
  });
}

/** By thread, whether gdb shows it as running. */
export async function runningThreads(gdb: GdbConsole): Promise<number[]> {
  const rows = (await gdb.run('info threads')).matchAll(/^[* ] +(\d+) +Thread .*?\((running|[^)]*)\) +(\(running\))?/gm);
  return [...rows].filter(([, , , running]) => running !== undefined).map(([, thread]) => Number(thread));
}

/** Whether the guest's memory changes: others run. */
export async function changes(gdb: GdbConsole, expression: string): Promise<boolean> {
  const first = await gdb.run(`output ${expression}`);
  for (let i = 0; i < 100; i++) if ((await gdb.run(`output ${expression}`)).trim() !== first.trim()) return true;
  return false;
}

/** Lets all run that work for ever, once the boot processor has begun. */
export async function workForEver(gdb: GdbConsole): Promise<void> {
  await gdb.run('set var keep_working = 1');
  await gdb.run('continue -a &');
  if (!await changes(gdb, 'next_job')) throw new Error(`The guest does not work:\n${gdb.transcript}`);
}

/** `interrupt -a`, until gdb shows all as stopped. */
export async function stopAll(gdb: GdbConsole): Promise<void> {
  await gdb.run('interrupt -a');
  for (let i = 0; i < 200; i++) if ((await runningThreads(gdb)).length === 0) return;
  throw new Error(`Some thread still runs:\n${gdb.transcript}`);
}
