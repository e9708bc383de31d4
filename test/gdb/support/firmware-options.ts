/**
 * Options for the server of a session in firmware or a loader. The QEMU that gives the host with SVM does not survive a breakpoint
 * in a debug register where CS has a base (docs/hosts.md), as they have it: neither the client's nor that of a step at an
 * interrupt handler. Its patches are HLTs, which an interrupt controller in the kernel would keep for itself.
 */
export const FIRMWARE_OPTIONS: readonly string[] = process.env['HOST_NAME'] === 'svm'
  ? ['--mechanisms', 'patch,read-only,step', '--irqchip', 'none'] : [];
