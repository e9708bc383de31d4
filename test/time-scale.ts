/** Waiting on slow hosts. */

/**
 * How many times its usual time a test may take on the host that it runs on: 1, or on an emulated one (docs/hosts.md) what its
 * runner says in HOST_TIME_SCALE.
 */
export const TIME_SCALE = Number(process.env['HOST_TIME_SCALE'] ?? 1);
