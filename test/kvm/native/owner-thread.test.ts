/** The same as on kernels before 6.12: only the vCPU's own thread calls KVM_RUN (docs/decisions/0008). */
process.env['KVM_GDBSERVER_OWNER_THREAD'] = '1';
await import('./exits.test.js');
await import('./kick.test.js');
await import('./steps.test.js');
await import('../debugger/stepping.test.js');
await import('../debugger/breakpoints.test.js');
