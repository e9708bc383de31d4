// A bound on a KVM_RUN that is made on the caller's own thread: when it is over, the caller gets its thread back.
#pragma once

#include <chrono>
#include "kvm-uapi.h"

namespace kvm {

// Whether a vCPU may change threads at no cost. Before Linux 6.12 each change waits for an RCU grace period
// (virt/kvm/kvm_main.c, KVM_RUN: vcpu->pid), so that there only the vCPU's own thread runs it. With
// KVM_GDBSERVER_OWNER_THREAD in the environment it is so everywhere, for tests.
bool threads_may_change();

// While it lives, the thread that made it is signalled after `bound`: `expired` is then true and `run->immediate_exit` set,
// so that KVM_RUN returns whether it has begun or not. One at a time on a thread.
class RunDeadline {
 public:
  // `run` must outlive it.
  RunDeadline(kvm_run* run, std::chrono::microseconds bound);
  ~RunDeadline();
  RunDeadline(const RunDeadline&) = delete;

  // False where the system has no timer to give: nothing would end the run.
  bool armed() const { return armed_; }
  // Of the calling thread's deadline; false when it has none.
  static bool expired();

 private:
  bool armed_ = false;
};

// What the signal does on a thread with a deadline. Async-signal-safe.
void note_deadline();

}  // namespace kvm
