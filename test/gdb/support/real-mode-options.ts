/**
 * Options for the server of a session in real-mode code whose CS has a base: firmware, loaders. The QEMU that gives the host with
 * SVM does not survive a debug register's breakpoint there (docs/hosts.md), be it the client's or that of a step at an interrupt
 * handler. Its patches are HLTs, which an interrupt controller in the kernel would keep for itself.
 */
export const REAL_MODE_OPTIONS: readonly string[] = process.env['HOST_NAME'] === 'svm'
  ? ['--mechanisms', 'patch,read-only,step', '--irqchip', 'none'] : [];
