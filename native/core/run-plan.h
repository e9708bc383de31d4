// What a vCPU is to do until JavaScript is asked again. JavaScript writes it through an ArrayBuffer at the offsets that
// layout.run_plan gives; the vCPU's thread only ever sees a checked copy.
#pragma once

#include <cstdint>

namespace kvm {

constexpr uint32_t kMaximumUntil = 1024;

enum RunMode : uint32_t {
  kContinue = 0,
  kStep = 1,
};

enum RunPlanFlag : uint32_t {
  // A stepped PUSHF leaks TF=1 into the image it pushes (VMX, SVM): clear it there unless the guest's own TF is set.
  kFixPushf = 1,
  // A new plan: `steps` counts from 0. Without it the plan before goes on after an exit was served.
  kFresh = 2,
  // Some instructions do not end a step (a software KVM): have a debug register end it.
  kEndLateSteps = 4,
};

struct RunPlan {
  uint32_t mode;
  uint32_t flags;
  // KVM_GUESTDBG_*; a step plan gets ENABLE and SINGLESTEP by itself.
  uint32_t debug_control;
  // How many of `until` count.
  uint32_t until_count;
  // As in struct kvm_guest_debug_arch: 0-3 and 7 are used.
  uint64_t debugreg[8];
  // A step plan goes on while range_start <= linear pc < range_end; both 0: no range.
  uint64_t range_start;
  uint64_t range_end;
  // A step plan ends after so many steps; 0: no limit.
  uint64_t max_steps;
  // Linear addresses in ascending order: a step plan ends when the pc is one of them after a step.
  uint64_t until[kMaximumUntil];
};

}  // namespace kvm
