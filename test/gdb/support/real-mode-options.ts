/**
 * The QEMU that gives the host with SVM does not survive a debug register's breakpoint where CS has a base in real mode
 * (docs/hosts.md), be it the client's or that of a step at an interrupt handler.
 */
const isFragile = process.env['HOST_NAME'] === 'svm';

/** Options for the server of a session in firmware or a loader with few breakpoints where CS has a base, and no step over a BIOS call. */
export const FIRMWARE_OPTIONS: readonly string[] = isFragile ? ['--mechanisms', 'patch,read-only,step'] : [];

/** For any session in real-mode code. Patches are HLTs there, which an interrupt controller in the kernel would keep for itself. */
export const REAL_MODE_OPTIONS: readonly string[] = isFragile ? [...FIRMWARE_OPTIONS, '--irqchip', 'none'] : [];

/** For tape: firmware needs the interrupt controller, so that only debug registers stop there, and steps over its calls have them too. */
export const SKIP_BREAKPOINTS_IN_FIRMWARE = isFragile && 'QEMU\'s TCG crashes at a debug register\'s breakpoint where CS has a base (docs/hosts.md)';
