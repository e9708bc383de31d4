#include "shared-cpu.h"

namespace kvm {

void SharedCpu::begin_wait() {
  // Where binding is not allowed (a seccomp filter) the threads run where the scheduler likes: only slower.
  if (refused_ || sched_getaffinity(0, sizeof callers_, &callers_) != 0) return;
  const int cpu = sched_getcpu();
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(cpu), &one);
  if (CPU_COUNT(&callers_) > 1) {
    caller_bound_ = sched_setaffinity(0, sizeof one, &one) == 0;
    refused_ = !caller_bound_;
  }
  if (!refused_ && cpu != thread_cpu_) {
    refused_ = sched_setaffinity(thread_, sizeof one, &one) != 0;
    thread_cpu_ = refused_ ? -1 : cpu;
  }
}

void SharedCpu::end_wait(bool ended) {
  if (!ended && thread_cpu_ >= 0) {
    sched_setaffinity(thread_, sizeof callers_, &callers_);
    thread_cpu_ = -1;
  }
  if (caller_bound_) sched_setaffinity(0, sizeof callers_, &callers_);
  caller_bound_ = false;
}

}  // namespace kvm
