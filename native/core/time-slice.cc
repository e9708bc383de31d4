#include "time-slice.h"

#include <cstdint>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kvm {
namespace {

// SCHED_ATTR_SIZE_VER0 of linux/sched/types.h, which does not go together with glibc's sched.h.
struct SchedulingAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// In nanoseconds; the kernel grants no less.
constexpr uint64_t kShortest = 100'000;
constexpr uint64_t kResetOnFork = 1;  // SCHED_FLAG_RESET_ON_FORK, which also takes a raised priority from what is started

}  // namespace

void take_short_slices() {
  SchedulingAttributes attributes{};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER || attributes.nice < 0) return;
  attributes.runtime = kShortest;
  attributes.flags |= kResetOnFork;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void yield_cpu() { sched_yield(); }

}  // namespace kvm
