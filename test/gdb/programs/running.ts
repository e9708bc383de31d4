/** A program that runs under gdb until it has said something. */
import type { GdbConsole } from '../support/gdb-console.js';
import { type Server } from '../support/gdb-session.js';
import { patience } from '../../time-scale.js';

/** Software KVM and a busy machine are slow; on a quiet one it is over in seconds. */
export const PATIENCE_MILLISECONDS = patience(200_000);

/** Lets the guest run until `pattern` is on the serial line, and interrupts it. Throws with what is there when it never comes. */
export async function untilSaid(gdb: GdbConsole, server: Server, pattern: RegExp): Promise<void> {
  const before = server.output.stdout.length;
  gdb.begin('continue');
  for (const deadline = Date.now() + PATIENCE_MILLISECONDS; !pattern.test(server.output.stdout);) {
    if (Date.now() > deadline) throw new Error(`${pattern.source} is not on the serial line after ${PATIENCE_MILLISECONDS} ms, but:\n${server.output.stdout.slice(before)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  gdb.interrupt();
  await gdb.answer();
}
