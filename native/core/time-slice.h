// How soon a thread runs that has just been woken, where more threads want to run than there are CPUs
// (docs/decisions/0024-short-slices.md).
#pragma once

namespace kvm {

// For the calling thread, if it serves vCPUs: it asks for the shortest slices that there are. What it wakes up for is over in
// a moment, and with them it need not wait until vCPUs that compute have had their slices (Linux 6.12, sched_runtime of
// sched_setattr(2); Documentation/scheduler/sched-eevdf.rst; older kernels take it and do nothing). Its share of the CPUs stays
// what it was. Threads and processes that it starts have usual slices. A thread whose priority somebody has set is left alone,
// and so is one that may not ask (a seccomp filter): only slower.
void take_short_slices();

// Lets threads run that wait for this CPU.
void yield_cpu();

}  // namespace kvm
