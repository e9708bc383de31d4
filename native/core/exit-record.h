// How a run ended, with the registers. Written on the JavaScript thread only, after the vCPU's thread has parked, so
// JavaScript never sees half of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include "kvm-uapi.h"

namespace kvm {

enum Outcome : uint32_t {
  // KVM_RUN returned with an exit reason: `run` holds it.
  kExit = 0,
  // The plan's steps are done, or its end was met.
  kPlanDone = 1,
  // kick().
  kKicked = 2,
  // An ioctl failed: `error`, `error_operation`.
  kError = 3,
};

enum ErrorOperation : uint32_t {
  kErrorInRun = 0,
  kErrorInSetGuestDebug = 1,
};

constexpr size_t kRunHeaderSize = offsetof(kvm_run, kvm_valid_regs);
constexpr size_t kExitDataSize = 4096;

struct ExitRecord {
  uint32_t outcome;
  // errno of outcome kError.
  int32_t error;
  // Instructions completed by this plan, over all its runs.
  uint64_t steps;
  // In: KVM_SYNC_X86_* of what JavaScript changed in regs, sregs, events below; taken by the next run.
  uint32_t dirty;
  // The exit is an I/O, MMIO or MSR access that the next run (or complete()) finishes.
  uint32_t completion_pending;
  // CS.base + RIP; RIP in 64-bit code.
  uint64_t linear_pc;
  // struct kvm_run up to the end of its exit union, as the kernel left it.
  uint8_t run[kRunHeaderSize];
  kvm_regs regs;
  kvm_sregs sregs;
  kvm_vcpu_events events;
  // Bytes of `data` that belong to a KVM_EXIT_IO.
  uint32_t data_length;
  uint32_t error_operation;
  // Port data of KVM_EXIT_IO, both ways.
  uint8_t data[kExitDataSize];
};

static_assert(kRunHeaderSize == 288, "struct kvm_run: a header of 32 bytes and a union of 256 (api.rst)");

}  // namespace kvm
