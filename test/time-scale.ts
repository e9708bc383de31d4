/** Waiting on slow hosts. */

/**
 * How many times its usual time a test may take on the host that it runs on: 1, or on an emulated one (docs/hosts.md) what its
 * runner says in HOST_TIME_SCALE.
 */
export const TIME_SCALE = Number(process.env['HOST_TIME_SCALE'] ?? 1);

/**
 * Milliseconds after which a wait counts as a hang: `usual` times the host's slowness, but never so few that a machine with
 * other work to do fails a test.
 */
export function patience(usual: number): number {
  return Math.max(60_000, usual * TIME_SCALE);
}
